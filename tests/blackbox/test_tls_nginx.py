"""TLS against nginx: as a server of the device's requests and streams, and as a client (a proxy) of its HTTPS server."""

import os
import re
import unittest
from pathlib import Path

import test_tls
from test_tls import ALERT, PROTOCOL, Case, on_linux, path
from zentri import free_port
from zentri.rest import fetch
from zentri.tls_peers import Nginx, needs_nginx

BIG = os.urandom(600_000)


def setUpModule():
    """The certificates are those of the tests against OpenSSL."""
    needs_nginx()
    test_tls.setUpModule()


class NginxCase(Case):
    """A device beside an nginx."""

    def nginx(self, *servers):
        """An nginx with these servers, each given by its lines. `PORT` in a line stands for the port."""
        port = free_port()
        folder = Path(self.device.folder) / f"nginx-{port}"
        if not self.device.has_tls_1_2:
            # Not every nginx enables TLS 1.3 by default.
            servers = [lines if any("ssl_protocols" in line for line in lines) else [*lines, "ssl_protocols TLSv1.3;"]
                       for lines in servers]
        blocks = "".join("server {\n" + "\n".join(lines).replace("PORT", f"127.0.0.1:{port}") + "\n}\n" for lines in servers)
        nginx = Nginx(folder, blocks, port)
        self.addCleanup(nginx.__exit__)
        return nginx

    @staticmethod
    def secure(name="server-p256"):
        """The lines of a server with this certificate."""
        certificate, key = path(name)
        return ["listen PORT ssl;", f"ssl_certificate {certificate};", f"ssl_certificate_key {key};",
                "location = /hello { default_type text/plain; return 200 'Hello World!'; }",
                "location = /session { default_type text/plain; return 200 '$ssl_protocol $ssl_cipher $ssl_client_verify'; }"]


class Requests(NginxCase):
    """`https` and `tls_client` to nginx."""

    def get(self, url, size=12, options=""):
        """The answer to a GET."""
        handle = int(self.line.ok(f"http_get {options}{url}"))
        data = self.line.read_stream(handle, size)
        # A stream that was read to its end has closed itself.
        self.line.command(f"close {handle}")
        return data

    def test_versions_and_keys(self):
        for kind in ("p256", "p384", "rsa"):
            for version, name in (("TLSv1.2", b"TLSv1.2 ECDHE-"), ("TLSv1.3", b"TLSv1.3 TLS_AES")):
                if version == "TLSv1.2" and not self.device.has_tls_1_2:
                    continue
                with self.subTest(f"{version} {kind}"):
                    nginx = self.nginx([*self.secure(f"server-{kind}"), f"ssl_protocols {version};"])
                    self.assertEqual(self.get(f"https://localhost:{nginx.port}/session", 14)[:14], name[:14])

    def test_old_versions_are_refused(self):
        for version in ("TLSv1", "TLSv1.1"):
            with self.subTest(version):
                lines = [*self.secure("server-rsa"), f"ssl_protocols {version};", "ssl_ciphers ALL:@SECLEVEL=0;"]
                nginx = self.nginx(lines)
                self.assertIn(self.refused(self.connect(nginx.port)), (ALERT, "5010", PROTOCOL))

    def test_weak_suites_are_refused(self):
        for suites in ("AES128-SHA:AES256-SHA", "ECDHE-RSA-AES128-SHA", "DHE-RSA-AES128-GCM-SHA256"):
            with self.subTest(suites):
                lines = [*self.secure("server-rsa"), "ssl_protocols TLSv1.2;", f"ssl_ciphers {suites}:@SECLEVEL=0;"]
                self.assertEqual(self.refused(self.connect(self.nginx(lines).port)), ALERT)

    def test_wrong_servers_are_refused(self):
        for name, code in {"elsewhere": "5037", "expired": "5036", "early": "5036"}.items():
            with self.subTest(name):
                self.assertEqual(self.refused(self.connect(self.nginx(self.secure(name)).port)), code)

    def test_the_name_that_is_asked_for(self):
        """Two servers on one port: a client that asks for neither name is refused with an alert."""
        stranger = ["listen PORT ssl default_server;", "ssl_reject_handshake on;"]
        nginx = self.nginx(stranger, [*self.secure(), "server_name localhost;"])
        self.assertEqual(self.get(f"https://localhost:{nginx.port}/hello"), b"Hello World!")
        self.assertEqual(self.refused(self.connect(nginx.port)), "5045")

    def test_clients_that_must_be_known(self):
        asks = [f"ssl_client_certificate {path('ca')[0]};", "ssl_verify_client on;"]
        certificate, key = path("client-p256")
        self.store("cert.pem", certificate)
        self.store("key.pem", key)
        for version in ("TLSv1.2", "TLSv1.3") if self.device.has_tls_1_2 else ("TLSv1.3",):
            with self.subTest(version):
                url = f"https://localhost:{self.nginx([*self.secure(), *asks, f'ssl_protocols {version};']).port}/hello"
                self.assertEqual(self.get(url, options="-x cert.pem -k key.pem "), b"Hello World!")
                handle = self.line.ok(f"http_get {url}")
                self.assertEqual(self.line.command(f"http_read_status {handle}").text, "400")

    def test_records_of_all_sizes(self):
        """nginx fills its records up to the size of its buffer."""
        for size in ("1k", "4k", "16k", "64k"):
            with self.subTest(size):
                nginx = self.nginx([*self.secure(), f"ssl_buffer_size {size};", "location = /big { root html; }"])
                page = nginx.folder / "html"
                page.mkdir()
                (page / "big").write_bytes(BIG)
                handle = int(self.line.ok(f"http_get https://localhost:{nginx.port}/big"))
                self.assertTrue(self.line.read_stream(handle, len(BIG), 30) == BIG)
                self.close_all()

    def test_a_stream_and_its_end(self):
        nginx = self.nginx(self.secure())
        handle = self.open(nginx.port)
        request = b"GET /hello HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
        self.line.ok(f"write {handle} {len(request)}", request)
        self.line.wait_poll(handle, 1)
        answer = b""
        while b"Hello World!" not in answer:
            answer += self.line.read_stream(handle, 1)
        self.assertTrue(answer.startswith(b"HTTP/1.1 200 OK\r\n"), answer)
        self.eventually(lambda: "TLSC" not in self.line.ok("list"))

    def test_a_server_that_wants_no_tls(self):
        nginx = self.nginx(["listen PORT;"])
        self.assertIn(self.refused(self.connect(nginx.port)), (PROTOCOL, "5001"))


