"""TLS on the Linux process: its memory, its speed, and that it leaks nothing."""

import hashlib
import http.client
import os
import random
import select
import socket
import ssl
import statistics
import subprocess
import sys
import time
from pathlib import Path

from zentri import Device, Peer, free_port
from zentri.certificates import Authority

from .device import SETTINGS
from .targets import await_port

#: Bytes for one command line.
PIECE = 60_000
#: Connections before memory is first measured: buffers have their final size then.
WARM = 100
#: Kilobytes by which the memory of a process varies by itself.
SLACK = 256
#: Bytes of a file that fits on the device.
FILE = 3_000_000
#: Measured in turns, so that a busy moment of the machine affects all.
TURNS = 5
#: Seconds that bytes take to a peer that is far away.
WAY = 0.01
#: Seconds after which the device has done what a client made it do.
SETTLED = 0.005
VERSIONS = {"1.2": ssl.TLSVersion.TLSv1_2, "1.3": ssl.TLSVersion.TLSv1_3}


def fail(text):
    """Ends the measurement."""
    sys.exit(f"benches/tls: {text}")


def pass_late(client, port):
    """Passes bytes between a client and a server with a delay."""
    with socket.create_connection(("127.0.0.1", port), 10) as server:
        while True:
            ready, _, _ = select.select([client, server], [], [], 10)
            # Bytes that arrive meanwhile are passed together: a flight of a handshake stays together.
            time.sleep(WAY)
            for source in ready:
                data = source.recv(65536)
                if not data:
                    return
                (server if source is client else client).sendall(data)


