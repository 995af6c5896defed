"""Stream mode of the running process: bytes between the UART and a peer, breaking out, restarts, settings of the UART."""

import importlib.machinery
import importlib.util
import os
import shutil
import socket
import subprocess
import tempfile
import termios
import threading
import time
import unittest
from pathlib import Path

from zentri import Device, DeviceCase, Peer, free_port
from zentri.certificates import Authority
from zentri.device import native_sim
from zentri.serial import Console

ROOT = Path(__file__).resolve().parents[2]
#: Megabytes in each direction.
MEGABYTES = 2 if native_sim() else 20


def load(path):
    """Loads a script as a module."""
    loader = importlib.machinery.SourceFileLoader(path.name, str(path))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader(path.name, loader))
    loader.exec_module(module)
    return module


bridge = load(ROOT / "benches" / "bridge")


class StreamMode(DeviceCase):
    """A device in stream mode."""

    machine = False
    http = False

    def stream(self, **settings):
        """A device in stream mode, and its line."""
        settings = {name.replace("__", "."): str(value) for name, value in settings.items()}
        device = self.new_device(settings={"bus.mode": "stream"} | settings)
        return device, device.console()

    def client_of(self, peer, **more):
        """A device in stream mode whose TCP client connects to `peer`, and its line."""
        return self.stream(
            tcp__client__auto_start=1,
            tcp__client__auto_retries=255,
            tcp__client__retry_period=100,
            tcp__client__remote_host="127.0.0.1",
            tcp__client__remote_port=peer.port,
            **more,
        )

    def connect(self, port, device=None):
        """A connection to a server of the device."""
        if device:
            device.expose(port)

        def attempt():
            try:
                return socket.create_connection(("127.0.0.1", port), timeout=5)
            except OSError:
                return None

        connection = self.eventually(attempt, seconds=10)
        self.addCleanup(connection.close)
        return connection

    def heard(self, connection, expected, seconds=5.0):
        """The peer must get exactly this."""
        connection.settimeout(seconds)
        got = b""
        while len(got) < len(expected):
            part = connection.recv(65536)
            self.assertTrue(part, f"the device has closed after {got}")
            got += part
        self.assertEqual(got, expected)


class Bytes(StreamMode):
    limit = 240

    def setUp(self):
        super().setUp()
        self.device.close()

    def test_megabytes_each_way(self):
        port = free_port()
        device, _ = self.stream(tcp__server__auto_start=1, tcp__server__port=port, tcp__server__idle_timeout=0)
        connection = self.connect(port, device)
        connection.setblocking(False)
        host = bridge.open_terminal(device.link)
        self.addCleanup(os.close, host)
        rates = bridge.measure(connection.fileno(), host, MEGABYTES * 1_000_000, 1)
        self.assertTrue(all(rates), rates)

    def test_a_slow_host_loses_nothing(self):
        with Peer() as peer:
            device, line = self.client_of(peer)
            with peer.accept() as connection:
                data = bridge.BLOCK
                sender = threading.Thread(target=connection.sendall, args=(data,))
                sender.start()
                got = bytearray()
                while len(got) < len(data):
                    time.sleep(0.001)
                    try:
                        got += os.read(line.fd, 4096)
                    except BlockingIOError:
                        continue
                sender.join()
                self.assertEqual(bytes(got), data)

    def test_socat_at_the_other_end(self):
        if not shutil.which("socat"):
            self.skipTest("socat is not installed")
        with tempfile.TemporaryDirectory() as folder:
            port, file = free_port(), Path(folder) / "got"
            command = ["socat", "-u", f"TCP-LISTEN:{port},bind=127.0.0.1,reuseaddr", f"CREATE:{file}"]
            process = subprocess.Popen(command)
            self.addCleanup(process.wait, 10)
            self.addCleanup(process.kill)
            device, line = self.stream(
                tcp__client__auto_start=1, tcp__client__auto_retries=255, tcp__client__retry_period=100,
                tcp__client__remote_host="127.0.0.1", tcp__client__remote_port=port, **{"uart.flow 0": 1},
            )
            line.send(bridge.BLOCK[:100_000], seconds=30)
            self.eventually(lambda: file.exists() and file.stat().st_size == 100_000, seconds=30)
            self.assertEqual(file.read_bytes(), bridge.BLOCK[:100_000])


