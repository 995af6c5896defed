"""The clock set by time servers: a small one of our own, which can misbehave, and chrony, an independent one."""

import os
import re
import shutil
import socket
import struct
import subprocess
import tempfile
import threading
import time
import unittest
from pathlib import Path

from zentri import DeviceCase
from zentri.device import free_port

#: Seconds from 1900 to 1970.
TO_1970 = 2_208_988_800
#: 2030-01-01 00:00:00, far from the clock of this machine.
NEW_YEAR = 1_893_456_000
CHRONYD = shutil.which("chronyd") or shutil.which("chronyd", path="/usr/sbin")


def timestamp(seconds):
    """Seconds since 1970 as 32 bits of seconds and 32 of fraction."""
    return int((seconds + TO_1970) * (1 << 32)) & ((1 << 64) - 1)


class TimeServer:
    """An SNTP server; `answers(request, client)` gives the datagrams to send, each with the socket to send it from."""

    def __init__(self, answers):
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        self.stranger = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.stranger.bind(("127.0.0.1", 0))
        self.requests = []
        self._answers = answers
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self):
        while True:
            request, client = self.socket.recvfrom(512)
            if client == self.socket.getsockname():
                return
            self.requests.append(request)
            for source, answer in self._answers(self, request):
                source.sendto(answer, client)

    def close(self):
        """Ends the thread."""
        self.socket.sendto(b"", self.socket.getsockname())
        self._thread.join(5)
        self.socket.close()
        self.stranger.close()


def reply(request, seconds, leap=0, stratum=2, reference=b"TEST", origin=None):
    """The answer of a server at this time."""
    now = timestamp(seconds)
    head = struct.pack(">BBbbII4s", leap << 6 | 4 << 3 | 4, stratum, 6, -20, 0x300, 0x100, reference)
    return head + struct.pack(">Q", now) + (request[40:48] if origin is None else origin) + struct.pack(">QQ", now, now)


class NtpCase(DeviceCase):
    """A device that asks time servers once it has joined."""

    def server(self, answers):
        """A server that ends with the test."""
        server = TimeServer(answers)
        self.addCleanup(server.close)
        return server

    def ask(self, *servers):
        """Starts a device that asks these ports."""
        names = ",".join(f"127.0.0.1:{port}" for port in servers)
        device = self.new_device(settings={"ntp.enabled": "1", "ntp.server": names})
        device.wait_http()
        return device

    def seconds(self, device):
        """The device's clock."""
        return int(device.rest.get("get time.rtc")["response"])

    def is_set(self, device):
        """Whether the clock was set."""
        return device.rest.get("get time.last_set")["response"].strip() != "-1"

    def log(self, device):
        """The log of the device."""
        return device.rest.open("/log")[2].decode()


