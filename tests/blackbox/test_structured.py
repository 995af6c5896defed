"""The structured protocol with the clients in clients/: commands, a TCP echo over the UART while log lines come, damaged frames."""

import asyncio
import hashlib
import os
import pty
import random
import select
import shutil
import subprocess
import sys
import threading
import time
import tty
import unittest
from pathlib import Path

from zentri import DeviceCase, Peer, echo, free_port
from zentri.device import native_sim
from zentri.qemu import qemu_image

try:
    from websockets.exceptions import ConnectionClosed, InvalidStatus
    from websockets.sync.client import connect
except ImportError:
    connect = None

CLIENTS = Path(__file__).resolve().parents[2] / "clients"
sys.path.insert(0, str(CLIENTS / "python" / "src"))

import openzentri  # noqa: E402
from openzentri import wire  # noqa: E402

#: Compiler flags under which the header must be free of warnings.
STRICT = ["-std=c99", "-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Wno-sign-conversion", "-Werror"]


def content(size, seed=20261127):
    """Bytes of all values, with many zeros."""
    generator = random.Random(seed)
    return bytes(generator.choice((0, 0xFF, generator.randrange(256))) for _ in range(size))


class BadWire:
    """A pseudo-terminal that relays to another one and flips bits on the way, the same bits in every run."""

    def __init__(self, target, every, seed=1):
        self.every = every
        self.flipped = 0
        self.random = random.Random(seed)
        self.master, slave = pty.openpty()
        tty.setraw(slave)
        self.path = os.ttyname(slave)
        self.slave = slave
        self.target = os.open(target, os.O_RDWR | os.O_NOCTTY)
        tty.setraw(self.target)
        self.left = {self.master: self._next(), self.target: self._next()}
        self.running = True
        #: No bits are flipped until the protocol has begun.
        self.harmless = threading.Event()
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def _next(self):
        return self.random.randrange(1, 2 * self.every) if self.every else 1 << 60

    def _spoil(self, source, data):
        data = bytearray(data)
        for at in range(len(data)):
            self.left[source] -= 1
            if self.left[source] <= 0:
                self.left[source] = self._next()
                data[at] ^= 1 << self.random.randrange(8)
                self.flipped += 1
        return bytes(data)

    def _run(self):
        other = {self.master: self.target, self.target: self.master}
        while self.running:
            for source in select.select(list(other), [], [], 0.05)[0]:
                try:
                    data = os.read(source, 4096)
                except OSError:
                    return
                if self.harmless.is_set():
                    data = self._spoil(source, data)
                while data:
                    data = data[os.write(other[source], data) :]

    def close(self):
        self.running = False
        self.thread.join(5)
        for descriptor in (self.master, self.slave, self.target):
            os.close(descriptor)


class Structured(DeviceCase):
    """A device whose UART is a pseudo-terminal."""

    limit = 240
    settings = {"http.server.enabled": "0"}

    def setUp(self):
        super().setUp()
        # The boot is over and the network joined.
        self.line = self.device.machine()
        self.line.close()

    def here(self, port):
        return f"{self.device.here} {port}"

    def bad_wire(self, every):
        wire = BadWire(self.device.link, every)
        self.addCleanup(wire.close)
        return wire


