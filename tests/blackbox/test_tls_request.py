"""`tls_certificate_request` and an authority: OpenSSL checks and signs the device's request, and verifies the server."""

import re
import socket
import ssl
import subprocess
import unittest

import test_tls
from test_tls import Case, openssl, path


def setUpModule():
    """The certificates are those of the other tests against OpenSSL."""
    test_tls.setUpModule()


def verify(request, *options):
    """Whether a request is signed by its own key, and its text. The exit code is not reliable in all versions."""
    command = ["openssl", "req", "-verify", "-noout", "-text", *options]
    ended = subprocess.run(command, input=request, capture_output=True)
    return ended.returncode == 0 and b"verify OK" in ended.stderr, ended.stdout.decode(errors="replace")


class Requests(Case):
    """From the request to the session."""

    settings = {"mdns.name": "lamp"}

    def request(self, name=""):
        """A request in PEM, and OpenSSL's text of it."""
        pem = self.line.ok(f"tls_certificate_request{name}") + "\n"
        is_genuine, shown = verify(pem.encode())
        self.assertTrue(is_genuine)
        return pem, shown

    def test_what_openssl_reads(self):
        pem, shown = self.request()
        self.assertTrue(pem.startswith("-----BEGIN CERTIFICATE REQUEST-----\r\n"), pem)
        self.assertIn("DNS:lamp.local", shown)
        self.assertIn("CN = lamp.local", shown)
        self.assertIn("ASN1 OID: prime256v1", shown)
        _, other = self.request(" lamp.example")
        self.assertIn("DNS:lamp.example", other)
        keys = [re.search(r"pub:\s+([0-9a-f:\s]+)", text)[1] for text in (shown, other)]
        self.assertEqual(*keys)

    def test_a_request_that_is_not_genuine_is_noticed(self):
        """The check of these tests must fail for a forged request."""
        pem, _ = self.request()
        der = bytearray(openssl("req", "-outform", "DER", input=pem.encode()))
        der[der.index(b"lamp")] ^= 1
        self.assertFalse(verify(bytes(der), "-inform", "DER")[0])

    def test_keys_of_the_owner(self):
        for kind, says in (("p384", "secp384r1"), ("rsa", "2048 bit")):
            self.store(f"{kind}.key", path(f"server-{kind}")[1])
            self.line.ok(f"set http.server.tls_key {kind}.key")
            with self.subTest(kind):
                self.assertIn(says, self.request()[1])

    def test_the_signed_certificate_is_served(self):
        pem, _ = self.request(" localhost")
        folder = test_tls.FOLDER / "ours"
        (folder / "extensions").write_text("subjectAltName=DNS:localhost\nbasicConstraints=critical,CA:FALSE\n")
        signed = openssl("x509", "-req", "-CA", path("ca")[0], "-CAkey", path("ca")[1], "-CAcreateserial", "-days", "5",
                         "-extfile", folder / "extensions", input=pem.encode())
        self.store("signed.pem", signed)
        self.line.ok("set http.server.tls_cert signed.pem")
        self.line.ok("set http.server.tls_enabled 1")
        self.line.ok("network_restart")
        context = ssl.create_default_context(cafile=path("ca")[0])
        with socket.create_connection(("127.0.0.1", self.device.http_port), 10) as connection, \
                context.wrap_socket(connection, server_hostname="localhost") as client:
            client.sendall(b"GET /command/version HTTP/1.0\r\n\r\n")
            self.assertIn(b" 200 ", client.recv(1000))


if __name__ == "__main__":
    unittest.main()