class OwnServer(NtpCase):
    def test_the_clock_is_set_and_log_lines_have_the_time(self):
        server = self.server(lambda own, request: [(own.socket, reply(request, NEW_YEAR))])
        device = self.ask(server.port)
        self.eventually(lambda: self.is_set(device))
        self.assertIn(self.seconds(device) - NEW_YEAR, range(0, 10))
        self.assertIn("NTP time: 2030-01-01T00:00:00Z", self.log(device))
        (request,) = server.requests
        self.assertEqual((len(request), request[0]), (48, 0x23))
        self.assertEqual(request[1:40], bytes(39), "a request says nothing about the device")
        device.rest.get("udp_client 127.0.0.1 9")
        self.assertRegex(self.log(device), r"\[2030-01-01 \| 00:00:\d\d: Opened: 0\]")

    def test_forged_answers_are_not_believed(self):
        def forge(own, request):
            wrong = reply(request, 1_000_000_000)
            return [
                (own.stranger, wrong),
                (own.socket, reply(request, 1_000_000_000, origin=bytes(8))),
                (own.socket, reply(request, 1_000_000_000, origin=os.urandom(8))),
                (own.socket, reply(request, 0, stratum=0, reference=b"DENY", origin=bytes(8))),
                (own.socket, wrong[:47]),
                (own.socket, b"\x23" + wrong[1:]),
                (own.socket, b""),
                *[(own.stranger, wrong)] * 200,
                (own.socket, reply(request, NEW_YEAR)),
            ]

        device = self.ask(self.server(forge).port)
        self.eventually(lambda: self.is_set(device))
        self.assertIn(self.seconds(device) - NEW_YEAR, range(0, 10))

    def test_kisses_of_death_and_servers_without_the_time(self):
        deny = self.server(lambda own, request: [(own.socket, reply(request, 0, 3, 0, b"DENY"))])
        rate = self.server(lambda own, request: [(own.socket, reply(request, 0, 3, 0, b"RATE"))])
        lost = self.server(lambda own, request: [(own.socket, reply(request, NEW_YEAR, leap=3))])
        device = self.ask(deny.port, rate.port, lost.port)
        # The device asks the first two only once, and the third one again and again.
        self.eventually(lambda: len(lost.requests) > 1, seconds=15)
        self.assertEqual((len(deny.requests), len(rate.requests)), (1, 1))
        self.assertFalse(self.is_set(device))
        log = self.log(device)
        for line in ("does not want to be asked again", "wants to be asked less often", "is not synchronised"):
            self.assertEqual(log.count(line), 1, log)

    def test_a_silent_server_is_passed_over(self):
        silent = self.server(lambda own, request: [])
        good = self.server(lambda own, request: [(own.socket, reply(request, NEW_YEAR))])
        nobody = free_port(socket.SOCK_DGRAM)
        device = self.ask(nobody, silent.port, good.port)
        self.eventually(lambda: self.is_set(device), seconds=15)
        self.assertEqual((len(silent.requests), len(good.requests)), (1, 1))

    def test_set_by_hand_still_works(self):
        device = self.ask(self.server(lambda own, request: [(own.socket, reply(request, NEW_YEAR))]).port)
        self.eventually(lambda: self.is_set(device))
        self.assertEqual(device.rest.get("set time.rtc 1111111111")["code"], 0)
        self.assertIn(self.seconds(device) - 1_111_111_111, range(0, 10))

    def test_what_is_no_list_of_servers_is_refused(self):
        device = self.new_device(settings={"ntp.server": ""})
        device.wait_http()
        for wrong in ("a b", "a,", ",a", "a:0", "a:65536", "a:x", "http://a", "a,b,c,d,e", "[::1]"):
            answer = device.rest.get(f'set ntp.server "{wrong}"')
            self.assertEqual((answer["code"], answer["response"]), (7, "Invalid argument\r\n"), wrong)
        for right in ("pool.ntp.org", "a, b:123,10.0.0.1", ""):
            self.assertEqual(device.rest.get(f'set ntp.server "{right}"')["code"], 0, right)


@unittest.skipUnless(CHRONYD, "chrony is not installed")
class Chrony(NtpCase):
    def chronyd(self):
        """A server that claims to have the right time, that of this machine."""
        folder = Path(tempfile.mkdtemp(prefix="openzentri-chrony-"))
        self.addCleanup(shutil.rmtree, folder, True)
        port = free_port(socket.SOCK_DGRAM)
        config = folder / "chrony.conf"
        config.write_text(
            f"local stratum 5\nallow 127.0.0.1\nport {port}\nbindaddress 127.0.0.1\ncmdport 0\n"
            f"bindcmdaddress /\npidfile {folder}/pid\ndriftfile {folder}/drift\n"
        )
        # -x: it does not set the clock. -U: it needs no root.
        process = subprocess.Popen(
            [CHRONYD, "-d", "-x", "-U", "-f", str(config)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        self.addCleanup(process.stdout.close)
        self.addCleanup(process.wait, 10)
        self.addCleanup(process.terminate)
        time.sleep(0.3)
        if process.poll() is not None:
            self.skipTest(f"chronyd does not start: {process.stdout.read()}")
        return port

    def test_chrony_sets_the_clock(self):
        device = self.ask(self.chronyd())
        self.eventually(lambda: self.is_set(device), seconds=20)
        ours = float(device.rest.get("get time.rtc ms")["response"]) / 1000
        self.assertAlmostEqual(ours, time.time(), delta=0.5)
        self.assertTrue(re.search(r"NTP time: \d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", self.log(device)))


if __name__ == "__main__":
    unittest.main()