class Peers(StreamMode):
    def setUp(self):
        super().setUp()
        self.device.close()

    def test_a_peer_that_comes_back(self):
        with Peer() as peer:
            _, line = self.client_of(peer)
            for turn in range(4):
                connection = peer.accept()
                connection.sendall(f"hello {turn}".encode())
                line.read_until(f"hello {turn}".encode())
                line.send(f"answer {turn}".encode())
                self.heard(connection, f"answer {turn}".encode())
                if turn % 2:
                    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
                connection.close()

    def test_input_waits_for_a_peer(self):
        port = free_port()
        _, line = self.stream(
            tcp__client__auto_start=1, tcp__client__auto_retries=255, tcp__client__retry_period=100,
            tcp__client__remote_host="127.0.0.1", tcp__client__remote_port=port,
        )
        line.send(b"early bytes")
        time.sleep(0.5)
        with socket.create_server(("127.0.0.1", port)) as listener:
            listener.settimeout(10)
            connection, _ = listener.accept()
            with connection:
                self.heard(connection, b"early bytes")

    def test_a_second_client_is_closed(self):
        port = free_port()
        device, line = self.stream(tcp__server__auto_start=1, tcp__server__port=port)
        first = self.connect(port, device)
        first.sendall(b"first")
        line.read_until(b"first")
        second = self.connect(port)
        second.settimeout(5)
        try:
            self.assertEqual(second.recv(1), b"")
        except ConnectionResetError:
            pass
        line.send(b"still the first")
        self.heard(first, b"still the first")

    @unittest.skipIf(native_sim(), "datagrams of the host's loopback interface")
    def test_udp(self):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as peer:
            peer.bind(("127.0.0.1", 0))
            peer.settimeout(5)
            _, line = self.stream(
                udp__client__auto_start=1, udp__client__remote_host="127.0.0.1",
                udp__client__remote_port=peer.getsockname()[1], bus__stream__flush_count=16,
            )
            line.send(b"0123456789abcdefRest")
            data, device = peer.recvfrom(100)
            self.assertEqual((data, peer.recv(100)), (b"0123456789abcdef", b"Rest"))
            peer.sendto(b"datagram", device)
            line.read_until(b"datagram")


class Tls(StreamMode):
    def setUp(self):
        super().setUp()
        self.device.close()

    @unittest.skipUnless(shutil.which("openssl"), "openssl is not installed")
    def test_a_tls_client(self):
        folder = Path(tempfile.mkdtemp(prefix="openzentri-bridge-"))
        self.addCleanup(shutil.rmtree, folder)
        authority = Authority(folder)
        authority.sign("server", "p256")
        port = free_port()
        server = subprocess.Popen(
            ["openssl", "s_server", "-accept", f"127.0.0.1:{port}", "-cert", folder / "server.pem",
             "-key", folder / "server.key", "-rev", "-quiet"],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )
        self.addCleanup(server.wait, 10)
        self.addCleanup(server.kill)
        _, line = self.stream(
            tcp__client__auto_start=1, tcp__client__auto_retries=255, tcp__client__tls_enabled=1,
            tcp__client__retry_period=200, tcp__client__remote_host="127.0.0.1", tcp__client__remote_port=port,
            network__tls__verify=0,
        )
        line.send(b"desserts\n")
        line.read_until(b"stressed\n", seconds=20)


class WebSockets(StreamMode):
    http = True

    def test_a_client_of_the_web_server(self):
        try:
            from websockets.sync.client import connect
        except ImportError:
            self.skipTest("websockets is not installed")
        self.device.close()
        device, line = self.stream(http__server__enabled=1, http__server__notify_gpio=20)
        device.wait_http()
        with connect(f"ws://127.0.0.1:{device.http_port}/stream") as client:
            client.send(b"to the host")
            line.read_until(b"to the host")
            line.send(b"to the client")
            self.assertEqual(client.recv(timeout=5), b"to the client")
            with self.assertRaises(Exception):
                connect(f"ws://127.0.0.1:{device.http_port}/stream", open_timeout=5)
            line.send(b"still here")
            self.assertEqual(client.recv(timeout=5), b"still here")


