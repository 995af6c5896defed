"""100,000 mutated requests from many clients at once: afterwards the process uses no more resources than before.

The requests are wrong in a few places, come in pieces, are cut off, pipelined, half-closed, reset. OPENZENTRI_SEED chooses
other requests, OPENZENTRI_REQUESTS their number.
"""

import errno
import os
import random
import re
import select
import socket
import struct
import threading
import time
import unittest
from pathlib import Path

from test_hostile import mutate
from zentri import DeviceCase

SEED = int(os.environ.get("OPENZENTRI_SEED", "20261122"))
REQUESTS = int(os.environ.get("OPENZENTRI_REQUESTS", "100000"))
CLIENTS = 8
#: Kilobytes that the process may grow by: pages that it touches for the first time.
GROWTH = 4096

OWNER = b"Authorization: Basic YWRtaW46czNjcmV0\r\n"
CREDENTIALS = [
    OWNER, OWNER, OWNER, b"Authorization: Basic YWRtaW46d3Jvbmc=\r\n", b"Authorization: Basic ====\r\n",
    b"Authorization: Bearer ozt_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\r\n", b"Authorization: Bearer\r\n", b"",
]
LINES = [
    "version", "help commands", "help all", "get all", "get wlan", "set udp.client.remote_port 65535", "fcr -o a.txt 100",
    "fcr -o b.txt 3", "fcr c.txt 3", "fop page.html", "fde a.txt", "fst page.html", "ls -v", "list", "poll all", "read 0 100",
    "read 1 4294967295", "write 0 5", "close 0", "close all", "udps start", "tcps start", "tcpc 127.0.0.1 1", "", "\"",
]
HEADS = [
    b"GET /page.html HTTP/1.1\r\nHost: d\r\nRange: bytes=0-5\r\n",
    b"GET /page.html?x=1&y HTTP/1.1\r\nIf-None-Match: \"a\", *\r\nRange: bytes=-3\r\nIf-Range: \"x\"\r\n",
    b"HEAD /page.html HTTP/1.0\r\nConnection: keep-alive\r\n",
    b"GET /a/../%2e%2e/etc HTTP/1.1\r\nHost: d\r\n",
    b"OPTIONS /command HTTP/1.1\r\nOrigin: http://x\r\nAccess-Control-Request-Method: POST\r\n",
    b"GET /log HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 3\r\n",
    b"GET /metrics HTTP/1.1\r\nTransfer-Encoding: chunked\r\n",
    b"GET /openapi.json HTTP/1.1\r\nAccept: */*\r\n",
]
UPGRADE = (
    b"GET /stream HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
)
#: Commands that change the device permanently, or lock this test out.
UNWANTED = re.compile(
    rb"(?i)reboot|fac|sy|network_|ndo|nre|ota|load|save|token_|http\.|ht s|ports?[^\"]*\d|tcps[^\"]+start.+|udps[^\"]+start.+"
)


