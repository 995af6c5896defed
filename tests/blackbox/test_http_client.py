"""The HTTP client commands against real servers (interface, http 7): streams, downloads, uploads, servers that misbehave."""

import email
import email.policy
import random
import socket
import struct
import threading
import time
import unittest
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from zentri import DeviceCase, Peer

BIG = random.Random(7).randbytes(1_000_000)


def crc16(data):
    """The CRC of files (interface, files 6): polynomial 0x1021, start 0xFFFF, bytes reflected, result not reflected."""
    crc = 0xFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ 0x8408 if crc & 1 else crc >> 1
    return int(f"{crc:016b}"[::-1], 2)


class Handler(BaseHTTPRequestHandler):
    """The reaction of the test's web server to each path."""

    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def answer(self, body, status=200, **headers):
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def chunked(self, body, size):
        self.send_response(200)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for at in range(0, len(body), size):
            piece = body[at : at + size]
            self.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece))
        self.wfile.write(b"0\r\n\r\n")

    def do_GET(self):
        self.server.requests.append((self.command, self.path, self.headers, b""))
        match self.path.split("?")[0]:
            case "/small":
                self.answer(b"Hello World!")
            case "/big":
                self.answer(BIG)
            case "/chunked":
                self.chunked(BIG, 7777)
            case "/close":
                self.close_connection = True
                self.wfile.write(b"HTTP/1.0 200 OK\r\n\r\n" + BIG)
            case "/killed":
                self.send_response(200)
                self.send_header("Content-Length", str(len(BIG)))
                self.end_headers()
                self.wfile.write(BIG[: len(BIG) // 2])
                self.reset()
            case "/chunked-killed":
                self.wfile.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n10000\r\n" + BIG[:1000])
                self.reset()
            case "/redirect":
                self.answer(b"elsewhere", 302, Location="small")
            case "/loop":
                self.answer(b"again", 301, Location="/loop")
            case "/headers":
                self.answer(b"ok", 200, X_Long="x" * 60_000)
            case "/slow":
                self.send_response(200)
                self.send_header("Content-Length", "10")
                self.end_headers()
                for byte in b"0123456789":
                    self.wfile.write(bytes([byte]))
                    time.sleep(0.1)
            case _:
                self.answer(b"not here", 404)

    do_HEAD = do_GET

    def do_POST(self):
        if self.headers.get("Transfer-Encoding") == "chunked":
            body = b""
            while size := int(self.rfile.readline(), 16):
                body += self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
        else:
            body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.requests.append((self.command, self.path, self.headers, body))
        self.answer(b"%d bytes" % len(body), 201 if self.path == "/form" else 200)

    do_PUT = do_POST

    def reset(self):
        """Ends as a killed server does: by a reset."""
        self.close_connection = True
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


class Server(ThreadingHTTPServer):
    daemon_threads = True
    # Ignores a device that goes away in the middle.
    handle_error = lambda *_: None

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.requests = []
        threading.Thread(target=self.serve_forever, args=(0.05,), daemon=True).start()


class HttpCase(DeviceCase):
    http = False

    def setUp(self):
        super().setUp()
        self.server = Server()
        self.addCleanup(self.server.server_close)
        self.addCleanup(self.server.shutdown)
        self.url = f"127.0.0.1:{self.server.server_port}"
        self.line = self.device.machine()
        self.line.ok("set system.print_level all")
        # The tests look at what a request leaves behind.
        self.line.ok("set stream.auto_close 0")

    def open(self, line, logs=None, seconds=10):
        """Opens a request; answers the handle."""
        response = self.line.command(line, seconds=seconds)
        self.assertEqual(response.code, 0, response)
        return response.text


class Streams(HttpCase):
    def read_to_end(self, handle):
        data = b""
        while True:
            response = self.line.command(f"read {handle} 50000")
            if response.code == 1:
                self.assertEqual(self.line.ok(f"poll {handle}"), "2")
                return data
            self.assertEqual(response.code, 0, response)
            data += response.raw

    def test_a_get(self):
        line = self.line
        response = line.command(f"http_get {self.url}/small?a=b")
        self.assertAnswer(response, 0, "0")
        port = self.server.server_port
        logs = [
            "Opening: 127.0.0.1]",
            "Request GET /small?a=b",
            f"Connecting (HTTP): 127.0.0.1:{port}",
            "HTTP response: 200",
            "Opened: 0]",
        ]
        # The stream may have ended by now.
        response.logs = [line for line in response.logs if not line.endswith("Closed: 0]")]
        self.assertEqual(len(response.logs), len(logs), response.logs)
        for got, expected in zip(response.logs, logs):
            self.assertTrue(got.endswith(expected), response.logs)
        self.assertEqual(line.ok("http_read_status 0"), "200")
        self.assertEqual(self.read_to_end(0), b"Hello World!")
        self.assertRegex(line.ok("list"), rf"# 0 HTTP  127\.0\.0\.1:{port} \(\d+\)$")
        self.assertEqual(line.ok("close 0"), "Success")
        _, _, headers, _ = self.server.requests[0]
        self.assertEqual(headers["Host"], self.url)
        self.assertEqual(headers["Connection"], "close")
        self.assertTrue(headers["User-Agent"].startswith("OpenZentri/"))

    def test_large_bodies_arrive_whole(self):
        for path in ("big", "chunked", "close"):
            with self.subTest(path):
                handle = self.open(f"http_get {self.url}/{path}")
                self.assertTrue(self.read_to_end(handle) == BIG)
                self.line.ok(f"close {handle}")

    def test_other_answers(self):
        line = self.line
        self.open(f"hge -o http://{self.url}/nothing")
        self.assertEqual(line.ok("http_read 0"), "404")
        self.assertEqual(line.ok("read 0 100"), "not here")
        line.ok("close 0")
        self.open(f"http_head {self.url}/big")
        line.wait_poll(0, 2)
        self.assertEqual(line.command("read 0 100").code, 1)
        line.ok("close 0")
        # The device does not follow the redirection: the host sees it.
        self.open(f"hge {self.url}/redirect")
        self.assertEqual(line.ok("hre 0"), "302")
        self.assertEqual(self.read_to_end(0), b"elsewhere")

    def test_a_slow_body(self):
        self.open(f"hge {self.url}/slow")
        self.assertEqual(self.read_to_end(0), b"0123456789")

    def test_posts(self):
        line = self.line
        body = bytes(range(256)) * 100
        self.open(f"http_post -o {self.url}/a application/octet-stream")
        self.assertEqual(line.ok('http_add_header 0 X-Name "two words"'), "Success")
        for at in range(0, len(body), 10_000):
            piece = body[at : at + 10_000]
            self.assertEqual(line.ok(f"write 0 {len(piece)}", piece), "Success")
        self.assertEqual(line.ok("hre 0"), "200")
        self.assertEqual(line.ok("read 0 100"), f"{len(body)} bytes")
        _, _, headers, received = self.server.requests.pop()
        self.assertTrue(received == body)
        self.assertEqual((headers["X-Name"], headers["Content-Type"]), ("two words", "application/octet-stream"))
        line.ok("close 0")

        for length in (str(len(BIG)), "-1"):
            with self.subTest(length):
                self.open(f"http_put -l {length} {self.url}/b text/plain")
                for at in range(0, len(BIG), 50_000):
                    self.assertEqual(line.ok("write 0 50000", BIG[at : at + 50_000]), "Success")
                self.assertEqual(line.ok("hre 0"), "200")
                method, _, headers, received = self.server.requests.pop()
                self.assertEqual((method, "Content-Length" in headers), ("PUT", length != "-1"))
                self.assertTrue(received == BIG)
                line.ok("close 0")

    def test_a_killed_server(self):
        for path, most in (("killed", len(BIG) // 2), ("chunked-killed", 1000)):
            with self.subTest(path):
                self.open(f"hge {self.url}/{path}")
                data = self.read_to_end(0)
                self.assertLessEqual(len(data), most)
                self.assertTrue(BIG.startswith(data))
                self.line.ok("close 0")

    def test_what_is_no_answer(self):
        line = self.line
        answers = [
            b"",
            b"HTTP/1.1 200 OK\r\n",
            b"220 mail.example.com ESMTP\r\n",
            b"HTTP/1.1 200 OK\r\n folded before anything: x\r\n\r\n",
            random.Random(3).randbytes(5000),
            b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999999\r\n\r\n",
        ]

        def serve(connection):
            connection.recv(65536)
            connection.sendall(answers[0])

        with Peer(serve) as peer:
            while answers:
                response = line.command(f"hge 127.0.0.1:{peer.port}")
                self.assertAnswer(response, 1, "Command failed")
                self.assertTrue(response.logs[-1].endswith("Open failed]"), response.logs)
                answers.pop(0)
        self.assertAnswer(line.command(f"hge {self.url}/headers"), 1, "Command failed")
        self.assertAnswer(line.command("hge 127.0.0.1:9"), 1, "Command failed")
        response = line.command("hge https://127.0.0.1/")
        self.assertAnswer(response, 1, "Command failed")
        self.assertIn("Connecting (https): 127.0.0.1:443", response.logs)
        self.assertEqual(line.ok("list"), "! # Type  Info")

    def test_a_silent_server_keeps_nobody_but_its_host_waiting(self):
        line = self.line
        with Peer() as silent:
            self.open(f"hge -o 127.0.0.1:{silent.port}")
            connection = silent.accept()
            self.open(f"hpo -o -l 1000000 127.0.0.1:{silent.port} a/b")
            stuck = silent.accept()
            # The window of the peer fills, and then the device's buffer.
            self.assertEqual(line.ok("write 1 60000", BIG[:60_000]), "Success")
            handle = self.open(f"hge {self.url}/big")
            self.assertEqual(handle, "2")
            self.assertTrue(self.read_to_end(handle) == BIG)
            connection.close()
            stuck.close()
            self.assertEqual(line.command("hre 0").code, 1)
            line.ok("close all")

    def test_a_handshake_by_hand(self):
        """The audio board's way to a WebSocket: after status 101 the stream is open in both directions."""
        line = self.line

        def serve(connection):
            request = b""
            while not request.endswith(b"\r\n\r\n"):
                request += connection.recv(4096)
            self.request = request
            connection.sendall(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n\x81\x02hi")
            while data := connection.recv(4096):
                connection.sendall(data[::-1])

        with Peer(serve) as peer:
            self.open(f"http_get -o 127.0.0.1:{peer.port}/ws")
            for header in ("Upgrade websocket", "Connection Upgrade", "Sec-WebSocket-Version 13"):
                self.assertEqual(line.ok(f"had 0 {header}"), "Success")
            self.assertEqual(line.ok("hre 0"), "101")
            self.assertIn(b"\r\nConnection: Upgrade\r\n", self.request)
            self.assertNotIn(b"close", self.request)
            self.assertEqual(line.read_stream(0, 4), b"\x81\x02hi")
            line.ok("write 0 3", b"abc")
            self.assertEqual(line.read_stream(0, 3), b"cba")
            line.ok("close 0")


class Downloads(HttpCase):
    def content(self, name):
        size = next(int(row.split()[2]) for row in self.line.ok("ls").splitlines()[1:] if row.endswith(" " + name))
        handle = self.line.ok(f"file_open {name}")
        return self.line.read_stream(handle, size)

    def test_downloads(self):
        line = self.line
        crc = f"{crc16(BIG):X}"
        for path in ("big", "chunked", "close"):
            with self.subTest(path):
                response = line.command(f"hdo -c {crc} {self.url}/{path} webapp/big.bin")
                self.assertAnswer(response, 0, "Success")
                self.assertEqual(response.logs[-1], "File created")
                self.assertTrue(self.content("webapp/big.bin") == BIG)
        self.assertAnswer(line.command(f"http_download  http://{self.url}/redirect small"), 0, "Success")
        self.assertEqual(self.content("small"), b"Hello World!")
        self.assertEqual(crc16(b"Hello World!"), 0x222F)
        self.assertEqual(len(line.ok("ls").splitlines()), 3)

    def test_failures_leave_the_old_file(self):
        line = self.line
        line.ok(f"hdo {self.url}/small f")
        before = line.ok("ls -v"), sorted(path.name for path in self.device.data.rglob("*") if path.is_file())
        for line_end in ("-c 1 {}/big f", "{}/killed f", "{}/chunked-killed f", "{}/nothing f", "{}/loop f", "{}/headers f",
                         "https://{}/small f", "127.0.0.1:9/x f"):
            with self.subTest(line_end):
                self.assertAnswer(line.command("hdo " + line_end.format(self.url)), 1, "Command failed")
                after = line.ok("ls -v"), sorted(path.name for path in self.device.data.rglob("*") if path.is_file())
                self.assertEqual(after, before)
        self.assertEqual(self.content("f"), b"Hello World!")

    def test_the_power_goes_in_the_middle(self):
        line = self.line
        line.ok(f"hdo {self.url}/small f")
        with Peer() as peer:
            for head in (b"Content-Length: 1000000\r\n", b""):
                line.send(b"hdo 127.0.0.1:%d/f f\r\n" % peer.port)
                connection = peer.accept()
                connection.sendall(b"HTTP/1.1 200 OK\r\n" + head + b"\r\n" + BIG[:600_000])
                time.sleep(0.3)
                self.device.kill()
                connection.close()
                self.device.start()
                self.line = line = self.device.machine()
                self.assertEqual(self.content("f"), b"Hello World!")
                self.assertEqual(len(line.ok("ls").splitlines()), 2)


class OverRest(DeviceCase):
    """A device that is server and client at once."""

    def test_a_download_over_rest(self):
        server = Server()
        self.addCleanup(server.server_close)
        self.addCleanup(server.shutdown)
        self.device.machine()
        self.device.wait_http()
        rest = self.device.rest
        url = f"http://127.0.0.1:{server.server_port}"
        answer = rest.post(f"hdo -c 222F {url}/small webapp/small.txt")
        self.assertEqual((answer["code"], answer["response"]), (0, "Success\r\n"))
        answer = rest.get(f"http_download {url}/nothing webapp/small.txt")
        self.assertEqual((answer["code"], answer["response"].lower()), (1, "command failed\r\n"))
        self.assertIn("webapp/small.txt", rest.text("ls"))
        self.assertEqual(rest.text(f"hge {url}/small"), "0")
        self.assertEqual(rest.text("read 0 100"), "Hello World!")

    def test_a_silent_server_holds_commands_only(self):
        self.device.machine()
        self.device.wait_http()
        with Peer() as silent:
            connection = self.device.rest.connect()
            connection.sendall(f"GET /command/hdo%20127.0.0.1:{silent.port}/x HTTP/1.1\r\n\r\n".encode())
            server = silent.accept()
            server.recv(4096)
            # The web server still answers requests that need no command.
            began = time.monotonic()
            self.assertIn(b" 404 ", self.device.rest.raw(b"GET /nothing HTTP/1.1\r\n\r\n"))
            self.assertLess(time.monotonic() - began, 5)
            server.sendall(b"HTTP/1.1 200 OK\r\n\r\nlate")
            server.close()
            self.assertIn(b'"code":0', connection.recv(4096).replace(b" ", b""))
            self.assertIn(" x", self.device.rest.text("ls"))
            connection.close()


class Uploads(HttpCase):
    def test_a_form(self):
        line = self.line
        line.ok(f"hdo {self.url}/big big.bin")
        self.assertAnswer(line.command(f"http_upload {self.url}/form big.bin \"new name.bin\""), 0, "Success")
        _, path, headers, body = self.server.requests.pop()
        self.assertEqual((path, headers["Content-Length"]), ("/form", str(len(body))))
        text = b"Content-Type: " + headers["Content-Type"].encode() + b"\r\n\r\n" + body
        form = email.message_from_bytes(text, policy=email.policy.HTTP)
        (part,) = form.iter_parts()
        self.assertEqual(part.get_filename(), "new name.bin")
        self.assertEqual(part.get_param("name", header="Content-Disposition"), "file")
        self.assertTrue(part.get_payload(decode=True) == BIG)

    def test_refusals(self):
        line = self.line
        line.ok(f"hdo {self.url}/big big.bin")

        def refuse(connection):
            connection.recv(1000)
            connection.sendall(b"HTTP/1.1 413 Content Too Large\r\nContent-Length: 0\r\n\r\n")
            time.sleep(0.2)

        with Peer(refuse) as peer:
            response = line.command(f"hup 127.0.0.1:{peer.port} big.bin")
            self.assertAnswer(response, 1, "Command failed")
            self.assertIn("HTTP response: 413", response.logs)
        with Peer(lambda connection: connection.recv(1000)) as peer:
            self.assertAnswer(line.command(f"hup 127.0.0.1:{peer.port} big.bin"), 1, "Command failed")
        self.assertAnswer(line.command(f"hup {self.url}/form nothing"), 1, "Command failed")
        # The file is free again.
        self.assertEqual(line.ok("fde big.bin"), "Success")


if __name__ == "__main__":
    unittest.main()
