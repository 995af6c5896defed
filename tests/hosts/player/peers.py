"""Peers on the network: servers for the device's clients, and clients of the device's servers."""

import base64
import itertools
import os
import re
import socket
import ssl
import tempfile
import threading
import time

from zentri import websocket
from zentri.certificates import Authority

from .line import Late

#: Seconds after which a server disconnects a silent client.
SILENCE = 20.0
PAGE = b"<a>led</a><f>" + b"y" * 2987


class Peers:
    """Servers on the loopback interface. The received bytes are kept by server name: `tcp`, `drop`, `http`, `ws`,
    `udp`."""

    def __init__(self):
        self.got = {}
        self.news = threading.Condition()
        self.clients = {}
        self.listeners = []
        talks = {"tcp": self._echo, "drop": self._drop, "http": self._http, "ws": self._websocket}
        self.ports = {name: self._serve(talk) for name, talk in talks.items()}
        self.datagrams = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.datagrams.bind(("127.0.0.1", 0))
        self.ports["udp"] = self.datagrams.getsockname()[1]
        threading.Thread(target=self._collect, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for end in [*self.listeners, *self.clients.values(), self.datagrams]:
            try:
                # Wakes the thread that waits there.
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            end.close()

    def _serve(self, talk):
        listener = socket.create_server(("127.0.0.1", 0))
        self.listeners.append(listener)

        def one(client):
            with client:
                client.settimeout(SILENCE)
                try:
                    talk(client)
                except OSError:
                    pass

        def accept():
            while True:
                try:
                    client, _ = listener.accept()
                except OSError:
                    return
                threading.Thread(target=one, args=(client,), daemon=True).start()

        threading.Thread(target=accept, daemon=True).start()
        return listener.getsockname()[1]

    def serve_tls(self):
        """Adds the servers `tls` and `wss`, which echo; returns values for a program: their ports, and the certificate
        of their authority.
        """
        with tempfile.TemporaryDirectory() as folder:
            authority = Authority(folder)
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*authority.sign("server"))
            certificate = authority.certificate.read_text()

        def secured(talk):
            def one(client):
                with context.wrap_socket(client, server_side=True) as secure:
                    talk(secure)

            return one

        self.ports["tls"] = self._serve(secured(self._echo))
        self.ports["wss"] = self._serve(secured(self._websocket))
        return {name: self.ports[name] for name in ("tls", "wss")} | {"ca": certificate, "ca_size": len(certificate)}

    def _note(self, name, data):
        with self.news:
            self.got[name] = self.got.get(name, b"") + data
            self.news.notify_all()

    def _echo(self, client):
        while data := client.recv(65536):
            self._note("tcp", data)
            client.sendall(data)

    def _drop(self, client):
        """Takes one piece and closes."""
        self._note("drop", client.recv(65536))

    def _websocket(self, client):
        """Opens a WebSocket, notes the messages and sends them back."""
        head = b""
        while b"\r\n\r\n" not in head:
            data = client.recv(65536)
            if not data:
                return
            head += data
        websocket.Connection.of(client, head.decode()).echo(lambda message: self._note("ws", message))

    def _http(self, client):
        head, body = b"", b""
        while b"\r\n\r\n" not in head:
            data = client.recv(65536)
            if not data:
                return
            head += data
        self._note("http", head)
        head, body = head.split(b"\r\n\r\n", 1)
        length = re.search(rb"(?i)content-length: *(\d+)", head)
        chunked = re.search(rb"(?i)transfer-encoding: *chunked", head)

        def whole():
            return body.endswith(b"0\r\n\r\n") if chunked else len(body) >= (int(length[1]) if length else 0)

        while not whole():
            data = client.recv(65536)
            if not data:
                break
            body += data
            self._note("http", data)
        answer = "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: %d\r\nConnection: close\r\n\r\n"
        client.sendall((answer % len(PAGE)).encode() + PAGE)

    def _collect(self):
        while True:
            try:
                data, _ = self.datagrams.recvfrom(65536)
            except OSError:
                return
            if not data:
                return
            self._note("udp", data)

    def await_got(self, name, wanted, seconds):
        """Waits until a server has received a text; returns all that it received."""
        deadline = time.monotonic() + seconds
        with self.news:
            while wanted not in self.got.get(name, b""):
                left = deadline - time.monotonic()
                if left <= 0:
                    raise Late(f"the peer {name} has not got {wanted[:40]!r}: {self.got.get(name, b'')[-80:]!r}")
                self.news.wait(left)
            return self.got[name]

    def connect(self, name, port):
        """Connects a client to the device."""
        deadline = time.monotonic() + 2.0
        # On Linux, a server of the soft AP has its own address.
        for host in itertools.cycle(("127.0.0.1", "127.0.0.2")):
            try:
                self.clients[name] = socket.create_connection((host, port), timeout=2)
                return
            except OSError as error:
                if time.monotonic() > deadline:
                    raise Late(f"no connection to port {port} of the device: {error}") from error
                time.sleep(0.02)

    def browse(self, name, port):
        """Opens a WebSocket to the device, as a page does."""
        self.connect(name, port)
        key = base64.b64encode(os.urandom(16)).decode()
        head = f"GET /stream HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        self.clients[name].sendall((head + f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n").encode())
        answer = self.await_heard(name, b"\r\n\r\n", 2.0)
        if b" 101 " not in answer.split(b"\r\n")[0]:
            raise Late(f"no WebSocket: {answer[:60]!r}")

    def await_heard(self, name, wanted, seconds):
        """Waits until a client has received a text; returns what it received."""
        client, heard, deadline = self.clients[name], b"", time.monotonic() + seconds
        while wanted not in heard:
            client.settimeout(max(deadline - time.monotonic(), 0.001))
            try:
                data = client.recv(65536)
            except OSError:
                data = b""
            if not data:
                raise Late(f"the client {name} has not heard {wanted[:40]!r}: {heard[-80:]!r}")
            heard += data
        return heard
