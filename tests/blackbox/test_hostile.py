"""Random and mutated input on every interface of the device. It must go on serving, whatever comes.

The seed is printed when a test fails; OPENZENTRI_SEED sets it, OPENZENTRI_FUZZ multiplies the counts.
"""

import os
import random
import re
import time
import unittest
from pathlib import Path

from zentri import DeviceCase

SEED = int(os.environ.get("OPENZENTRI_SEED", "20240611"))
FACTOR = float(os.environ.get("OPENZENTRI_FUZZ", "1"))

LINES = [
    b"version", b"help commands", b"help variables", b"get all", b"get wlan", b"get ud", b"get uart.baud all",
    b'set wlan.ssid "My Net"', b'set wl s "a\\"b\\\\c\\x41"', b"set udp.client.remote_port 65535", b"set time.zone -12:30",
    b"set wlan.static.ip 255.255.255.255", b"set system.indicator.state wlan static_on|slow_blink|static_off|fast_blink",
    b"set gpio.init 0 out 1", b"set uart.baud 0 921600 raw", b"fcr -o file.txt 100 1.2.3.4 0xFE 0x89F6", b"fcr a 0",
    b"fcr -eu -o b 4294967295", b"fop file.txt", b"fde file.txt", b"fst -v file.txt", b"ls -v", b"list 0", b"poll all -c",
    b"read 0 4294967295", b"write 0 20", b"close all", b"close 7", b"save", b"save my.cfg", b"load my.cfg", b"tcps start",
    b"tcps stop 3000", b"udps read 100", b"help set", b"help wlan.ssid", b"wlan_scan -v all", b"nve wifi x 1 2", b"setup web",
    b"http_get", b"smtp_send a b 5", b"", b"   ", b'"', b'""', b"\\x", b"ping -g", b"wlan_get_rssi", b"factory_reset 1",
]
#: Commands that end the session, wait for a minute, or leave this machine are excluded.
UNWANTED = re.compile(
    rb"(?i)reboot|fac|sy c|system\.|sy p|\b(ndo|nre|network_down|network_restart|sleep|ota)\b|bu c|bus\.|udps w|write -|"
    rb"tcpc|tcp_client|udpc|udp_client|tlsc|nlo|network_lookup|http|hge|hpo|hhe|hdo|hup|webc|smtp|ping [^-]"
)
HEADS = [
    b"GET /command/ver HTTP/1.1\r\nHost: device\r\n\r\n",
    b"GET /command/get%20all HTTP/1.1\r\nHost: device\r\nAccept: application/json\r\nContent-Type: application/json\r\n\r\n",
    b"POST /command HTTP/1.1\r\nHost: d\r\nContent-Length: 17\r\n\r\n{\"command\":\"ver\"}",
    b"POST /command HTTP/1.1\r\nHost: d\r\nTransfer-Encoding: chunked\r\n\r\n11\r\n{\"command\":\"ver\"}\r\n0\r\n\r\n",
    b"OPTIONS /command HTTP/1.1\r\nHost: d\r\nOrigin: http://x\r\nAccess-Control-Request-Method: POST\r\n\r\n",
    b"GET /stream HTTP/1.1\r\nHost: d\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n",
    b"GET /webapp/index.html?x=1 HTTP/1.0\r\nAuthorization: Basic YTpi\r\n\r\n",
    b"HEAD /log HTTP/1.1\r\nHost: d\r\nConnection: keep-alive\r\nExpect: 100-continue\r\n\r\n",
    b"GET /log HTTP/1.1\r\nHost: d\r\nIf-None-Match: \"x\"\r\nRange: bytes=0-5\r\n\r\n",
]
BODIES = [
    b'{"flags":0,"command":"ver"}',
    b'{"flags":7,"command":"dmVyc2lvbg==","data":""}',
    b'{"flags":4,"command":"write 0 3","data":"QUJD"}',
    b'{"command":"get all","done":null,"fail":[1,2.5e3,{"a":[true,false]}],"x":"\\u00e4\\ud83d\\ude00\\n"}',
    b' { "data" : "" , "flags" : 2 , "command" : "help commands" } ',
]
TOKENS = [
    b"\r\n", b"\n", b"\r", b" ", b":", b"%", b"%00", b"%zz", b"\x00", b"\xff", b'"', b"\\", b"\\u", b"\\ud800", b"{", b"}",
    b"[", b"]", b"-1", b"99999999999999999999", b"0x", b"Content-Length: 5\r\n", b"Transfer-Encoding: chunked\r\n",
    b"x" * 300, b"[" * 500, b"../", b"//", b"\x1b[A", b"\t", b"all", b"-c", b"-o",
]