class WithPython(Structured):
    """clients/python."""

    def run_async(self, work):
        return asyncio.run(asyncio.wait_for(work, self.limit - 20))

    async def client(self, path=None):
        client = await openzentri.Client.serial(str(path or self.device.link))
        # Machine mode prints no log.
        await client.expect("set system.print_level 5")
        return client

    def test_commands_and_errors(self):
        async def work():
            async with await self.client() as device:
                self.assertEqual(await device.expect("get uart.baud 0"), "115200")
                failed = await device.command("frobnicate")
                self.assertEqual((failed.code, failed.text), (3, "Unknown command"))
                whole = await device.expect("help all")
                self.assertGreater(len(whole), 3000)
                self.assertIn("structured_start", whole)
                with self.assertRaises(ValueError):
                    await device.command("x" * 5000)
                self.assertEqual(await device.expect("file_create a.txt 3", b"a\0b"), "Success")
                stream = await device.open("file_open a.txt")
                self.assertEqual(await stream.readexactly(3), b"a\0b")
                await stream.closed()
            self.assertEqual(device.damaged, 0)

        self.run_async(work())
        # The device speaks text again.
        self.assertEqual(self.device.machine().command("get uart.baud 0").text, "115200")

    def test_a_client_that_was_killed_is_followed_by_another(self):
        async def work():
            first = await self.client()
            forgotten = asyncio.ensure_future(first.command("stream_wait all 600000"))
            await asyncio.sleep(0.2)
            first._line.close()
            forgotten.cancel()
            async with await self.client() as device:
                self.assertEqual(await device.expect("get uart.baud 0"), "115200")

        self.run_async(work())

    def test_commands_wait_side_by_side(self):
        async def work():
            async with await self.client() as device:
                began = time.monotonic()
                slow = asyncio.ensure_future(device.command("stream_wait all 1500"))
                await asyncio.sleep(0)
                self.assertEqual(await device.expect("get uart.baud 0"), "115200")
                self.assertLess(time.monotonic() - began, 1.2)
                self.assertEqual((await slow).text, "None")
                with self.assertRaises(openzentri.NoAnswer):
                    await device.command("stream_wait all 600000", timeout=0.3)
                many = [device.expect("stream_wait all 100") for _ in range(20)]
                self.assertEqual(await asyncio.gather(*many), ["None"] * 20)

        self.run_async(work())

    def test_events_tell_of_the_network_and_of_streams(self):
        async def work(port):
            async with await self.client() as device:
                events = device.events()
                stream = await device.open(f"tcp_client {self.here(port)}")
                await stream.close()
                await device.expect("network_down")
                seen = []
                async for event in events:
                    seen.append(event)
                    if isinstance(event, openzentri.NetworkState) and event.interface == "wlan" and not event.up:
                        break
                states = [event.state for event in seen if isinstance(event, openzentri.StreamState)]
                self.assertEqual(states, [wire.OPEN, wire.CLOSED])
                lines = [event.text for event in seen if isinstance(event, openzentri.LogLine)]
                self.assertTrue(any("Opened: 0" in line for line in lines), lines)
                up = [event for event in seen if isinstance(event, openzentri.NetworkState) and event.interface == "wlan"]
                self.assertTrue(up[0].up and up[0].address.count(".") == 3, up)

        with Peer(echo) as peer:
            self.run_async(work(peer.port))

    async def _echo(self, device, port, size):
        """Sends bytes through an echo server while commands cause log lines; answers the number of lines."""
        lines = 0

        async def listen():
            nonlocal lines
            async for event in device.events():
                lines += isinstance(event, openzentri.LogLine)

        async def chatter():
            while True:
                # The failure of this command causes a log line.
                self.assertEqual((await device.command("tls_certificate_request -")).code, 7)
                self.assertEqual((await device.command(f"tcp_client {self.here(1)}")).code, 1)

        sent = content(size)
        stream = await device.open(f"tcp_client {self.here(port)}")
        others = [asyncio.ensure_future(listen()), asyncio.ensure_future(chatter())]

        async def send():
            for at in range(0, size, 3000):
                await stream.write(sent[at : at + 3000])
            await stream.drain()

        sending = asyncio.ensure_future(send())
        received = await stream.readexactly(size)
        await sending
        for other in others:
            if other.done():
                other.result()
            other.cancel()
        self.assertEqual(hashlib.sha256(received).digest(), hashlib.sha256(sent).digest())
        await stream.close()
        return lines

    def test_echo_while_log_lines_come(self):
        async def work(port):
            async with await self.client() as device:
                lines = await self._echo(device, port, 1_000_000)
                self.assertGreater(lines, 3)
                self.assertEqual(device.damaged, 0)

        with Peer(echo) as peer:
            self.run_async(work(peer.port))

    def test_echo_over_a_line_that_flips_bits(self):
        bad = self.bad_wire(3000)

        async def work(port):
            async with await self.client(bad.path) as device:
                bad.harmless.set()
                self.assertGreater(await self._echo(device, port, 60_000), 0)
                # Each command must run once, however often its frame is sent.
                for number in range(20):
                    await device.expect(f"file_create {number}.txt 5", b"hello")
                listed = await device.expect("ls")
                self.assertTrue(all(f"{number}.txt" in listed for number in range(20)), listed)
                bad.harmless.clear()
                self.assertGreater(device.damaged, 0)
                self.assertGreater(bad.flipped, 20)

        with Peer(echo) as peer:
            self.run_async(work(peer.port))

    def test_a_peer_that_does_not_read_holds_up_nobody_else(self):
        peer = Peer()

        async def work():
            async with await self.client() as device:
                stream = await device.open(f"tcp_client {self.here(peer.port)}")
                connection = peer.accept()
                with self.assertRaises(asyncio.TimeoutError):
                    await asyncio.wait_for(self._fill(stream), 3)
                self.assertEqual(await device.expect("get uart.baud 0"), "115200")
                connection.close()
                await asyncio.wait_for(stream.closed(), 20)
                with self.assertRaises(BrokenPipeError):
                    await stream.write(b"more")

        with peer:
            self.run_async(work())

    @staticmethod
    async def _fill(stream):
        while True:
            await stream.write(bytes(20_000))

    @unittest.skipIf(native_sim() or qemu_image(), "the line of a board is no TCP port")
    def test_a_line_that_is_a_tcp_port(self):
        port = free_port()
        device = self.new_device(start=False, serial=f"tcp:{port}")
        device.start()

        async def work(echo_port):
            self.device = device
            async with await openzentri.Client.tcp("127.0.0.1", port) as client:
                await client.expect("set system.print_level 5")
                self.assertGreater(await self._echo(client, echo_port, 200_000), 0)
                self.assertEqual(client.damaged, 0)

        deadline = time.monotonic() + 10
        while "serial tcp://" not in device.stderr():
            self.assertLess(time.monotonic(), deadline)
            time.sleep(0.01)
        with Peer(echo) as peer:
            self.run_async(work(peer.port))

    def test_its_own_tests(self):
        tests = CLIENTS / "python" / "tests"
        result = subprocess.run(
            [sys.executable, "-m", "unittest", "discover", "-s", str(tests)], capture_output=True, text=True, timeout=60
        )
        self.assertEqual(result.returncode, 0, result.stderr)


