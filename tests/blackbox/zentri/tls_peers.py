"""TLS peers other than OpenSSL's commands, and a relay between the two ends."""

import os
import shutil
import socket
import subprocess
import threading
import time
import unittest


def nginx():
    """The program; None where it is not installed."""
    return shutil.which("nginx", path=f"{os.environ.get('PATH', '')}:/usr/sbin")


def needs_nginx():
    """Skips a test, a class or a module where nginx is not installed."""
    if not nginx():
        raise unittest.SkipTest("nginx is not installed")


def needs_tlslite():
    """The same for tlslite-ng."""
    try:
        import tlslite  # noqa: F401
    except ImportError:
        raise unittest.SkipTest("tlslite-ng is not installed") from None


class Nginx:
    """nginx with one `http` block, in a folder of its own."""

    def __init__(self, folder, servers, port):
        """`servers` is the content of the block `http`; one of them listens on `port`."""
        self.folder, self.port = folder, port
        folder.mkdir(parents=True)
        self.log = folder / "error.log"
        places = "".join(f"{kind}_temp_path {folder}/{kind};\n"
                         for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
        config = folder / "nginx.conf"
        config.write_text(f"daemon off; master_process off; pid {folder}/pid; error_log {self.log} info;\n"
                          f"events {{ }}\nhttp {{\naccess_log off;\n{places}{servers}\n}}\n")
        self.process = subprocess.Popen([nginx(), "-p", folder, "-c", config, "-e", self.log],
                                        stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self._wait()

    def _wait(self):
        deadline = time.monotonic() + 10
        while True:
            try:
                return socket.create_connection(("127.0.0.1", self.port), 1).close()
            except OSError:
                if self.process.poll() is not None or time.monotonic() > deadline:
                    self.__exit__()
                    raise RuntimeError(self.log.read_text()) from None
                time.sleep(0.02)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait(10)


class Relay:
    """Relays between a client and a server, and lets only a limited number of bytes of one of them pass.

    `counts` says how many bytes the client and the server have sent. At the limit the relay closes both ends or, with
    `stalls`, leaves them waiting.
    """

    def __init__(self, port, of="server", limit=None, stalls=False):
        self.to, self.of, self.limit, self.stalls = port, of, limit, stalls
        self.counts = {"client": 0, "server": 0}
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.open = [self.listener]
        threading.Thread(target=self._accept, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._end()

    def _end(self):
        for one in self.open:
            try:
                one.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            one.close()

    def _accept(self):
        try:
            client, _ = self.listener.accept()
            server = socket.create_connection(("127.0.0.1", self.to), 10)
        except OSError:
            return
        server.settimeout(None)
        self.open += [client, server]
        ends = {"client": (client, server), "server": (server, client)}
        for name, (source, sink) in ends.items():
            threading.Thread(target=self._pass, args=(name, source, sink), daemon=True).start()
        if self.limit == 0 and not self.stalls:
            self._end()

    def _pass(self, name, source, sink):
        try:
            while True:
                data = source.recv(65536)
                if not data:
                    return sink.shutdown(socket.SHUT_WR)
                if name == self.of and self.limit is not None:
                    data = data[: self.limit - self.counts[name]]
                # Counts before sending, so that the receiver never has bytes that were not counted.
                self.counts[name] += len(data)
                sink.sendall(data)
                if name == self.of and self.counts[name] == self.limit:
                    return None if self.stalls else self._end()
        except OSError:
            return None


class Tlslite:
    """The functions of tlslite-ng for tests: read certificates and keys, make settings, one handshake per role."""

    def __init__(self, certificate, key):
        from tlslite.api import X509CertChain, parsePEMKey

        self.chain = X509CertChain()
        self.chain.parsePemList(certificate.read_text())
        self.key = parsePEMKey(key.read_text(), private=True)

    @staticmethod
    def settings(oldest, newest):
        """Versions as (3, 1) for TLS 1.0 to (3, 4) for TLS 1.3."""
        from tlslite.api import HandshakeSettings

        settings = HandshakeSettings()
        settings.minVersion, settings.maxVersion = oldest, newest
        # A client of version 0.8.2 would compress its certificate although no server has asked for that (RFC 8879).
        settings.certificate_compression_send = ()
        return settings

    @staticmethod
    def over(connection, size=None):
        """One end before its handshake; it sends records of `size` bytes, also in the handshake."""
        from tlslite.api import TLSConnection

        end = TLSConnection(connection)
        if size:
            end.recordSize = size
        return end

    def serve(self, connection, oldest=(3, 3), newest=(3, 4), size=None, asks=False):
        """The handshake of a server on a connection."""
        end = self.over(connection, size)
        end.handshakeServer(certChain=self.chain, privateKey=self.key, settings=self.settings(oldest, newest), reqCert=asks)
        return end

    @staticmethod
    def connect(port, oldest=(3, 3), newest=(3, 4), size=None, own=None):
        """The handshake of a client with a server of this machine; `own` is the client's own identity."""
        connection = socket.create_connection(("127.0.0.1", port), 10)
        end = Tlslite.over(connection, size)
        try:
            proof = (own.chain, own.key) if own else (None, None)
            end.handshakeClientCert(*proof, settings=Tlslite.settings(oldest, newest), serverName="localhost")
        except BaseException:
            connection.close()
            raise
        return end


def send_handshake(end, message):
    """Sends a handshake message on an open session of tlslite-ng."""
    for _ in end._sendMsg(message):
        pass


def read_exactly(end, count):
    """Reads from an open session of tlslite-ng."""
    data = bytearray()
    while len(data) < count:
        part = end.read(max=count - len(data), min=1)
        if not part:
            break
        data += part
    return bytes(data)
