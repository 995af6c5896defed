"""TLS against tlslite-ng, which does what other libraries refuse: records of one byte, old versions, renegotiation, ends
without `close_notify`."""

import os
import socket
import unittest

import test_tls
from test_tls import ALERT, PROTOCOL, Case, on_linux, path
from zentri import Peer
from zentri.tls_peers import Tlslite, needs_tlslite, read_exactly, send_handshake

#: TLS 1.2 and 1.3, as tlslite-ng names them.
VERSIONS = {"TLS 1.2": (3, 3), "TLS 1.3": (3, 4)}
OLD = {"TLS 1.0": (3, 1), "TLS 1.1": (3, 2)}
NO_RENEGOTIATION, UNEXPECTED_MESSAGE = 100, 10


def setUpModule():
    """The certificates are those of the tests against OpenSSL."""
    needs_tlslite()
    test_tls.setUpModule()


def tlslite(name, of="ours"):
    """tlslite-ng with the certificate of a name."""
    return Tlslite(*path(name, of))


class Sizes(Case):
    """The record sizes of the tests."""

    def sizes(self):
        """Bytes in each record, and the number of records. One-byte records are used in the handshake, too."""
        return ((1, 300), (16_384, 4)) if self.device.joins_records else ((16_384, 4),)


class Clients(Sizes):
    """`tls_client` and `https` to tlslite-ng."""

    def versions(self):
        """The versions that the device's clients support."""
        return [item for item in VERSIONS.items() if self.device.has_tls_1_2 or item[0] != "TLS 1.2"]

    def peer(self, serve, name="server-p256", **options):
        """A server that calls `serve` for each session, and keeps exceptions in `errors`."""
        end = tlslite(name)
        errors = []

        def handle(connection):
            try:
                serve(end.serve(connection, **options))
            except Exception as error:  # whatever tlslite-ng raises ends this client, and the test looks at it
                errors.append(error)

        peer = Peer(handle)
        peer.errors = errors
        self.addCleanup(peer.__exit__)
        return peer

    def talk(self, peer, data=b"hello"):
        """Sends bytes to an echo server and reads them back."""
        handle = self.open(peer.port)
        self.line.ok(f"write {handle} {len(data)}", data)
        self.assertTrue(self.line.read_stream(handle, len(data), 30) == data, peer.errors)
        self.close_all()

    def test_versions_and_keys(self):
        for name, version in self.versions():
            for kind in ("p256", "p384", "rsa"):
                with self.subTest(f"{name} {kind}"):
                    peer = self.peer(lambda end: end.write(read_exactly(end, 5)), f"server-{kind}", oldest=version,
                                     newest=version)
                    self.talk(peer)

    def test_old_versions_are_refused(self):
        for name, version in OLD.items():
            with self.subTest(name):
                peer = self.peer(lambda end: None, "server-rsa", oldest=(3, 0), newest=version)
                self.assertIn(self.refused(self.connect(peer.port)), (ALERT, "5010", PROTOCOL))

    def test_mutual_authentication(self):
        for name, version in self.versions():
            for kind in ("p256", "rsa") if self.device.has_tls_1_2 else ("p256",):
                certificate, key = path(f"client-{kind}")
                self.store("cert.pem", certificate)
                self.store("key.pem", key)
                seen = []

                def serve(end, seen=seen):
                    seen.append(end.session.clientCertChain.getEndEntityPublicKey())
                    end.write(b"known")

                with self.subTest(f"{name} {kind}"):
                    peer = self.peer(serve, oldest=version, newest=version, asks=True)
                    handle = self.open(peer.port, " geotrust_ca.pem cert.pem key.pem")
                    self.assertEqual(self.line.read_stream(handle, 5), b"known")
                    self.assertEqual(len(seen), 1, peer.errors)
                self.close_all()
                self.line.ok("file_delete cert.pem")
                self.line.ok("file_delete key.pem")

    def test_records_of_all_sizes(self):
        """Also in the handshake, which arrives byte by byte in the first case."""
        for name, version in self.versions():
            for size, count in self.sizes():
                data = os.urandom(size * count)
                with self.subTest(f"{name}, {size}"):
                    peer = self.peer(lambda end, data=data: end.write(read_exactly(end, len(data))), oldest=version,
                                     newest=version, size=size)
                    self.talk(peer, data)

    def test_a_server_that_wants_to_renegotiate(self):
        """In TLS 1.2 the device refuses by an alert; in TLS 1.3 there is no such message."""
        from tlslite.messages import HelloRequest

        def serve(end):
            end.write(b"before")
            send_handshake(end, HelloRequest().create())
            end.read(max=1, min=1)

        for name, version in self.versions():
            alert = NO_RENEGOTIATION if name == "TLS 1.2" else UNEXPECTED_MESSAGE
            with self.subTest(name):
                peer = self.peer(serve, oldest=version, newest=version)
                handle = self.open(peer.port)
                self.assertEqual(self.line.read_stream(handle, 6), b"before")
                self.eventually(lambda: peer.errors)
                self.assertEqual(getattr(peer.errors[0], "description", peer.errors[0]), alert)
                self.eventually(lambda: "TLSC" not in self.line.ok("list"))

    def test_ends(self):
        """Data before an end must always be readable; a body without a length must end with `close_notify`."""
        page = b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nall of it"

        def said(end):
            end.read(max=1, min=1)
            end.write(page)
            end.close()

        def cut(end):
            end.read(max=1, min=1)
            end.write(page)
            end.sock.shutdown(socket.SHUT_RDWR)

        for name, version in self.versions():
            for serve in (said, cut):
                with self.subTest(f"{name}, {serve.__name__}"):
                    peer = self.peer(serve, oldest=version, newest=version)
                    handle = self.open(peer.port)
                    self.line.ok(f"write {handle} 1", b"x")
                    self.assertEqual(self.line.read_stream(handle, len(page)), page)
                    self.eventually(lambda: "TLSC" not in self.line.ok("list"))
                    response = self.line.command(f"http_download https://localhost:{peer.port}/x {serve.__name__}")
                    self.assertEqual(response.code == 0, serve is said, response.logs)