@unittest.skipUnless(shutil.which("cc"), "there is no C compiler")
class WithC(Structured):
    """clients/c."""

    def build(self):
        program = self.device.folder / "echo"
        source = CLIENTS / "c" / "tests" / "echo.c"
        subprocess.run(["cc", *STRICT, "-O1", "-I", str(CLIENTS / "c"), str(source), "-o", str(program)], check=True)
        return program

    def echo(self, path, port, size, prepared=lambda: None):
        program = subprocess.Popen(
            [str(self.build()), str(path), self.device.here, str(port), str(size)],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )
        try:
            self.assertEqual(program.stdout.readline(), "begun\n")
            prepared()
            text = program.communicate(timeout=self.limit - 20)[0]
        finally:
            program.kill()
        self.assertEqual(program.returncode, 0, text)
        return dict(line.split(" ", 1) for line in text.splitlines())

    def test_echo_while_log_lines_come(self):
        with Peer(echo) as peer:
            said = self.echo(self.device.link, peer.port, 300_000)
        self.assertEqual((said["echoed"], said["damaged"]), ("300000", "0"))
        self.assertGreater(int(said["lines"]), 3)
        self.assertEqual(self.device.machine().command("get uart.baud 0").text, "115200")

    def test_echo_over_a_line_that_flips_bits(self):
        bad = self.bad_wire(3000)
        with Peer(echo) as peer:
            said = self.echo(bad.path, peer.port, 60_000, bad.harmless.set)
        self.assertEqual(said["echoed"], "60000")
        self.assertGreater(int(said["damaged"]), 0)
        self.assertGreater(bad.flipped, 20)

    def test_its_own_tests(self):
        program = self.device.folder / "unit"
        source = CLIENTS / "c" / "tests" / "unit.c"
        subprocess.run(
            ["cc", *STRICT, "-g", "-fsanitize=address,undefined", "-fno-sanitize-recover=all", "-I", str(CLIENTS / "c"),
             str(source), "-o", str(program)], check=True,
        )
        document = CLIENTS.parent / "docs" / "structured-protocol.md"
        result = subprocess.run([str(program), str(document)], capture_output=True, text=True, timeout=60)
        self.assertEqual(result.returncode, 0, result.stdout + result.stderr)