def mutate(generator, sample, others):
    """One to four random changes."""
    data = bytearray(sample)
    for _ in range(generator.randint(1, 4)):
        at = generator.randrange(len(data) + 1)
        match generator.randrange(7):
            case 0 if data:
                data[at % len(data)] = generator.randrange(256)
            case 1:
                del data[at : at + generator.randint(1, 8)]
            case 2:
                data[at:at] = generator.choice(TOKENS)
            case 3:
                data[at:at] = data[: generator.randint(0, len(data))]
            case 4:
                del data[at:]
            case 5:
                other = generator.choice(others)
                data[at:] = other[generator.randrange(len(other) + 1) :]
            case _:
                data[at:at] = generator.randbytes(generator.randint(1, 12))
    return bytes(data)


class Hostile(DeviceCase):
    limit = 300

    def setUp(self):
        super().setUp()
        self.device.wait_http()
        self.generator = random.Random(f"{SEED} {self.id()}")
        self.addCleanup(self.still_well)

    def still_well(self):
        """The device must serve on both interfaces, and must not have grown without bounds."""
        with self.subTest(f"seed {SEED}"):
            self.device.check_alive()
            self.assertEqual(self.device.rest.get("get sy c e")["code"], 0)
            status = Path(f"/proc/{self.device.process.pid}/status").read_text()
            resident = int(re.search(r"VmRSS:\s+(\d+) kB", status)[1])
            self.assertLess(resident, 200_000, "kilobytes in memory")

    def exchange(self, request):
        """Sends a request and drops the answer; the device must close in time."""
        try:
            return self.device.rest.raw(request, finish=True)
        except ConnectionResetError:
            return b""

    def test_http_heads(self):
        for number in range(int(3000 * FACTOR)):
            request = mutate(self.generator, self.generator.choice(HEADS), HEADS)
            if UNWANTED.search(re.sub(rb"HTTP/1", b"", request)):
                continue
            answer = self.exchange(request)
            self.assertTrue(answer == b"" or answer.startswith(b"HTTP/1."), (request, answer[:50]))

    def test_json_bodies(self):
        for number in range(int(3500 * FACTOR)):
            body = mutate(self.generator, self.generator.choice(BODIES), BODIES)
            head = b"POST /command HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % len(body)
            answer = self.exchange(head + body)
            self.assertRegex(answer[:13], rb"^HTTP/1.1 (200|400|413) ", body)

    def test_command_lines(self):
        line = self.device.machine()
        # The device shall wait only a short time for data that never come.
        line.ok("set bus.command.write_timeout 200")
        for batch in range(int(70 * FACTOR)):
            sent = b""
            for _ in range(100):
                command = mutate(self.generator, self.generator.choice(LINES), LINES)
                if not UNWANTED.search(command):
                    sent += command + self.generator.choice([b"\r", b"\n", b"\r\n"])
            line.send(sent, seconds=30)
            self.recover(line)

    def recover(self, line):
        """Waits until the device answers a line again; a `write` gives up waiting for its data in time."""
        deadline = time.monotonic() + 20
        while True:
            line.quiet(0.15)
            line.send(b"\rclose all\r")
            if line.quiet(0.15).endswith(b"Success\r\n"):
                return
            self.assertLess(time.monotonic(), deadline, "the serial line answers no more")

    def test_noise_on_the_line(self):
        line = self.device.machine()
        for _ in range(100):
            noise = self.generator.randbytes(self.generator.randint(1, 5000))
            if not UNWANTED.search(noise):
                line.send(noise)
                self.recover(line)

    def test_many_connections_that_say_nothing(self):
        """More than the device serves at once: they must give way to clients that send something."""
        silent = [self.device.rest.connect() for _ in range(100)]
        try:
            start = time.monotonic()
            self.assertEqual(self.device.rest.get("ver")["code"], 0)
            self.assertLess(time.monotonic() - start, 8)
        finally:
            for connection in silent:
                connection.close()

    def test_ten_thousand_commands_in_one_minute(self):
        """Load and mixture: REST and serial line, answers checked."""
        line = self.device.machine()
        for number in range(20):
            line.send(b"get ntp.server\r\n" * 500, seconds=20)
            for _ in range(500):
                self.assertEqual(line.answer().data, b"pool.ntp.org\r\n")
            self.assertEqual(self.device.rest.get("get ntp.server")["code"], 0)


if __name__ == "__main__":
    unittest.main()