class Request:
    """Pieces of bytes; a WebSocket waits for its answer after the first."""

    def __init__(self, generator, fields):
        self.generator = generator
        self.waits = False
        if generator.random() < 0.12:
            self.waits = True
            self.pieces = self.websocket(fields)
            return
        data = self.one(fields)
        if generator.random() < 0.1:
            data += self.one(fields)
        if generator.random() < 0.2:
            data = data[: generator.randrange(len(data) + 1)]
        self.pieces = self.cut(data)

    def one(self, fields):
        """A request, mutated up to three times."""
        generator = self.generator
        match generator.randrange(8):
            case 0 | 1:
                data = generator.choice(HEADS) + fields + b"\r\n"
            case 2:
                line = "".join(f"%{byte:02x}" if byte < 48 else chr(byte) for byte in generator.choice(LINES).encode())
                data = f"GET /command/{line} HTTP/1.1\r\n".encode() + fields + b"\r\n"
            case 3 | 4:
                data = self.with_body(b"/command", fields, self.json())
            case 5:
                data = self.with_body(b"/stream", fields, generator.randbytes(generator.randrange(2000)))
            case 6:
                data = self.with_body(b"/page.html", fields, generator.randbytes(generator.randrange(300)))
            case _:
                data = generator.randbytes(generator.randrange(400))
        if generator.random() < 0.5:
            data = mutate(generator, data, HEADS)
        return b"GET /command/ver HTTP/1.1\r\n\r\n" if UNWANTED.search(data.replace(b"HTTP/1", b"")) else data

    def json(self):
        """A body for `POST /command`."""
        line = self.generator.choice(LINES).replace('"', '\\"')
        return self.generator.choice([
            f'{{"command":"{line}"}}',
            f'{{"flags":{self.generator.randrange(9)},"command":"{line}","data":"QUJD"}}',
            f'{{"command":"{line}","data":"abc","x":[1,2.5e3,{{"a":[true,null]}}]}}',
            f' {{ "data" : "{"x" * self.generator.randrange(6000)}" , "command" : "{line}" }} ',
        ]).encode()

    def with_body(self, target, fields, body):
        """A body with its length or in chunks, sometimes a wrong one."""
        generator = self.generator
        if generator.random() < 0.3:
            body = mutate(generator, body, [b""])
        head = b"POST " + target + b" HTTP/1.1\r\n" + fields
        if generator.random() < 0.5:
            length = len(body) if generator.random() < 0.8 else generator.randrange(20000)
            return head + b"Content-Length: %d\r\n\r\n" % length + body
        data = head + b"Transfer-Encoding: chunked\r\n\r\n"
        while body:
            part = generator.randint(1, len(body))
            size = part if generator.random() < 0.9 else generator.randrange(5000)
            data += b"%x%s\r\n%s\r\n" % (size, generator.choice([b"", b"", b";a=b", b" "]), body[:part])
            body = body[part:]
        return data + generator.choice([b"0\r\n\r\n", b"0\r\n\r\n", b"0\r\nTrailer: x\r\n\r\n", b"0\r\n", b""])

    def websocket(self, fields):
        """A WebSocket that is mostly opened correctly, and then mostly breaks the protocol."""
        generator = self.generator
        head = UPGRADE + fields + b"\r\n"
        if generator.random() < 0.2:
            head = mutate(generator, head, HEADS)
        frames = b"".join(self.frame() for _ in range(generator.randrange(5)))
        if generator.random() < 0.5:
            frames = mutate(generator, frames, [b"\x88\x80"])
        return [head] + self.cut(frames)

    def frame(self):
        """A frame with a mask of zeros."""
        generator = self.generator
        first = generator.choice([0x81, 0x82, 0x01, 0x00, 0x80, 0x88, 0x89, 0x8A, generator.randrange(256)])
        payload = bytes(byte % 128 for byte in generator.randbytes(generator.choice([0, 2, 20, 125, 2000])))
        masked = 0x80 if generator.random() < 0.95 else 0
        match generator.randrange(20):
            case 0:
                length = struct.pack(">BQ", masked | 127, 1 << 62)
            case 1:
                length = struct.pack(">BH", masked | 126, len(payload) % 100)
            case _ if len(payload) < 126:
                length = bytes([masked | len(payload)])
            case _:
                length = struct.pack(">BH", masked | 126, len(payload))
        return bytes([first]) + length + bytes(4) + payload

    def cut(self, data):
        """Cuts data into pieces."""
        if self.generator.random() < 0.8:
            return [data]
        points = sorted(self.generator.randrange(len(data) + 1) for _ in range(self.generator.randint(1, 3)))
        return [data[begin:end] for begin, end in zip([0] + points, points + [len(data)])]


class Client(threading.Thread):
    """Sends its share of the requests, one connection each."""

    def __init__(self, number, count, port, with_credentials):
        super().__init__(daemon=True)
        self.number, self.count, self.port = number, count, port
        self.with_credentials = with_credentials
        self.generator = random.Random(f"{SEED} {number} {with_credentials}")
        self.answers = {}
        self.sent = 10_000 if with_credentials else 0
        self.failure = None

    def run(self):
        try:
            for _ in range(self.count):
                self.request()
        except Exception as error:  # noqa: BLE001 it is told to the test
            self.failure = error

    def request(self):
        """One connection from beginning to end."""
        generator = self.generator
        fields = b"" if not self.with_credentials else generator.choice(CREDENTIALS)
        request = Request(generator, fields)
        with socket.socket() as connection:
            # Many addresses, so that wrong passwords do not lock all of them out; and ports outside the system's range,
            # as each is in use for a minute after its connection has ended.
            self.sent += 1
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            connection.bind((f"127.0.{self.number + 1}.{generator.randint(1, 250)}", 10_000 + self.sent % 20_000))
            connection.settimeout(20)
            connection.connect(("127.0.0.1", self.port))
            try:
                self.talk(connection, request)
            except (BrokenPipeError, ConnectionResetError):
                pass
            except OSError as error:
                # It was reset before we closed our side.
                if error.errno != errno.ENOTCONN:
                    raise

    def talk(self, connection, request):
        """Sends the pieces, and leaves in one of four ways."""
        answer = b""
        for place, piece in enumerate(request.pieces):
            if place > 0:
                readable = select.select([connection], [], [], 0.02 if request.waits and place == 1 else 0)[0]
                answer += connection.recv(65536) if readable else b""
            connection.sendall(piece)
        leave = self.generator.randrange(10)
        if leave == 0:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        elif leave < 3:
            pass
        else:
            if leave < 8:
                connection.shutdown(socket.SHUT_WR)
            # With a limit: some requests are incomplete, so that the device waits for more.
            while select.select([connection], [], [], 0.03)[0]:
                part = connection.recv(65536)
                if not part:
                    break
                answer = (answer + part)[:16]
        self.count_answer(answer)

    def count_answer(self, answer):
        """Checks that an answer is HTTP, and counts it."""
        if not b"HTTP/1.1 ".startswith(answer[:9]):
            raise AssertionError(f"no answer of HTTP: {answer!r}")
        status = answer[9:10].decode("latin-1")
        self.answers[status] = self.answers.get(status, 0) + 1


