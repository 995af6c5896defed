"""Files as pages, passwords, CORS, WebSockets, `POST /stream`, and the HTTP client (interface, http 3, 8)."""

import base64
import gzip
import hashlib
import http.server
import json
import os
import random
import socket
import struct
import subprocess
import sys
import threading
import time
import unittest
import urllib.error
from pathlib import Path

from zentri import DeviceCase


class WebCase(DeviceCase):
    def setUp(self):
        super().setUp()
        self.device.wait_http()
        self.rest = self.device.rest
        self.line = self.device.machine()

    def store(self, name, content, options=""):
        """Puts a file on the device."""
        self.line.ok(f'fcr {options} "{name}" {len(content)}', content)

    def request(self, path, **options):
        """Status, headers and body, also of an error."""
        try:
            return self.rest.open(path, **options)
        except urllib.error.HTTPError as error:
            return error.code, error.headers, error.read()


class Pages(WebCase):
    def test_files_by_their_names(self):
        content = random.Random(1).randbytes(30_000)
        self.store("a b/picture.png", content)
        status, headers, body = self.request("/a%20b/picture.png?1234")
        self.assertEqual((status, headers.get_content_type(), body), (200, "image/png", content))
        self.assertEqual(headers["Content-Length"], str(len(content)))
        self.assertEqual(headers["Connection"], "close")
        self.assertEqual(self.request("/picture.png")[0], 404)
        status, headers, body = self.request("/a%20b/picture.png", method="HEAD")
        self.assertEqual((status, headers["Content-Length"], body), (200, str(len(content)), b""))

    def test_the_packed_form_of_a_name(self):
        packed = gzip.compress(b"body { color: red }")
        self.store("webapp/zentrios.css.gz", packed)
        status, headers, body = self.request("/webapp/zentrios.css")
        self.assertEqual((status, headers["Content-Encoding"], headers.get_content_type()), (200, "gzip", "text/css"))
        self.assertEqual(body, packed)
        status, headers, body = self.request("/webapp/zentrios.css.gz")
        self.assertEqual((status, headers["Content-Encoding"], body), (200, None, packed))

    def test_the_root_and_the_missing_page(self):
        self.store("webapp/index.html", b"<h1>root</h1>")
        self.store("missing.html", b"<h1>not here</h1>")
        self.line.ok("set ht s r webapp/index.html")
        self.line.ok("set http.server.notfound_filename missing.html")
        status, headers, body = self.request("/")
        self.assertEqual((status, headers.get_content_type(), body), (200, "text/html", b"<h1>root</h1>"))
        self.assertEqual(self.request("/nowhere")[0::2], (404, b"<h1>not here</h1>"))

    def test_a_file_is_readable_right_after_it_was_replaced(self):
        for number in range(20):
            content = b"%d" % number * 1000
            self.line.command("fde image.jpg")
            self.store("image.jpg", content)
            self.assertEqual(self.request("/image.jpg")[2], content)

    def test_unfinished_files_are_not_served(self):
        self.line.ok("fcr -o part.txt 10")
        self.line.ok("write 0 5", b"12345")
        self.assertEqual(self.request("/part.txt")[0], 404)

    def test_nothing_outside_is_served(self):
        for path in ("/../identity", "/..%2fidentity", "/%2e%2e/settings.a", "//etc/passwd", "/./identity", "/\\..\\identity",
                     "/%00", "/identity", "/volume", "/lock"):
            raw = self.rest.raw(f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
            self.assertRegex(raw[:13], rb"^HTTP/1\.1 40[04]", path)


class Passwords(WebCase):
    settings = {"http.server.username": "me", "http.server.password": "se:cret"}

    def basic(self, text):
        return {"Authorization": "Basic " + base64.b64encode(text.encode()).decode()}

    def test_everything_needs_the_password(self):
        self.store("private.txt", b"x")
        self.store("public.txt", b"y", "-u")
        for path in ("/command/ver", "/log", "/private.txt"):
            status, headers, _ = self.request(path)
            self.assertEqual(status, 401, path)
            self.assertEqual(headers["WWW-Authenticate"], "Basic realm=ZentriOS")
            self.assertEqual(self.request(path, headers=self.basic("me:se:cret"))[0], 200, path)
        self.assertEqual(self.request("/public.txt")[0], 200)
        self.assertEqual(self.request("/command", data=b'{"command":"ver"}')[0], 401)
        for wrong in ("me:wrong", "you:se:cret", "me", ":", "me:se:cret:x"):
            self.assertEqual(self.request("/command/ver", headers=self.basic(wrong))[0], 401, wrong)

    def test_the_whitelist(self):
        self.store("http_whitelist.csv", b"/command/ver,/command/get wlan.mac,/command/gpio_get*")
        self.assertEqual(self.request("/command/ver")[0], 200)
        self.assertEqual(self.request("/command/get%20wlan.mac")[0], 200)
        self.assertEqual(self.request("/command/gpio_get%201")[0], 200)
        # The device does not wait for the body of a stranger: it must come with the head, or the answer is 401.
        head = b"POST /command HTTP/1.1\r\nHost: x\r\nContent-Length: 17\r\n\r\n"
        self.assertIn(b" 200 ", self.rest.raw(head + b'{"command":"ver"}'))
        self.assertIn(b" 401 ", self.rest.raw(head))
        for path in ("/command/version", "/command/get%20all", "/command/ver%20x", "/log"):
            self.assertEqual(self.request(path)[0], 401, path)

    def test_the_password_cannot_be_read(self):
        answer = self.request("/command/get%20http.server", headers=self.basic("me:se:cret"))[2]
        self.assertNotIn(b"se:cret", answer)


class Origins(WebCase):
    settings = {"http.server.cors_origin": "*"}

    def test_preflight_and_header(self):
        status, headers, _ = self.request("/command", method="OPTIONS", headers={
            "Origin": "http://x", "Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "content-type"})
        self.assertIn(status, (200, 204))
        self.assertEqual(headers["Access-Control-Allow-Origin"], "*")
        self.assertIn("POST", headers["Access-Control-Allow-Methods"])
        self.assertIn("content-type", headers["Access-Control-Allow-Headers"].lower())
        for path in ("/command/ver", "/nowhere", "/log"):
            self.assertEqual(self.request(path)[1]["Access-Control-Allow-Origin"], "*", path)

    def test_off_by_default(self):
        device = self.new_device(settings={})
        device.wait_http()
        self.assertIsNone(device.rest.open("/command/ver")[1]["Access-Control-Allow-Origin"])


class WebSocket:
    """A client for the tests that makes frames by hand."""

    def __init__(self, port):
        self.connection = socket.create_connection(("127.0.0.1", port), timeout=10)
        key = base64.b64encode(os.urandom(16))
        self.connection.sendall(
            b"GET /stream HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: keep-alive, Upgrade\r\n"
            b"Sec-WebSocket-Key: " + key + b"\r\nSec-WebSocket-Version: 13\r\n\r\n"
        )
        self.head = b""
        while not self.head.endswith(b"\r\n\r\n"):
            part = self.connection.recv(1)
            if not part:
                return
            self.head += part
        digest = hashlib.sha1(key + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest()
        self.accepted = base64.b64encode(digest) in self.head

    def send(self, data, opcode=1, final=True):
        mask = os.urandom(4)
        length = len(data)
        size = struct.pack(">B", 128 | length) if length < 126 else struct.pack(">BH", 128 | 126, length) if length < 65536 \
            else struct.pack(">BQ", 128 | 127, length)
        masked = bytes(byte ^ mask[place % 4] for place, byte in enumerate(data))
        self.connection.sendall(bytes([(128 if final else 0) | opcode]) + size + mask + masked)

    def exactly(self, count):
        data = b""
        while len(data) < count:
            part = self.connection.recv(count - len(data))
            if not part:
                raise EOFError
            data += part
        return data

    def receive(self):
        """Opcode and payload of the next frame."""
        first, second = self.exactly(2)
        length = second & 127
        if length == 126:
            length = struct.unpack(">H", self.exactly(2))[0]
        elif length == 127:
            length = struct.unpack(">Q", self.exactly(8))[0]
        assert not second & 128, "a server does not mask"
        return first & 15, self.exactly(length)

    def close(self):
        self.connection.close()


class WebSockets(WebCase):
    def socket(self):
        client = WebSocket(self.device.http_port)
        self.addCleanup(client.close)
        self.assertTrue(client.accepted, client.head)
        self.assertNotIn(b"Sec-WebSocket-Protocol", client.head)
        return client

    def test_the_documented_dialogue(self):
        line, client = self.line, self.socket()
        line.wait_text("poll all", "0,0")
        local = client.connection.getsockname()[1]
        self.assertEqual(line.ok("list").split("\r\n")[1],
                         f"# 0 WEBS  127.0.0.1:{self.device.http_port} 127.0.0.1:{local}")
        client.send(b"I am a teapot.")
        line.wait_poll(0, 1)
        self.assertEqual(line.command("read 0 14").raw, b"I am a teapot.")
        line.ok("write 0 5", b"hello")
        self.assertEqual(client.receive(), (2, b"hello"))
        client.send(b"", opcode=9)
        self.assertEqual(client.receive()[0], 10)
        client.send(b"left")
        client.send(struct.pack(">H", 1000), opcode=8)
        self.assertEqual(client.receive(), (8, struct.pack(">H", 1000)))
        line.wait_poll(0, 1)
        self.assertEqual(line.command("read 0 14").raw, b"left")
        line.wait_text("poll all", "None")

    def test_large_messages_both_ways(self):
        line, client = self.line, self.socket()
        line.wait_text("poll all", "0,0")
        data = random.Random(4).randbytes(50_000)
        line.ok(f"write 0 {len(data)}", data)
        received = b""
        while len(received) < len(data):
            received += client.receive()[1]
        self.assertEqual(received, data)
        client.send(data[:20_000], opcode=2, final=False)
        client.send(data[20_000:], opcode=0)
        self.assertEqual(line.read_stream(0, len(data)), data)

    def test_several_clients_and_the_ninth(self):
        line = self.line
        clients = [self.socket() for _ in range(8)]
        line.wait_text("poll all", "|".join(f"{handle},0" for handle in range(8)))
        late = WebSocket(self.device.http_port)
        self.assertRegex(late.head, rb"^HTTP/1\.1 503 ")
        late.close()
        self.assertEqual(self.rest.get("ver")["code"], 0, "the API goes on")
        for number, client in enumerate(clients):
            line.ok(f"write {number} 1", b"%d" % number)
            self.assertEqual(client.receive(), (2, b"%d" % number))
        line.ok("close all")
        for client in clients:
            self.assertEqual(client.receive()[0], 8)

    def test_post_stream(self):
        line, answers = self.line, []
        body = b"raw \x00 body" * 500
        poster = threading.Thread(target=lambda: answers.append(self.request("/stream", data=body)))
        poster.start()
        line.wait_text("poll 0", "1")
        self.assertEqual(line.read_stream(0, len(body)), body)
        line.ok("write 0 6", b"answer")
        line.ok("write 0 6", b" parts")
        line.ok("close 0")
        poster.join(10)
        self.assertEqual(answers[0][0::2], (200, b"answer parts"))


class Handler(http.server.BaseHTTPRequestHandler):
    """The server for the device's HTTP client."""

    protocol_version = "HTTP/1.1"
    CONTENT = random.Random(8).randbytes(40_000)
    seen = []

    def do_GET(self):
        Handler.seen.append((self.command, self.path, dict(self.headers), b""))
        if self.path == "/missing":
            self.send_error(404)
        elif self.path == "/chunked":
            self.send_response(200)
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            for part in (b"first ", b"second ", b"third"):
                self.wfile.write(b"%x\r\n%s\r\n" % (len(part), part))
            self.wfile.write(b"0\r\n\r\n")
        else:
            content = Handler.CONTENT if self.path == "/file" else b"hello"
            self.send_response(200)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(content)

    do_HEAD = do_GET

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        Handler.seen.append((self.command, self.path, dict(self.headers), body))
        answer = json.dumps({"length": len(body)}).encode()
        self.send_response(201)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_):
        """Logs nothing."""


class Client(WebCase):
    def setUp(self):
        super().setUp()
        Handler.seen.clear()
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = self.server.server_address[1]
        thread = threading.Thread(target=self.server.serve_forever)
        thread.start()
        self.addCleanup(thread.join)
        self.addCleanup(self.server.server_close)
        self.addCleanup(self.server.shutdown)
        self.base = f"127.0.0.1:{self.port}"

    def crc16(self, data):
        """The CRC of files: bytes reversed, polynomial 0x1021, start 0xFFFF."""
        crc = 0xFFFF
        for byte in data:
            crc ^= int(f"{byte:08b}"[::-1], 2) << 8
            for _ in range(8):
                crc = (crc << 1) ^ 0x1021 if crc & 0x8000 else crc << 1
                crc &= 0xFFFF
        return crc

    def test_get(self):
        line = self.line
        self.assertEqual(line.ok(f"http_get {self.base}/x?y=1"), "0")
        self.assertEqual(line.ok("http_read_status 0"), "200")
        self.assertEqual(line.read_stream(0, 5), b"hello")
        line.command("close 0")
        self.assertEqual(Handler.seen[0][:2], ("GET", "/x?y=1"))
        self.assertEqual(Handler.seen[0][2]["Host"], self.base)

    def test_chunks_are_taken_off(self):
        self.line.ok(f"hge http://{self.base}/chunked")
        self.assertEqual(self.line.read_stream(0, 18), b"first second third")

    def test_the_documented_post(self):
        line = self.line
        self.assertEqual(line.ok(f"http_post -o {self.base}/hello application/json"), "0")
        line.ok('http_add_header 0 X-Token "a b"')
        line.ok("stream_write 0 7", b'{"a":1}')
        self.assertEqual(line.ok("http_read 0"), "201")
        self.assertEqual(line.read_stream(0, 13), b'{"length": 7}')
        line.command("stream_close 0")
        method, path, headers, body = Handler.seen[0]
        self.assertEqual((method, path, body), ("POST", "/hello", b'{"a":1}'))
        self.assertEqual((headers["Content-Type"], headers["X-Token"]), ("application/json", "a b"))

    def test_download(self):
        crc = self.crc16(Handler.CONTENT)
        self.line.ok(f"hdo -c {crc:X} http://{self.base}/file webapp/file.bin", seconds=30)
        self.assertEqual(self.request("/webapp/file.bin")[2], Handler.CONTENT)
        self.assertEqual(self.line.command(f"hdo -c {crc ^ 1:X} http://{self.base}/file other.bin", seconds=30).code, 1)
        self.assertEqual(self.line.command(f"hdo http://{self.base}/missing other.bin", seconds=30).code, 1)
        self.assertEqual(self.request("/other.bin")[0], 404)
        answer = self.rest.get(f"http_download http://{self.base}/x webapp/file.bin")
        self.assertEqual(answer["code"], 0, "an existing file is replaced, also over REST")
        self.assertEqual(self.request("/webapp/file.bin")[2], b"hello")

    def test_the_device_sends_itself_no_requests(self):
        """A server could make the device command itself, by a redirection say. Other programs of the host are allowed."""
        port = self.device.http_port
        # This holds for every address of the host, also for one that the device cannot know.
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            probe.connect(("192.0.2.1", 9))
            own = probe.getsockname()[0]
        for host in ("127.0.0.1", "127.9.9.9", "0.0.0.0", "localhost", "2130706433", "0x7f.1", own):
            with self.subTest(host):
                start = time.monotonic()
                answer = self.rest.get(f"http_download http://{host}:{port}/command/version copy.txt")
                self.assertEqual(answer["code"], 1)
                self.assertLess(time.monotonic() - start, 5)

    def test_upload(self):
        self.store("report.txt", b"content of the report")
        self.line.ok(f"http_upload http://{self.base}/take report.txt", seconds=30)
        self.assertIn(b"content of the report", Handler.seen[0][3])

    def test_refused(self):
        self.server.shutdown()
        self.server.server_close()
        response = self.line.command(f"http_get {self.base}/")
        self.assertAnswer(response, 1, "Command failed")


class ConsoleInFiles(WebCase):
    """`zephyr/put_console.py`, for boards whose image has no console."""

    def put(self, *arguments):
        script = Path(__file__).resolve().parents[2] / "zephyr" / "put_console.py"
        return subprocess.run([sys.executable, script, *arguments], capture_output=True, text=True, timeout=60)

    def test_all_parts_are_stored_and_replaced(self):
        web, line = Path(__file__).resolve().parents[2] / "web", self.line
        for _ in range(2):
            put = self.put(f"http://127.0.0.1:{self.device.http_port}")
            self.assertEqual((put.returncode, put.stderr), (0, ""))
            stored = {row.split()[-1] for row in line.ok("ls").split("\r\n")[1:]}
            self.assertEqual(stored, {f".console/{path.name}.gz" for path in web.iterdir()})
        handle = line.ok("fop .console/index.html.gz")
        content = line.command(f"read {handle} 9000").raw
        page = gzip.decompress(content).decode()
        self.assertIn("Content-Security-Policy", page)
        self.assertIn('<script type="module" src="/.console/app.js"></script>', page)

    def test_who_does_not_answer_is_told(self):
        put = self.put("http://127.0.0.1:1")
        self.assertEqual(put.returncode, 1)
        self.assertIn("put_console: http://127.0.0.1:1: ", put.stderr)


if __name__ == "__main__":
    unittest.main()