@unittest.skipUnless(connect, "websockets is not installed")
class OverWebSocket(DeviceCase):
    """`/structured`."""

    def open(self, **options):
        self.device.wait_http()
        place = f"ws://127.0.0.1:{self.device.http_port}/structured"
        return connect(place, compression=None, open_timeout=10, **options)

    @staticmethod
    def expect(socket, kind):
        """The next message of a kind; each binary message consists of whole frames."""
        while True:
            for frame in socket.recv(timeout=10).split(b"\0"):
                message = wire.unseal(frame) if frame else [None]
                if message[0] == kind:
                    return message

    def run_command(self, socket, number, line):
        socket.send(wire.seal([wire.REQUEST, number, number, 0, line, b""]))
        return self.expect(socket, wire.RESPONSE)[5]

    def test_commands_beside_the_uart_and_a_good_bye(self):
        line = self.device.machine()
        with self.open() as socket:
            self.assertEqual(self.expect(socket, wire.WELCOME)[1], 1)
            self.assertEqual(self.run_command(socket, 1, b"get uart.baud 0"), b"115200\r\n")
            # The connection is not a stream of the host.
            self.assertEqual(line.command("poll all").text, "None")
            # In pieces of any size.
            for byte in wire.seal([wire.REQUEST, 2, 2, 0, b"frobnicate", b""]):
                socket.send(bytes([byte]))
            self.assertEqual(self.expect(socket, wire.RESPONSE)[2], 3)
            with self.assertRaises(InvalidStatus) as refused:
                self.open()
            self.assertEqual(refused.exception.response.status_code, 503)
            socket.send(wire.seal([wire.STOP]))
            self.expect(socket, wire.BYE)
            with self.assertRaises(ConnectionClosed):
                socket.recv(timeout=10)
        # A client that leaves without a close frame makes room for the next.
        for number in range(3):
            socket = self.open()
            self.assertEqual(self.run_command(socket, 1, b"get uart.baud 0"), b"115200\r\n")
            socket.socket.close()
            self.eventually(lambda: self.can_open(), 30)

    def can_open(self):
        try:
            self.open().close()
        except InvalidStatus:
            return False
        return True

    def test_an_echo(self):
        sent = content(200_000)
        with Peer(echo) as peer, self.open() as socket:
            # Besides the bytes of the stream a frame has a few numbers.
            longest = self.expect(socket, wire.WELCOME)[2] - 64
            opened = self.run_command(socket, 1, f"tcp_client {self.device.here} {peer.port}".encode())
            socket.send(wire.seal([wire.ASK, int(opened)]))
            while (told := self.expect(socket, wire.STREAM))[1] != 0:
                pass
            number, got, given, limit = told[2], b"", 0, 0
            socket.send(wire.seal([wire.CREDIT, number, 0, 32768, 0]))
            while len(got) < len(sent):
                for frame in filter(None, socket.recv(timeout=10).split(b"\0")):
                    message = wire.unseal(frame)
                    if message[0] == wire.CREDIT:
                        limit = message[3]
                    elif message[0] == wire.DATA:
                        self.assertEqual(message[2], len(got))
                        got += message[4]
                        socket.send(wire.seal([wire.CREDIT, number, len(got), len(got) + 32768, 0]))
                while given < min(limit, len(sent)):
                    part = sent[given : min(given + longest, limit)]
                    socket.send(wire.seal([wire.DATA, number, given, True, part]))
                    given += len(part)
            self.assertEqual(got, sent)

    def test_only_the_owner_comes_in(self):
        line = self.device.machine()
        token = line.ok("token_create phone read,streams,files,config")
        line.ok("set http.server.username me")
        line.ok("set http.server.password secret")
        for headers, status in (
            ({}, 401),
            ({"Authorization": f"Bearer {token}"}, 403),
            ({"Authorization": "Basic bWU6c2VjcmV0", "Origin": "http://elsewhere.example"}, 403),
        ):
            with self.assertRaises(InvalidStatus) as refused:
                self.open(additional_headers=headers)
            self.assertEqual(refused.exception.response.status_code, status, headers)
        with self.open(additional_headers={"Authorization": "Basic bWU6c2VjcmV0"}) as socket:
            self.assertEqual(self.run_command(socket, 1, b"get uart.baud 0"), b"115200\r\n")
