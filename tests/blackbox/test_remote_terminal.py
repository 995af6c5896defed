"""The remote terminal: with `telnet`, `nc`, an `expect` script, OpenSSL, and sockets of our own."""

import pty
import os
import select
import shutil
import socket
import ssl
import subprocess
import tempfile
import time
import unittest
from pathlib import Path

from zentri import DeviceCase, free_port
from zentri.certificates import Authority
from zentri.device import native_sim

PROMPT = b"\r\n> "


class RemoteCase(DeviceCase):
    """A device whose remote terminal is on a port of its own."""

    more = {}
    machine = False

    def setUp(self):
        self.port = free_port()
        self.settings = {
            "remote_terminal.enabled": 1, "remote_terminal.port": self.port, "system.print_level": 0, "ntp.enabled": 0,
            **self.more,
        }
        super().setUp()
        self.device.expose(self.port)
        self.device.wait_http()
        self.mac = self.device.rest.text("get wlan.mac")

    def connect(self):
        """A client; the device begins to listen shortly after its start."""
        def attempt():
            try:
                return socket.create_connection((self.device.here, self.port), timeout=5)
            except OSError:
                return None

        client = self.eventually(attempt, 10)
        self.addCleanup(client.close)
        return client

    def has_ended(self, client):
        """Whether the connection has ended. If the system resets it because of unread bytes, that is an end, too."""
        try:
            return client.recv(10) == b""
        except ConnectionResetError:
            return bool(native_sim())

    def until(self, client, end, seconds=5):
        """All bytes up to `end`."""
        client.settimeout(seconds)
        received = b""
        while not received.endswith(end):
            part = client.recv(65536)
            self.assertTrue(part, received)
            received += part
        return received

    def program(self, *line, **options):
        """Runs a program of this machine; answers its output."""
        self.connect().close()
        done = subprocess.run(line, capture_output=True, timeout=30, **options)
        return done.stdout.decode()


class OpenTest(RemoteCase):
    """Without a password."""

    def test_one_read_a_command(self):
        """A known client sends a line and reads once: this read must contain the echo and the answer."""
        client = self.connect()
        self.assertEqual(client.recv(100), b"> ")
        for _ in range(50):
            client.sendall(b"get wlan.mac\n")
            self.assertEqual(client.recv(4096).decode(), f"get wlan.mac\r\n{self.mac}\r\n> ")

    @unittest.skipUnless(shutil.which("nc"), "nc is not installed")
    def test_nc(self):
        shown = self.program("nc", "-N", self.device.here, str(self.port), input=b"get wlan.mac\nget time.zone\r\n")
        self.assertEqual(shown, f"> get wlan.mac\r\n{self.mac}\r\n> get time.zone\r\n0\r\n> ")

    @unittest.skipUnless(shutil.which("telnet"), "telnet is not installed")
    def test_telnet(self):
        """At a terminal, as a person uses it."""
        self.connect().close()
        leader, follower = pty.openpty()
        process = subprocess.Popen(
            ["telnet", self.device.here, str(self.port)], stdin=follower, stdout=follower, stderr=follower
        )
        os.close(follower)
        self.addCleanup(process.wait, 10)
        self.addCleanup(process.kill)
        self.addCleanup(os.close, leader)
        seen = b""

        def until(text):
            nonlocal seen
            deadline = time.monotonic() + 10
            while text not in seen:
                self.assertTrue(select.select([leader], [], [], deadline - time.monotonic())[0], seen)
                seen += os.read(leader, 4096)
            seen = seen.partition(text)[2]

        until(b"> ")
        os.write(leader, b"get wlan.mac\n")
        until(self.mac.encode())
        until(b"> ")
        # Active negotiation: the client's command mode sends what the user requests.
        os.write(leader, b"\x1d")
        until(b"telnet> ")
        os.write(leader, b"send do echo\n")
        os.write(leader, b"get time.zone\n")
        until(b"\n0\r\n")

    @unittest.skipUnless(shutil.which("expect") and shutil.which("telnet"), "expect or telnet is not installed")
    def test_expect(self):
        script = r"""
            set timeout 10
            spawn telnet [lindex $argv 0] [lindex $argv 1]
            expect "> " {} timeout { exit 2 }
            send "set time.zone 3\r"
            expect "Set OK" {} timeout { exit 3 }
            expect "> " {} timeout { exit 4 }
            send "get time.zone\r"
            expect -re {\n3\r} {} timeout { exit 5 }
            send "nonsense\r"
            expect "Unknown command" {} timeout { exit 6 }
            send "\035"
            expect "telnet> " {} timeout { exit 7 }
            send "quit\r"
            expect eof
        """
        self.connect().close()
        with tempfile.NamedTemporaryFile("w", suffix=".exp") as file:
            file.write(script)
            file.flush()
            done = subprocess.run(["expect", file.name, self.device.here, str(self.port)], capture_output=True, timeout=40)
        self.assertEqual(done.returncode, 0, done.stdout)

    def test_the_uart_is_detached_and_comes_back(self):
        uart = self.device.console()
        uart.send(b"\r\n")
        uart.read_until(b"Ready\r\n> ")
        client = self.connect()
        self.until(client, b"> ")
        uart.send(b"get time.zone\r\n" * 20)
        client.sendall(b"set time.zone 5\n")
        self.until(client, PROMPT)
        self.assertEqual(uart.quiet(0.3), b"")
        client.close()
        for _ in range(20):
            self.assertEqual(uart.read_until(b"> "), b"get time.zone\r\n5\r\n> ")

    def test_a_second_client_is_refused(self):
        first = self.connect()
        self.until(first, b"> ")
        with socket.create_connection((self.device.here, self.port), timeout=5) as second:
            self.assertEqual(second.recv(10), b"")
        first.sendall(b"get time.zone\n")
        self.assertEqual(self.until(first, PROMPT), b"get time.zone\r\n0\r\n> ")

    def test_a_slow_reader_delays_nobody(self):
        client = self.connect()
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.setblocking(False)
        line, sent = b"get all\n" * 4000, 0
        deadline = time.monotonic() + 2
        while sent < len(line) and time.monotonic() < deadline:
            try:
                sent += client.send(line[sent:])
            except BlockingIOError:
                time.sleep(0.01)
        for _ in range(20):
            begun = time.monotonic()
            self.assertEqual(self.device.rest.get("get all")["code"], 0)
            self.assertLess(time.monotonic() - begun, 5)

    def test_machine_mode_and_data(self):
        client = self.connect()
        self.until(client, b"> ")
        client.sendall(b"set system.cmd.mode machine\n")
        self.until(client, b"R000008\r\nSet OK\r\n")
        content = bytes(range(255)) * 100
        client.sendall(b"fcr any.bin %d\n" % len(content) + content)
        self.assertRegex(self.until(client, b"\r\n"), rb"^R0")
        client.sendall(b"fop any.bin\n")
        self.until(client, b"R000003\r\n0\r\n")
        client.sendall(b"read 0 20000\n")
        want = b"R020002\r\n" + content[:20000] + b"\r\n"
        received = b""
        while len(received) < len(want):
            received += client.recv(65536)
        self.assertEqual(received, want)