@on_linux
class EmbeddedClients(Clients):
    """The same with embedded-tls."""

    arguments = ("--tls-client", "embedded")


class Servers(Sizes):
    """`tls_server` with tlslite-ng as its client."""

    def setUp(self):
        super().setUp()
        self.start_server("server-p256")

    def connect_to(self, **options):
        """A session with the device, and its handle there."""
        end = Tlslite.connect(self.port, **options)
        self.addCleanup(end.sock.close)
        # In TLS 1.3 the handshake is over on this side before the device has received its end.
        return end, self.eventually(self.client_stream)

    def test_versions(self):
        for name, version in VERSIONS.items():
            with self.subTest(name):
                end, handle = self.connect_to(oldest=version, newest=version)
                end.write(b"question")
                self.assertEqual(self.line.read_stream(handle, 8), b"question")
                self.line.ok(f"write {handle} 6", b"answer")
                self.assertEqual(read_exactly(end, 6), b"answer")
                self.line.ok(f"close {handle}")
                self.assertEqual(end.read(max=1, min=1), b"", "the end is said")

    def test_old_versions_are_refused(self):
        from tlslite.errors import TLSRemoteAlert

        for name, version in OLD.items():
            with self.subTest(name):
                with self.assertRaises(TLSRemoteAlert) as told:
                    Tlslite.connect(self.port, oldest=(3, 0), newest=version)
                self.assertIn(told.exception.description, (40, 70), "handshake_failure or protocol_version")
        self.assertIsNone(self.client_stream())

    def test_clients_that_must_be_known(self):
        self.store("clients.pem", path("ca")[0])
        self.line.ok("set network.tls.server_ca_cert clients.pem")
        for name, version in VERSIONS.items():
            with self.subTest(name):
                end, handle = self.connect_to(oldest=version, newest=version, own=tlslite("client-p256"))
                self.line.ok(f"write {handle} 2", b"ok")
                self.assertEqual(read_exactly(end, 2), b"ok")
                self.line.ok(f"close {handle}")
            for who, own in (("nobody", None), ("a stranger", tlslite("stranger", "theirs"))):
                with self.subTest(f"{name}, {who}"), self.assertRaises(Exception):
                    # In TLS 1.3 the client learns of the refusal with its first bytes.
                    Tlslite.connect(self.port, oldest=version, newest=version, own=own).read(max=1, min=1)
        self.assertIsNone(self.client_stream())

    def test_records_of_all_sizes(self):
        for name, version in VERSIONS.items():
            for size, count in self.sizes():
                data = os.urandom(size * count)
                with self.subTest(f"{name}, {size}"):
                    end, handle = self.connect_to(oldest=version, newest=version, size=size)
                    end.write(data)
                    self.assertTrue(self.line.read_stream(handle, len(data), 30) == data)
                    self.line.ok(f"write {handle} {len(data)}", data)
                    self.assertTrue(read_exactly(end, len(data)) == data)
                    self.line.ok(f"close {handle}")

    def test_a_client_that_wants_to_renegotiate(self):
        from tlslite.errors import TLSAbruptCloseError, TLSRemoteAlert
        from tlslite.messages import ClientHello

        hello = ClientHello().create((3, 3), bytearray(32), bytearray(), [0xC02B])
        for name, alert in (("TLS 1.2", NO_RENEGOTIATION), ("TLS 1.3", UNEXPECTED_MESSAGE)):
            with self.subTest(name):
                end, _ = self.connect_to(oldest=VERSIONS[name], newest=VERSIONS[name])
                with self.assertRaises((TLSRemoteAlert, TLSAbruptCloseError)) as told:
                    send_handshake(end, hello)
                    end.read(max=1, min=1)
                self.assertEqual(getattr(told.exception, "description", told.exception), alert)
                end.sock.close()
                self.eventually(lambda: self.client_stream() is None)

    def test_ends(self):
        """A stream ends with the client's `close_notify`, and without."""
        for name, version in VERSIONS.items():
            for said in (True, False):
                with self.subTest(f"{name}, said: {said}"):
                    end, handle = self.connect_to(oldest=version, newest=version)
                    end.write(b"last words")
                    if said:
                        end.close()
                    else:
                        end.sock.close()
                    self.assertEqual(self.line.read_stream(handle, 10), b"last words")
                    self.eventually(lambda: self.client_stream() is None)


if __name__ == "__main__":
    unittest.main()