@on_linux
class EmbeddedRequests(Requests):
    """The same with embedded-tls."""

    arguments = ("--tls-client", "embedded")


class Proxy(NginxCase):
    """nginx as a client of the HTTPS server, which it verifies."""

    settings = {"http.server.tls_cert": "cert.pem", "http.server.tls_key": "key.pem"}

    def setUp(self):
        super().setUp()
        self.store_identity("server-p256")
        self.line.ok("set http.server.tls_enabled 1")
        self.line.ok("network_restart")
        self.line.wait_text("get wlan.network.status", "2")

    def proxy(self, *lines, authority="ours"):
        """An nginx that is a proxy for the device."""
        return self.nginx(["listen PORT;", "location / {", f"proxy_pass https://127.0.0.1:{self.device.http_port};",
                           "proxy_ssl_name localhost; proxy_ssl_server_name on; proxy_ssl_verify on;",
                           f"proxy_ssl_trusted_certificate {path('ca', authority)[0]};", *lines, "}"])

    def test_versions(self):
        for version in ("TLSv1.2", "TLSv1.3"):
            with self.subTest(version):
                status, body = fetch(self.proxy(f"proxy_ssl_protocols {version};").port, "/command/version")
                self.assertEqual((status, b"OPENZENTRI" in body), (200, True))

    def test_a_file(self):
        self.line.ok(f"file_create big {len(BIG)}", BIG, 30)
        self.assertTrue(fetch(self.proxy().port, "/big") == (200, BIG))

    def test_many_requests(self):
        """nginx keeps sessions and offers to resume them."""
        nginx = self.proxy("proxy_ssl_session_reuse on;")
        for _ in range(50):
            self.assertEqual(fetch(nginx.port, "/command/version")[0], 200)

    def test_who_does_not_trust_the_device(self):
        nginx = self.proxy(authority="theirs")
        self.assertEqual(fetch(nginx.port, "/command/version")[0], 502)
        self.assertRegex(nginx.log.read_text(), "certificate verify error")

    def test_old_versions_are_refused(self):
        for version in ("TLSv1", "TLSv1.1"):
            with self.subTest(version):
                nginx = self.proxy(f"proxy_ssl_protocols {version};", "proxy_ssl_ciphers ALL:@SECLEVEL=0;")
                self.assertEqual(fetch(nginx.port, "/command/version")[0], 502)
                self.assertTrue(re.search("SSL_do_handshake\\(\\) failed.*alert", nginx.log.read_text()))


if __name__ == "__main__":
    unittest.main()
