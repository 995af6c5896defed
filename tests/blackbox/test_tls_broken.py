"""Handshakes that break off or stop in the middle, and renegotiation by OpenSSL: TLS as client and as server."""

import os
import socket
import ssl
import subprocess
import threading
import time
import unittest

import test_tls
from test_tls import CLOSED, Case, Server, on_linux, path
from zentri.tls_peers import Relay

VERSIONS = ("-tls1_2", "-tls1_3")
TIMED_OUT = "5031"


def setUpModule():
    """The certificates are those of the other tests against OpenSSL."""
    test_tls.setUpModule()


def last(total):
    """A position inside the last record. P-256 signatures differ in length, and so do the handshakes."""
    return total - 12


def cuts(total):
    """Where a handshake of `total` bytes breaks off: at the edges of records, inside them, before the end."""
    return sorted({0, 1, 4, 5, 6, 9, 43, 100, total // 3, total // 2, last(total)})


class Clients(Case):
    """`tls_client`, with something between it and its server."""

    limit = 120

    def total(self, version):
        """The number of bytes that a server sends in a handshake."""
        with Server("server-p256", version, *self.quiet(version)) as server, Relay(server.port) as relay:
            self.open(relay.port)
            # Before the ends close the session.
            total = relay.counts["server"]
            self.close_all()
            return total

    @staticmethod
    def quiet(version):
        """Options that keep a server from sending more than its handshake."""
        return ("-num_tickets", "0") if version == "-tls1_3" else ()

    def test_handshakes_that_break_off(self):
        for version in self.versions():
            for count in cuts(self.total(version)):
                with self.subTest(f"{version}, {count} bytes"), Server("server-p256", version, *self.quiet(version)) as server, \
                        Relay(server.port, "server", count) as relay:
                    self.assertEqual(self.refused(self.connect(relay.port)), CLOSED)
        with Server("server-p256", "-rev") as server:
            self.open(server.port)

    def test_handshakes_that_stop(self):
        """The device gives up waiting for the rest of the handshake, and meanwhile serves others."""
        self.line.ok("set network.tls.handshake_timeout 700")
        for version in self.versions():
            total = self.total(version)
            for count in (1, total // 2, last(total)):
                with self.subTest(f"{version}, {count} bytes"), Server("server-p256", version, *self.quiet(version)) as server, \
                        Relay(server.port, "server", count, stalls=True) as relay:
                    self.line.send(f"tls_client 127.0.0.1 {relay.port}\r\n".encode())
                    self.eventually(lambda relay=relay, count=count: relay.counts["server"] == count)
                    self.is_prompt()
                    self.assertEqual(self.refused(self.line.answer(10)), TIMED_OUT)

    def test_a_server_that_wants_to_renegotiate(self):
        """The server must get no second handshake."""
        if not self.device.has_tls_1_2:
            self.skipTest("TLS 1.3 has no renegotiation")
        with Server("server-p256", "-tls1_2", "-legacy_renegotiation") as server:
            self.open(server.port)
            server.until(b"CIPHER is")
            server.process.stdin.write(b"r\n")
            server.process.stdin.flush()
            self.eventually(lambda: "TLSC" not in self.line.ok("list"))
            server.until(b"no renegotiation")


@on_linux
class EmbeddedClients(Clients):
    """The same with embedded-tls."""

    arguments = ("--tls-client", "embedded")


class Servers(Case):
    """`tls_server`, with something between it and its client."""

    limit = 120

    def setUp(self):
        super().setUp()
        self.start_server("server-p256")

    @staticmethod
    def secure(port, version):
        """A client in this process."""
        context = ssl.create_default_context(cafile=path("ca")[0])
        context.minimum_version = context.maximum_version = version
        return context.wrap_socket(socket.create_connection(("127.0.0.1", port), 10), server_hostname="127.0.0.1")

    def total(self, version):
        """The number of bytes that a client sends in a handshake."""
        with Relay(self.port, "client") as relay, self.secure(relay.port, version):
            handle = self.eventually(self.client_stream)
            total = relay.counts["client"]
            self.line.ok(f"close {handle}")
            return total

    def answers(self, version):
        """A client with a complete handshake must become a stream."""
        with self.secure(self.port, version):
            self.line.ok(f"close {self.eventually(self.client_stream, 10)}")

    def test_handshakes_that_break_off(self):
        for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
            for count in cuts(self.total(version)):
                with self.subTest(f"{version.name}, {count} bytes"), Relay(self.port, "client", count) as relay:
                    with self.assertRaises(OSError):
                        # In TLS 1.3 the client's side of the handshake may be over: its last bytes are lost on the way.
                        with self.secure(relay.port, version) as client:
                            if not client.recv(1):
                                raise OSError("closed")
                    self.assertIsNone(self.client_stream())
            self.answers(version)

    def test_handshakes_that_stop(self):
        for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
            total = self.total(version)
            for count in (1, total // 2, last(total)):
                with self.subTest(f"{version.name}, {count} bytes"), Relay(self.port, "client", count, stalls=True) as relay:
                    hello = self.hello(relay.port, version)
                    self.addCleanup(hello.close)
                    self.eventually(lambda relay=relay, count=count: relay.counts["client"] == count)
                    self.is_prompt()
                    self.assertIsNone(self.client_stream())
                    self.answers(version)

    @staticmethod
    def hello(port, version):
        """A client in a thread that goes on with its handshake as long as it gets answers."""
        connection = socket.create_connection(("127.0.0.1", port), 10)
        context = ssl._create_unverified_context()
        context.minimum_version = context.maximum_version = version

        def shake():
            try:
                context.wrap_socket(connection).recv(1)
            except OSError:
                pass

        threading.Thread(target=shake, daemon=True).start()
        return connection

    def test_a_client_that_wants_to_renegotiate(self):
        """The client must be told that there is no renegotiation, and no handshake may begin."""
        client = subprocess.Popen(
            ["openssl", "s_client", "-connect", f"127.0.0.1:{self.port}", "-tls1_2", "-legacy_renegotiation"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        self.addCleanup(client.stdout.close)
        self.addCleanup(client.wait)
        self.addCleanup(client.kill)
        self.eventually(self.client_stream)
        seen = b""
        while b"---\n" not in seen[-8:]:
            seen += os.read(client.stdout.fileno(), 4096)
        client.stdin.write(b"R\n")
        client.stdin.flush()
        client.stdin.close()
        told = client.stdout.read()
        self.assertIn(b"RENEGOTIATING", told)
        self.assertIn(b"no renegotiation", told)
        self.eventually(lambda: self.client_stream() is None)


if __name__ == "__main__":
    unittest.main()