class Mutated(DeviceCase):
    limit = 600
    settings = {"http.server.metrics_enabled": "1"}

    def samples(self):
        """The gauges of `/metrics` that show resources in use."""
        request = b"GET /metrics HTTP/1.1\r\nHost: d\r\n" + OWNER + b"\r\n"
        text = self.device.rest.raw(request).decode()
        self.assertRegex(text, r"^HTTP/1\.1 200 ")
        gauges = set(re.findall(r"# TYPE (\S+) gauge", text))
        left_out = {"openzentri_uptime_seconds", "openzentri_memory_usage_ratio", "openzentri_wlan_signal_dbm"}
        lines = [line for line in text.splitlines() if re.split(r"[ {]", line)[0] in gauges - left_out]
        self.assertGreater(len(lines), 10)
        return dict(line.rsplit(" ", 1) for line in lines)

    def descriptors(self):
        """How many file descriptors of each type the process has open."""
        counts = {}
        for entry in Path(f"/proc/{self.device.process.pid}/fd").iterdir():
            try:
                sort = re.sub(r"\d+", "N", os.readlink(entry))
            except FileNotFoundError:
                continue
            counts[sort] = counts.get(sort, 0) + 1
        return counts

    def resident(self):
        """Kilobytes in memory."""
        status = Path(f"/proc/{self.device.process.pid}/status").read_text()
        return int(re.search(r"VmRSS:\s+(\d+) kB", status)[1])

    def send(self, count, with_credentials=False):
        """Sends this number of requests from all clients, and cleans up after them."""
        clients = [
            Client(number, count // CLIENTS, self.device.http_port, with_credentials) for number in range(CLIENTS)
        ]
        for client in clients:
            client.start()
        while any(client.is_alive() for client in clients):
            # As a host does that closes its streams.
            self.line.send(b"close all\r\n")
            self.line.read_until(b"Success\r\n", 20)
            self.device.check_alive()
            time.sleep(0.05)
        for client in clients:
            client.join()
            if client.failure:
                raise client.failure
        self.tidy()
        return {status: sum(client.answers.get(status, 0) for client in clients) for status in ["", *"12345"]}

    def tidy(self):
        """Frees resources that the requests may have left: streams, servers, files."""
        for command in ("tcps stop", "udps stop", "close all"):
            self.line.command(command)
        for row in re.findall(rb"(?m)^# .{21}(.*?)\r?$", self.line.command("ls").data):
            if row != b"page.html":
                name = "".join(f"\\x{byte:02x}" for byte in row)
                self.line.ok(f'fde "{name}"')

    def levels(self):
        """All resources in use."""
        return {"metrics": self.samples(), "descriptors": self.descriptors()}

    def test_everything_is_given_back(self):
        self.device.wait_http()
        self.line = self.device.machine()
        self.line.ok("set system.print_level 0")
        self.line.ok("fcr page.html 3000", b"x" * 3000)
        print(f"seed {SEED}", flush=True)
        # The first requests touch the memory of all tasks.
        self.send(2000)
        levels, resident = self.levels(), self.resident()
        start = time.monotonic()
        answers = self.send(REQUESTS * 7 // 10)
        self.line.ok("set http.server.username admin")
        self.line.ok("set http.server.password s3cret")
        guarded = self.send(REQUESTS - REQUESTS * 7 // 10, with_credentials=True)
        print(f"{REQUESTS} requests in {time.monotonic() - start:.0f} s; by class of status {answers}, {guarded}")
        with self.subTest(f"seed {SEED}"):
            self.assertRegex(self.device.rest.raw(b"GET /command/version HTTP/1.1\r\n" + OWNER + b"\r\n"), rb"^HTTP/1.1 200 ")
            self.eventually(lambda: self.levels() == levels, 40, message=f"{levels} is not {self.levels()}")
            self.assertLess(self.resident() - resident, GROWTH, "kilobytes more than at the start")
            self.assertTrue(all(answers[status] for status in "12345"), answers)
            self.all_places_work()
            self.eventually(lambda: self.levels() == levels, 40)

    def all_places_work(self):
        """The device still serves its maximum number of connections at once: no place was lost."""
        limit = int(self.samples()["openzentri_http_connections_limit"])
        connections = [self.device.rest.connect() for _ in range(limit)]
        for connection in reversed(connections):
            connection.sendall(b"GET /command/version HTTP/1.1\r\n" + OWNER + b"\r\n")
            self.assertTrue(connection.recv(12).startswith(b"HTTP/1.1 200"))
            connection.close()


if __name__ == "__main__":
    unittest.main()