class BreakOut(StreamMode):
    def setUp(self):
        super().setUp()
        self.device.close()

    def test_both_ways(self):
        with Peer() as peer:
            _, line = self.client_of(peer)
            with peer.accept() as connection:
                line.send(b"data$$$\r\n")
                line.read_until(b"Command Mode Start\r\n> ", seconds=1.0)
                self.heard(connection, b"data")
                line.send(b"list\r\n")
                line.read_until(b"# 0 TCPC")
                line.read_until(b"> ")
                line.send(b"exit\r\nafter")
                self.heard(connection, b"after")
                time.sleep(3.2)
                line.send(b"$$$")
                line.read_until(b"Command Mode Start\r\n> ", seconds=5.0)

    def test_data_that_contain_it(self):
        with Peer() as peer:
            _, line = self.client_of(peer)
            with peer.accept() as connection:
                data = b"$$$\r\n$$$ $$ $$$\r$$$\r\n" * 1000 + b"."
                line.send(data)
                self.heard(connection, data)
                self.assertEqual(bytes(line.received).count(b"Command"), 0)

    def test_the_acceptance_script(self):
        """The settings of the vendor's script; afterwards everything starts by itself."""
        port = free_port()
        device = self.new_device(settings={}, machine=True)
        line = device.machine()
        for value in (
            "softap.ssid Bridge", "softap.passkey mypassword", "softap.auto_start 1", "tcp.server.auto_start 1",
            f"tcp.server.port {port}", "tcp.server.auto_interface wlan", "tcp.server.connected_gpio 3",
            "tcp.keepalive.enabled 1", "tcp.keepalive.retry_count 5", "tcp.keepalive.initial_timeout 7",
            "tcp.keepalive.retry_timeout 2", "bus.mode stream",
        ):
            line.ok(f"set {value}")
        line.ok("save", seconds=30)
        line.ok("reboot")
        host = device.console()
        connection = self.connect(port, device)
        connection.sendall(b"from the peer")
        host.read_until(b"from the peer", seconds=10)
        host.send(b"from the host")
        self.heard(connection, b"from the host")


class Uart(StreamMode):
    """`uart.*` on a pseudo-terminal and on a serial port."""

    http = False

    def shown(self, path):
        """Speed, two stop bits, flow control."""
        fd = os.open(path, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
        try:
            attributes = termios.tcgetattr(fd)
        finally:
            os.close(fd)
        return attributes[5], bool(attributes[2] & termios.CSTOPB), bool(attributes[2] & termios.CRTSCTS)

    def test_settings_act_when_documented(self):
        self.device.close()
        device = self.new_device(machine=True)
        line = device.machine()
        self.assertEqual(self.shown(device.link), (termios.B115200, False, False))
        for value in ("baud 0 921600", "stop 0 2", "flow 0 on"):
            line.ok(f"set uart.{value}")
        self.assertEqual(self.shown(device.link), (termios.B115200, False, False), "not yet")
        line.ok("uart_update")
        fast = (termios.B921600, True, True)
        self.eventually(lambda: self.shown(device.link) == fast)
        line.ok("set uart.baud 0 230400")
        line.ok("save", seconds=30)
        line.rebooted()
        self.eventually(lambda: self.shown(device.link) == (termios.B230400, True, True))

    @unittest.skipIf(native_sim() or not shutil.which("socat"), "needs socat and the Linux process")
    def test_a_serial_port(self):
        self.device.close()
        folder = Path(tempfile.mkdtemp(prefix="openzentri-tty-"))
        self.addCleanup(shutil.rmtree, folder)
        ours, theirs = folder / "ours", folder / "theirs"
        cable = subprocess.Popen(["socat", f"PTY,link={ours},raw,echo=0", f"PTY,link={theirs},raw,echo=0"])
        self.addCleanup(cable.wait, 10)
        self.addCleanup(cable.kill)
        self.eventually(lambda: ours.exists() and theirs.exists())
        device = Device(settings={"uart.baud 0": 57_600}, serial=str(ours), machine=True, http=False)
        self.addCleanup(self._finish, device)
        device.start()
        host = Console.pty(theirs)
        self.addCleanup(host.close)
        self.eventually(lambda: self.shown(ours)[0] == termios.B57600)
        host.send(b"get uart.baud 0\r\n")
        host.read_until(b"R000007\r\n57600\r\n")


if __name__ == "__main__":
    unittest.main()