class Bench:
    """A device with certificates, and the measurements on it."""

    def __init__(self, program, folder):
        os.environ["OPENZENTRI_BIN"] = str(program)
        self.folder = folder
        self.certificate, self.key = folder / "server.pem", folder / "server.key"
        if not self.key.exists():
            Authority(folder).sign("server")
        settings = SETTINGS | {"http.server.tls_enabled": "1", "network.tls.server_cert": "cert.pem",
                               "network.tls.server_key": "key.pem", "http.server.tls_cert": "cert.pem",
                               "http.server.tls_key": "key.pem", "network.tls.ca_cert": "ca.pem"}
        self.device = Device(settings=settings)
        self.context = ssl.create_default_context(cafile=folder / "ca.pem")

    def __enter__(self):
        self.device.start()
        self.device.wait_http()
        self.line = self.device.machine()
        for name, path in {"cert.pem": self.certificate, "key.pem": self.key, "ca.pem": self.folder / "ca.pem"}.items():
            content = path.read_bytes()
            self.line.ok(f"file_create {name} {len(content)}", content)
        self.port = free_port()
        self.line.ok(f"tls_server start {self.port}")
        # A value that is neither stored nor printed: lost when the device restarts.
        self.line.ok("set ioconn.remote_host still.here")
        return self

    def __exit__(self, *_):
        self.device.close()

    # --- Resources of the process.

    def process(self):
        return Path(f"/proc/{self.device.process.pid}")

    def taken(self):
        """Kilobytes of memory, and descriptors."""
        status = (self.process() / "status").read_text()
        return int(status.split("VmRSS:")[1].split()[0]), len(os.listdir(self.process() / "fd"))

    def computed(self):
        """Seconds of processor time, of all threads, to the nanosecond."""
        threads = (self.process() / "task").glob("*/schedstat")
        return sum(int(thread.read_text().split()[0]) for thread in threads) / 1e9

    def compare(self, what, count, before, seconds):
        """Fails when something was leaked, and prints a row otherwise."""
        self.device.check_alive()
        if self.line.ok("get ioconn.remote_host") != "still.here":
            fail("the device has restarted")
        deadline = time.monotonic() + 10
        while self.taken()[1] > before[1] and time.monotonic() < deadline:
            time.sleep(0.1)
        memory, descriptors = self.taken()
        if memory > before[0] + SLACK or descriptors > before[1]:
            fail(f"{what}: {before} kB and descriptors before, {memory, descriptors} after")
        print(f"{what:44} {count:6} in {seconds:6.1f} s; memory {before[0]:,} kB before, {memory:,} kB after; descriptors "
              f"{before[1]} before, {descriptors} after", flush=True)

    def endure(self, what, count, once):
        """Does one thing many times."""
        for _ in range(WARM):
            once()
        before = self.taken()
        start = time.monotonic()
        for _ in range(count):
            once()
        self.compare(what, count, before, time.monotonic() - start)

    # --- Connections.

    def client(self, port=None):
        """A TLS client of the device."""
        connection = socket.create_connection(("127.0.0.1", port or self.port), 10)
        try:
            return self.context.wrap_socket(connection, server_hostname="127.0.0.1")
        except OSError:
            connection.close()
            raise

    def streams(self):
        """Handles of the present clients."""
        return [row[2] for row in self.line.ok("list").splitlines() if "TLSS" in row]

    def await_stream(self, count=1):
        """Waits until there are `count` clients; returns the last handle."""
        deadline = time.monotonic() + 10
        while len(handles := self.streams()) < count:
            if time.monotonic() > deadline:
                fail("a client did not become a stream")
        return handles[-1]

    def connections(self, count):
        """Clients of both servers, one after the other."""

        def stream():
            with self.client() as client:
                handle = self.await_stream()
                self.line.ok(f"write {handle} 1", b"x")
                if client.recv(1) != b"x":
                    fail("an answer is wrong")
                self.line.ok(f"close {handle}")
                if client.recv(1) != b"":
                    fail("a session did not end")

        def request():
            connection = http.client.HTTPSConnection("127.0.0.1", self.device.http_port, context=self.context, timeout=10)
            connection.request("GET", "/command/version")
            if connection.getresponse().status != 200:
                fail("a request was refused")
            connection.close()

        self.endure("clients of tls_server", count, stream)
        self.endure("HTTPS requests", count, request)

    def refused(self, count):
        """Clients that come while all streams are in use."""
        guests = []

        def turned_away():
            try:
                client = self.client()
            except OSError:
                return True
            guests.append(client)
            self.await_stream(len(guests))
            return False

        while not turned_away():
            pass
        places = len(guests)

        self.endure(f"clients turned away, {places} there", count, turned_away)
        if len(guests) != places:
            fail("a client was let in that has no place")
        for guest, handle in zip(guests, self.streams(), strict=True):
            self.line.ok(f"write {handle} 1", b"x")
            if guest.recv(1) != b"x":
                fail("a client was lost")
            guest.close()
        self.line.ok("close all")
        with self.client():
            self.await_stream()

    # --- Bytes.

    def server(self):
        """The TLS context of a peer: Python's (OpenSSL)."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.certificate, self.key)
        return context

    def stream(self, megabytes):
        """A TLSC stream, one way and then the other."""
        block = random.Random(1).randbytes(1_000_000)
        sums = {"sent": hashlib.sha256(), "received": hashlib.sha256(), "back": hashlib.sha256()}
        for _ in range(megabytes):
            sums["sent"].update(block)
        context, total = self.server(), megabytes * len(block)

        def serve(connection):
            connection.settimeout(120)
            with context.wrap_socket(connection, server_side=True) as secure:
                for _ in range(megabytes):
                    secure.sendall(block)
                while data := secure.recv(1 << 18):
                    sums["back"].update(data)

        with Peer(serve) as peer:
            handle = self.line.ok(f"tls_client 127.0.0.1 {peer.port}")
            received, start = 0, time.monotonic()
            while received < total:
                data = self.line.command(f"read {handle} {PIECE}").raw
                sums["received"].update(data)
                received += len(data)
            self.rate("TLSC to the UART", total, time.monotonic() - start)
            start = time.monotonic()
            double = block * 2
            for at in range(0, total, PIECE):
                size = min(PIECE, total - at)
                self.line.ok(f"write {handle} {size}", double[at % len(block):][:size])
            self.line.ok(f"close {handle}", seconds=30)
            peer.thread.join(0.1)
            deadline = time.monotonic() + 30
            while sums["back"].digest() != sums["sent"].digest() and time.monotonic() < deadline:
                time.sleep(0.05)
            self.rate("the UART to TLSC", total, time.monotonic() - start)
            if len({one.digest() for one in sums.values()}) != 1:
                fail("bytes were lost or changed on the way")
            self.receive(peer.port, total)

    def receive(self, port, total):
        """OpenSSL's own client in place of the device."""
        client = subprocess.Popen(["openssl", "s_client", "-connect", f"127.0.0.1:{port}", "-quiet"], stdin=subprocess.PIPE,
                                  stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        received, start = 0, time.monotonic()
        while received < total:
            received += len(client.stdout.read1(1 << 18)) or fail("openssl s_client has lost its server")
        self.rate("openssl s_client, from the same server", total, time.monotonic() - start)
        client.kill()
        client.communicate()

    @staticmethod
    def rate(what, total, seconds):
        """One row."""
        print(f"{what:44} {total / 1e6:7.1f} MB {total / seconds / 1e6:8.1f} MB/s", flush=True)

    def bytes(self, megabytes):
        """The same file from the device and from `openssl s_server`, to the same client, in turns; the best turn
        counts."""
        content = random.Random(2).randbytes(FILE)
        (self.folder / "big").write_bytes(content)
        self.line.ok(f"file_create big {len(content)}", content, 120)
        port = free_port()
        peer = subprocess.Popen(["openssl", "s_server", "-accept", f"127.0.0.1:{port}", "-cert", self.certificate, "-key",
                                 self.key, "-WWW", "-quiet"], cwd=self.folder, stdout=subprocess.DEVNULL)
        try:
            await_port(port, peer, Path(os.devnull))
            count = max(1, megabytes * 1_000_000 // FILE // TURNS)
            servers = {"the HTTPS server": self.device.http_port, "openssl s_server -WWW": port}
            for name, version in VERSIONS.items():
                self.context.minimum_version = self.context.maximum_version = version
                turns = [[sum(self.fetch(at, content) for _ in range(count)) for at in servers.values()]
                         for _ in range(TURNS)]
                for server, seconds in zip(servers, zip(*turns, strict=True), strict=True):
                    self.rate(f"{server}, TLS {name}", FILE * count, min(seconds))
        finally:
            peer.kill()
            peer.wait()

    def fetch(self, port, content):
        """Fetches the file; returns the seconds from the request to its last byte."""
        with self.client(port) as client:
            start = time.monotonic()
            client.sendall(b"GET /big HTTP/1.0\r\n\r\n")
            received = bytearray()
            while data := self.more(client):
                received += data
            seconds = time.monotonic() - start
        if not received.endswith(content):
            fail(f"a wrong file of {len(received)} bytes")
        return seconds

    @staticmethod
    def more(client):
        try:
            return client.recv(1 << 18)
        except ssl.SSLEOFError:
            # s_server sends no close_notify.
            return b""

    # --- Handshakes.

    def handshakes(self, count):
        """As client and as server, and the same without TLS, so that the rest can be subtracted."""
        with Peer(lambda connection: connection.recv(1)) as peer:
            bare = self.timed(count, lambda: self.as_client("tcp_client", peer.port))
        for name, version in VERSIONS.items():
            context = self.server()
            context.minimum_version = context.maximum_version = version

            def serve(connection, context=context):
                try:
                    with context.wrap_socket(connection, server_side=True) as secure:
                        secure.recv(1)
                except OSError:
                    pass

            with Peer(serve) as peer, Peer(lambda client, to=peer.port: pass_late(client, to)) as far:
                secured = self.timed(count, lambda peer=peer: self.as_client("tls_client", peer.port))
                self.handshake(f"as client, TLS {name}", secured, bare)
                secured = self.timed(min(count, 50), lambda far=far: self.as_client("tls_client", far.port, 5 * WAY))
                self.handshake(f"as client, TLS {name}, {2000 * WAY:.0f} ms away", secured, bare)
        plain = free_port()
        self.line.ok(f"tcp_server start {plain}")
        bare = self.timed(count, lambda: self.as_server(plain, lambda _: None))
        for name, version in VERSIONS.items():
            self.context.minimum_version = self.context.maximum_version = version
            secured = self.timed(count, lambda: self.as_server(self.port, self.shake_hands))
            self.handshake(f"as server, TLS {name}", secured, bare)

    def as_client(self, command, port, end=0):
        """The seconds of a connecting command, and of the device's processor in it; the peer sees the end after `end`
        seconds."""
        before, start = self.computed(), time.monotonic()
        handle = self.line.ok(f"{command} 127.0.0.1 {port}")
        seconds, computed = time.monotonic() - start, self.computed() - before
        self.line.ok(f"close {handle}")
        time.sleep(end)
        return seconds, computed

    def shake_hands(self, connection):
        return self.context.wrap_socket(connection, server_hostname="127.0.0.1")

    def as_server(self, port, talk):
        """The seconds of a client with `talk`, and of the device's processor until the client is a stream."""
        with socket.create_connection(("127.0.0.1", port), 10) as connection:
            before, start = self.computed(), time.monotonic()
            with talk(connection) or connection:
                seconds = time.monotonic() - start
                time.sleep(SETTLED)
                computed = self.computed() - before
        # The device sees the end of the connection, and has a place for the next one.
        time.sleep(SETTLED)
        return seconds, computed

    @staticmethod
    def timed(count, once):
        """Median milliseconds of one: by the clock, and of the device's processor."""
        for _ in range(5):
            once()
        both = [once() for _ in range(count)]
        return tuple(statistics.median(column) * 1000 for column in zip(*both, strict=True))

    @staticmethod
    def handshake(what, secured, bare):
        """One row; `bare` is the same connection without TLS."""
        whole, computed = (one - other for one, other in zip(secured, bare, strict=True))
        print(f"handshake {what:34} {whole:6.2f} ms, of that the device computes {computed:.2f} ms, network and peer "
              f"{whole - computed:.2f} ms", flush=True)
