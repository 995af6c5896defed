"""Every kind of stream: opened, polled, read, written where that is allowed, listed, closed."""

import http.server
import importlib.util
import shutil
import socket
import ssl
import tempfile
import threading
import unittest
from pathlib import Path

from zentri import DeviceCase, Peer, echo, free_port
from zentri.certificates import Authority

KINDS = "UDPC UDPS TCPC TCPS TLSC TLSS HTTP HTTPS WEBS WEBC FILE CMD SPI I2C".split()


class Web(http.server.BaseHTTPRequestHandler):
    """A web server that answers a body with itself."""

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


def echo_datagrams(end):
    """Answers each datagram with itself."""
    try:
        while True:
            data, peer = end.recvfrom(2048)
            end.sendto(data, peer)
    except OSError:
        pass


@unittest.skipUnless(importlib.util.find_spec("websockets"), "websockets is not installed")
@unittest.skipUnless(shutil.which("openssl"), "openssl is not installed")
class Kinds(DeviceCase):
    """One stream of each kind, one after another."""

    limit = 120

    @classmethod
    def setUpClass(cls):
        cls.folder = Path(tempfile.mkdtemp(prefix="openzentri-kinds-"))
        cls.addClassCleanup(shutil.rmtree, cls.folder)
        Authority(cls.folder).sign("server")

    def setUp(self):
        super().setUp()
        self.line = self.device.machine()
        self.line.ok("set network.tls.verify 0")
        # The test closes each handle, not the end of the peer.
        self.line.ok("set stream.auto_close 0")
        for name in ("server.pem", "server.key"):
            content = (self.folder / name).read_bytes()
            self.line.ok(f"file_create {name} {len(content)}", content)
        self.line.ok("set network.tls.server_cert server.pem")
        self.line.ok("set network.tls.server_key server.key")

    # --- Peers --------------------------------------------------------------------------------------------------------

    def server_context(self):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.folder / "server.pem", self.folder / "server.key")
        return context

    def client_context(self):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        return context

    def web(self, context=None):
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Web)
        if context:
            server.socket = context.wrap_socket(server.socket, server_side=True)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        self.addCleanup(server.server_close)
        self.addCleanup(server.shutdown)
        return server.server_address[1]

    def opened(self, line, data=None):
        """The handle that a command answers."""
        response = self.line.command(line, data, seconds=20)
        self.assertEqual(response.code, 0, (line, response.logs))
        return int(response.text.split(",")[0])

    def client_of(self, kind):
        """The handle of the stream of a server's client."""
        rows = []

        def there():
            rows[:] = [row for row in self.line.ok("list").splitlines() if f" {kind} " in row + " "]
            return rows

        self.eventually(there, message=f"no {kind}")
        return int(rows[0].split()[1])

    def start_server(self, command):
        port = free_port(socket.SOCK_DGRAM if command == "udp_server" else socket.SOCK_STREAM)
        self.line.ok(f"{command} start {port}")
        self.addCleanup(self.line.command, f"{command} stop {port}")
        return port

    def echoes(self, end):
        """Echoes on the connection of a peer that has connected to the device."""
        self.addCleanup(end.close)
        threading.Thread(target=echo, args=(end,), daemon=True).start()

    # --- One of each kind: the handle, what is read back of b"hello", and what is written for it -----------------------

    def udpc(self):
        end = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        end.bind(("127.0.0.1", 0))
        self.addCleanup(end.close)
        threading.Thread(target=echo_datagrams, args=(end,), daemon=True).start()
        return self.opened(f"udp_client 127.0.0.1 {end.getsockname()[1]}")

    def udps(self):
        port = self.start_server("udp_server")
        end = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.addCleanup(end.close)
        end.connect(("127.0.0.1", port))
        handle = self.client_of("UDPS")
        end.send(b"first")
        self.line.wait_poll(handle, "1")
        self.assertEqual(self.line.read_stream(handle, 5), b"first")
        threading.Thread(target=echo_datagrams, args=(end,), daemon=True).start()
        return handle

    def tcpc(self):
        peer = Peer(echo)
        peer.__enter__()
        self.addCleanup(peer.__exit__)
        return self.opened(f"tcp_client 127.0.0.1 {peer.port}")

    def tcps(self):
        self.echoes(socket.create_connection(("127.0.0.1", self.start_server("tcp_server"))))
        return self.client_of("TCPS")

    def tlsc(self):
        context = self.server_context()

        def serve(connection):
            with context.wrap_socket(connection, server_side=True) as secured:
                echo(secured)

        peer = Peer(serve)
        peer.__enter__()
        self.addCleanup(peer.__exit__)
        return self.opened(f"tls_client 127.0.0.1 {peer.port}")

    def tlss(self):
        plain = socket.create_connection(("127.0.0.1", self.start_server("tls_server")))
        self.echoes(self.client_context().wrap_socket(plain))
        return self.client_of("TLSS")

    def http(self):
        return self.opened(f"http_post -l 5 http://127.0.0.1:{self.web()}/ text/plain")

    def https(self):
        return self.opened(f"http_post -l 5 https://127.0.0.1:{self.web(self.server_context())}/ text/plain")

    def webs(self):
        from websockets.sync.client import connect

        client = connect(f"ws://127.0.0.1:{self.device.http_port}/stream")
        self.addCleanup(client.close)

        def answer():
            for message in client:
                client.send(message)

        threading.Thread(target=answer, daemon=True).start()
        return self.client_of("WEBS")

    def webc(self):
        from websockets.sync.server import serve

        def answer(connection):
            for message in connection:
                connection.send(message)

        server = serve(answer, "127.0.0.1", 0)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        self.addCleanup(server.shutdown)
        return self.opened(f"websocket_client ws://127.0.0.1:{server.socket.getsockname()[1]}/")

    def file(self):
        self.line.ok("file_create hello.txt 5", b"hello")
        return self.opened("file_open hello.txt")

    def cmd(self):
        self.line.ok("set system.cmd.buffered 1")
        handle = self.opened("help commands")
        self.line.ok("set system.cmd.buffered 0")
        return handle

    def spi(self):
        return self.opened("spi_master_open 7")

    def i2c(self):
        handle = self.opened("i2c_master_open 0x50")
        self.line.ok(f"write {handle} 6", b"\x20hello")
        self.line.ok(f"write {handle} 1", b"\x20")
        return handle

    # --- The same for all ---------------------------------------------------------------------------------------------

    #: Kinds that cannot be written: a file that is read, the text of a command.
    READ_ONLY = ("FILE", "CMD")

    def exchange(self, kind, handle):
        """Writes where that is allowed, and reads what comes back."""
        written = self.line.command(f"write {handle} 5", b"hello", seconds=20)
        if kind in self.READ_ONLY:
            self.assertAnswer(written, 1, "Command failed")
        else:
            # For the EEPROM the first byte is an address; the next read begins there.
            self.assertAnswer(written, 0, "Success")
        if kind in ("HTTP", "HTTPS"):
            self.assertEqual(self.line.ok(f"http_read_status {handle}", seconds=20).strip(), "200")
        if kind == "I2C":
            # The EEPROM sends data only when it is read, and then from the address that was written.
            self.assertEqual(self.line.ok(f"poll {handle}").strip(), "0")
            self.line.ok(f"write {handle} 1", b"\x20")
        else:
            self.line.wait_poll(handle, "1", seconds=10)
        data = self.line.read_stream(handle, 5)
        self.assertEqual(data, b"hello" if kind != "CMD" else data[:5])
        self.assertEqual(len(data), 5)

    def one(self, kind):
        handle = getattr(self, kind.lower())()
        row = next(row for row in self.line.ok("list").splitlines() if row.startswith(f"# {handle} "))
        self.assertEqual(row.split()[2], kind)
        self.assertIn(self.line.ok(f"poll {handle}").strip(), ("0", "1"))
        self.exchange(kind, handle)
        # A file that was read to its end closes itself.
        if kind != "FILE":
            self.assertAnswer(self.line.command(f"close {handle}", seconds=20), 0, "Success")
        self.assertNotIn(f"# {handle} ", self.line.ok("list"))
        self.assertAnswer(self.line.command(f"poll {handle}"), 1, "Command failed")

    def test_one_of_each(self):
        for kind in KINDS:
            with self.subTest(kind):
                self.one(kind)
                # A server left running would take a handle for each client of the next one.
                for server in ("tcp_server", "tls_server", "udp_server"):
                    self.line.command(f"{server} stop")