class SilentTest(RemoteCase):
    """With a short time-out."""

    more = {"remote_terminal.timeout": 2}

    def test_a_silent_client_is_dropped(self):
        client = self.connect()
        begun = time.monotonic()
        self.until(client, b"> ")
        client.settimeout(20)
        self.assertEqual(client.recv(10), b"")
        self.assertGreater(time.monotonic() - begun, 1.9)
        self.until(self.connect(), b"> ")


class PasswordTest(RemoteCase):
    """With a name and a password."""

    more = {"remote_terminal.username": "me", "remote_terminal.password": "open sesame"}

    def log_in(self, client, name, password):
        """Logs in; answers the text after the password."""
        self.until(client, b"Login: ")
        client.sendall(name + b"\r\n")
        self.assertEqual(self.until(client, b"Password: "), b"\r\nPassword: ")
        client.sendall(password + b"\r\n")

    def test_wrong_ones_take_time_and_end(self):
        client = self.connect()
        begun = time.monotonic()
        for _ in range(3):
            self.log_in(client, b"me", b"guess")
        self.assertTrue(self.until(client, b"Login incorrect\r\n"))
        self.assertTrue(self.has_ended(client))
        self.assertGreater(time.monotonic() - begun, 3)
        client = self.connect()
        self.log_in(client, b"me", b"open sesame")
        self.assertEqual(self.until(client, b"> "), b"\r\n> ")

    @unittest.skipUnless(shutil.which("expect") and shutil.which("telnet"), "expect or telnet is not installed")
    def test_expect_logs_in(self):
        script = r"""
            set timeout 10
            spawn telnet [lindex $argv 0] [lindex $argv 1]
            expect "Login: " {} timeout { exit 2 }
            send "me\r"
            expect "Password: " {} timeout { exit 3 }
            send "open sesame\r"
            expect "> " {} timeout { exit 4 }
            send "get time.zone\r"
            expect -re {\n0\r} {} timeout { exit 5 }
            exit 0
        """
        self.connect().close()
        with tempfile.NamedTemporaryFile("w", suffix=".exp") as file:
            file.write(script)
            file.flush()
            done = subprocess.run(["expect", file.name, self.device.here, str(self.port)], capture_output=True, timeout=40)
        self.assertEqual(done.returncode, 0, done.stdout)


@unittest.skipUnless(shutil.which("openssl"), "openssl is not installed")
class TlsTest(RemoteCase):
    """Over TLS, with a certificate."""

    more = {
        "network.tls.server_cert": "server.pem",
        "network.tls.server_key": "server.key",
    }

    def setUp(self):
        super().setUp()
        folder = Path(tempfile.mkdtemp(prefix="openzentri-remote-"))
        self.addCleanup(shutil.rmtree, folder)
        self.authority = Authority(folder)
        certificate, key = self.authority.sign("server")
        for name, path in (("server.pem", certificate), ("server.key", key)):
            self.store(name, path.read_bytes())
        uart = self.device.console()
        uart.send(b"set remote_terminal.tls_enabled 1\r\nnetwork_restart\r\n")
        uart.read_until(b"network_restart\r\n")
        uart.read_until(b"Success\r\n", 20)

    def store(self, name, content):
        """Puts a file on the device."""
        uart = self.device.console()
        uart.send(b"fcr %s %d\r\n" % (name.encode(), len(content)) + content)
        uart.read_until(b"Success\r\n", 10)

    def test_a_session(self):
        context = ssl.create_default_context(cafile=self.authority.certificate)
        self.connect().close()
        with socket.create_connection((self.device.here, self.port), timeout=10) as plain:
            with context.wrap_socket(plain, server_hostname="localhost") as client:
                self.assertEqual(self.until(client, b"> "), b"> ")
                client.sendall(b"get wlan.mac\n")
                self.assertEqual(client.recv(4096).decode(), f"get wlan.mac\r\n{self.mac}\r\n> ")
        # A client without TLS gets nothing.
        with self.connect() as client:
            client.sendall(b"get wlan.mac\n")
            received = b""
            try:
                while part := client.recv(4096):
                    received += part
            except ConnectionResetError:
                pass
            self.assertNotIn(self.mac.encode(), received)


if __name__ == "__main__":
    unittest.main()
