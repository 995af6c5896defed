"""The REST API, using only urllib and sockets (interface, http 1, 2, 3.1)."""

import base64
import json
import os
import random
import re
import socket
import struct
import threading
import time
import unittest
import urllib.error
from concurrent.futures import ThreadPoolExecutor

from zentri import DeviceCase, free_port
from zentri.rest import receive_all

JSON = {"Content-Type": "application/json"}


class RestCase(DeviceCase):
    def setUp(self):
        super().setUp()
        self.device.wait_http()
        self.rest = self.device.rest

    def status(self, *arguments, **options):
        """The status of a request that may fail."""
        try:
            return self.rest.open(*arguments, **options)[0]
        except urllib.error.HTTPError as error:
            error.read()
            return error.code


class Documented(RestCase):
    def test_version_within_a_second_of_the_start(self):
        device = self.new_device()
        listening = device.wait_http()
        status, headers, body = device.rest.open("/command/version")
        taken = time.monotonic() - device.started
        self.assertLess(taken, 1.0, f"listening after {listening:.3f} s")
        self.assertEqual(status, 200)
        self.assertEqual(headers.get_content_type(), "application/json")
        self.assertEqual(headers["Connection"], "close")
        answer = json.loads(body)
        self.assertEqual(sorted(answer), ["code", "flags", "id", "response"])
        self.assertEqual((answer["code"], answer["flags"]), (0, 0))
        self.assertIsInstance(answer["id"], int)
        parts = answer["response"].removesuffix("\r\n").split(",")
        self.assertGreaterEqual(len(parts), 3)
        self.assertTrue(answer["response"].endswith("\r\n"))

    def test_a_file_by_base64(self):
        """Create, write, list, read back byte for byte, delete: all with flags 7."""
        rest = self.rest
        content = bytes(range(256)) * 30 + random.Random(7).randbytes(500)
        code, handle = rest.post7(f'fcr -o "web app/tést.bin" {len(content)} 1.2.3.4 0xFE')
        self.assertEqual((code, handle), (0, b"0\r\n"))
        for start in range(0, len(content), 2500):
            chunk = content[start : start + 2500]
            self.assertEqual(rest.post7(f"write 0 {len(chunk)}", chunk), (0, b"Success\r\n"))
        self.assertEqual(rest.post7("poll all"), (0, b"None\r\n"), "the stream has closed itself")
        code, listing = rest.post7("ls")
        rows = listing.decode().split("\r\n")
        self.assertEqual(rows[0], "!  #   Size   Version  Filename")
        self.assertEqual(rows[1], f"#  0 {len(content):6} {'1.2.3.4':>9}  web app/tést.bin")
        self.assertEqual(rest.post7('fop "web app/tést.bin"'), (0, b"0\r\n"))
        found = b""
        while len(found) < len(content):
            code, piece = rest.post7("read 0 3000")
            self.assertEqual(code, 0)
            self.assertTrue(piece.endswith(b"\r\n"))
            found += piece[:-2]
        self.assertEqual(found, content)
        self.assertEqual(rest.post7('fde "web app/tést.bin"'), (0, b"Success\r\n"))
        self.assertEqual(rest.post7("ls")[1].count(b"\r\n"), 1)

    def test_get_all_has_what_the_vendor_web_app_needs(self):
        text = self.rest.get("get all")["response"]
        lines = text.split("\r\n")
        self.assertEqual(lines[-1], "")
        for key, value in [
            ("wlan.network.ip:", r"\d+\.\d+\.\d+\.\d+"),
            ("wlan.mac:", r"([0-9A-F]{2}:){5}[0-9A-F]{2}"),
            ("http.server.interface:", "default|wlan|softap"),
            ("network.default_interface:", "wlan|softap"),
        ]:
            # As the web page does: the first line that contains the key, without the key and a blank.
            first = next(line for line in lines if key in line)
            self.assertTrue(first.startswith(key + " "), first)
            self.assertRegex(first[len(key) + 1 :], f"^({value})$")

    def test_log_lines_stay_out_of_the_response(self):
        rest = self.rest
        rest.post("set system.print_level all")
        self.assertEqual(rest.post("fcr a.txt 3", "abc")["response"], "Success\r\n")
        self.assertEqual(rest.post("fde a.txt")["response"], "Success\r\n")
        status, headers, body = rest.open("/log")
        logs = json.loads(body)["logs"]
        self.assertEqual(headers.get_content_type(), "application/json")
        self.assertIn("File deleted", logs)
        self.assertLess(logs.index("File created"), logs.index("File deleted"))
        self.assertTrue(any(re.fullmatch(r"\[(.*: )?Ready\]", line) for line in logs))
        self.assertEqual(json.loads(rest.open("/log")[2])["logs"][: len(logs)], logs, "reading clears nothing")

    def test_neither_headers_nor_prompt_are_in_the_response(self):
        for mode in ("human", "machine"):
            self.rest.get(f"set system.cmd.mode {mode}")
            self.assertEqual(self.rest.get("get sy c e")["response"], {"human": "1\r\n", "machine": "0\r\n"}[mode])

    def test_flags(self):
        rest = self.rest
        b64 = lambda text: base64.b64encode(text.encode()).decode()
        for flags, command, response in [
            (0, "get ntp.server", "pool.ntp.org\r\n"),
            (1, b64("get ntp.server"), "pool.ntp.org\r\n"),
            (2, "get ntp.server", b64("pool.ntp.org\r\n")),
            (3, b64("get ntp.server"), b64("pool.ntp.org\r\n")),
            (4, "get ntp.server", "pool.ntp.org\r\n"),
        ]:
            answer = rest.post(command, "" if flags & 4 else None, flags)
            self.assertEqual((answer["code"], answer["response"]), (0, response), flags)
            self.assertEqual(answer["flags"] & 2, flags & 2)

    def test_data_in_plain_text(self):
        rest = self.rest
        self.assertEqual(rest.post("fcr -o a.txt 7")["response"], "0\r\n")
        self.assertEqual(rest.post("write 0 7", 'a"\\\n\tü')["code"], 0)
        rest.post("fop a.txt")
        self.assertEqual(rest.post("read 0 100")["response"], 'a"\\\n\tü\r\n')

    def test_data_of_the_wrong_length(self):
        rest = self.rest
        rest.post("fcr -o a.txt 7")
        for data in ("1234", "123456789"):
            self.assertEqual(rest.post("write 0 7", data)["response"], "Command failed\r\n")
        self.assertEqual(rest.post("write 0 7", "1234567")["response"], "Success\r\n")

    def test_ids_grow(self):
        ids = [self.rest.get("ver")["id"] for _ in range(3)] + [self.rest.post("ver")["id"]]
        self.assertEqual(ids, sorted(set(ids)))

    def test_codes(self):
        for command, code, text in [
            ("nonsense", 3, "Unknown command"),
            ("get nonsense", 6, "Unknown variable"),
            ("set", 4, "Too few arguments"),
            ("ver 1", 5, "Too many arguments"),
            ("set sy c e 7", 7, "Invalid argument"),
            ("poll 0", 1, "Command failed"),
            ('set wl s "open', 2, "Parse error"),
            ("get " + "x" * 2000, 8, "Command too long"),
        ]:
            for answer in (self.rest.get(command), self.rest.post(command)):
                self.assertEqual((answer["code"], answer["response"]), (code, text + "\r\n"), command[:30])

    def test_empty_values(self):
        self.assertEqual(self.rest.get("get udp.client.remote_host")["response"], "")

    def test_reboot_is_answered_first(self):
        rest = self.rest
        rest.get("set udp.client.remote_port 4711")
        self.assertEqual(rest.get("reboot")["code"], 0)

        def back():
            try:
                return rest.get("get udp.client.remote_port")["response"] == "3000\r\n"
            except (OSError, ValueError):
                return False

        self.eventually(back, 10, "it did not come back")

    def test_network_restart_is_answered_and_the_server_comes_back(self):
        rest = self.rest
        port = free_port()
        rest.get(f"set http.server.port {port}")
        answer = rest.get("network_restart")
        self.assertEqual((answer["code"], answer["response"]), (0, "Success\r\n"))
        rest.base = f"http://127.0.0.1:{port}"
        self.assertEqual(rest.text("get http.server.port"), str(port))


class Paths(RestCase):
    def test_the_path_is_taken_raw(self):
        rest = self.rest
        value = "http://10.0.0.1:5002//a/../b?x=1&y=%2B+z"
        rest.open("/command/set%20udp.client.remote_host%20http://10.0.0.1:5002//a/../b?x=1&y=%252B+z")
        self.assertEqual(rest.text("get udp.client.remote_host"), value)

    def test_quotes_and_bytes(self):
        rest = self.rest
        rest.open("/command/set%20wlan.ssid%20%22My%20%22%22Net%22")
        self.assertEqual(rest.text("get wlan.ssid"), 'My ""Net')
        rest.open("/command/set%20wlan.ssid%20%C3%A4%5Cx01")
        self.assertEqual(rest.text("get wlan.ssid"), "ä\x01")

    def test_bytes_that_are_no_text_are_still_json(self):
        rest = self.rest
        rest.open("/command/set%20wlan.ssid%20%5Cxff%5Cx80a")
        answer = rest.get("get wlan.ssid")
        self.assertEqual(answer["code"], 0)
        self.assertTrue(answer["response"].endswith("a\r\n"))
        code, raw = rest.post7("get wlan.ssid")
        self.assertEqual(raw, b"\xff\x80a\r\n")

    def test_errors(self):
        self.assertEqual(self.status("/nothing-here"), 404)
        self.assertEqual(self.status("/command/"), 400)
        self.assertEqual(self.status("/command/%zz"), 400)
        self.assertEqual(self.status("/" + "x" * 10_000), 414)
        self.assertEqual(self.rest.get("ver")["code"], 0)


class Bodies(RestCase):
    def test_malformed(self):
        for body in (b"", b"{", b'{"command":"ver"', b'{"command":ver}', b"[]", b'"ver"', b"{}", b'{"command":""}',
                     b'{"flags":0}', b'{"command":"ver","flags":"x"}', b'{"flags":1,"command":"ver!"}',
                     b'{"flags":4,"command":"ver","data":"a"}', b'{"command":5}', b"\xff" * 20):
            self.assertEqual(self.status("/command", body, JSON), 400, body)
        self.assertEqual(self.rest.get("ver")["code"], 0)

    def test_every_cut_of_a_body(self):
        body = b'{"flags":4,"command":"set udp.client.remote_port 1","data":"QUJD","more":[1,{"a":null}]}'
        for length in range(len(body)):
            self.assertEqual(self.status("/command", body[:length], JSON), 400, body[:length])
        self.assertEqual(self.rest.text("get udp.client.remote_port"), "3000", "no command was run")
        self.assertEqual(self.status("/command", body, JSON), 200)

    def test_unknown_keys_order_and_space(self):
        for body in (
            b'{"done":null,"command":"get sy c e","x":{"command":"no"},"retries":[1,2]}',
            b' { "flags" : 0 ,\r\n\t"command" : "get sy c e" } ',
            b'{"data":"","flags":0,"command":"get\\u0020sy\\u0020c e"}',
        ):
            for kind in ({"Content-Type": "application/json"}, {"Content-Type": "text/plain;charset=UTF-8"}):
                status, _, answer = self.rest.open("/command", body, kind)
                self.assertEqual(json.loads(answer)["response"], "0\r\n", body)

    def test_large_bodies(self):
        rest = self.rest
        for size in (2500, 2560, 4096, 8000):
            data = random.Random(size).randbytes(size)
            handle = rest.post(f"fcr -o big{size} {size}")["response"].strip()
            self.assertEqual(rest.post7(f"write {handle} {size}", data), (0, b"Success\r\n"))
        self.assertEqual(self.status("/command", b'{"command":"ver","x":"' + b"y" * 200_000 + b'"}', JSON), 413)

    def test_a_body_in_small_pieces(self):
        body = b'{"command":"get sy c e"}'
        with self.rest.connect() as connection:
            request = b"POST /command HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % len(body) + body
            for at in range(0, len(request), 7):
                connection.sendall(request[at : at + 7])
                time.sleep(0.002)
            self.assertIn(b'"response":"0\\r\\n"', receive_all(connection).replace(b": ", b":"))

    def test_chunked_bodies(self):
        chunked = b"5\r\n{\"com\r\nf\r\nmand\":\"get sy c\r\n4;x=y\r\n e\"}\r\n0\r\n\r\n"
        answer = self.rest.raw(b"POST /command HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n" + chunked)
        self.assertIn(b" 200 ", answer[:20])
        self.assertIn(b"0\\r\\n", answer)

    def test_expect_continue(self):
        with self.rest.connect() as connection:
            connection.sendall(
                b"POST /command HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 17\r\n\r\n"
            )
            self.assertTrue(connection.recv(100).startswith(b"HTTP/1.1 100 "))
            connection.sendall(b'{"command":"ver"}')
            self.assertTrue(receive_all(connection).startswith(b"HTTP/1.1 200 "))


class Large(RestCase):
    def test_large_answers_are_complete(self):
        serial = self.device.machine()
        for command in ("help commands", "help variables", "help all", "ls -v", "get wlan"):
            expected = serial.command(command).data
            self.assertEqual(self.rest.get(command)["response"].encode(), expected, command)
            self.assertEqual(self.rest.post7(command)[1], expected, command)
        self.assertGreater(len(self.rest.text("get all").split("\r\n")), 200)

    def test_a_read_of_60_kilobytes(self):
        rest = self.rest
        content = random.Random(9).randbytes(60_000)
        self.device.machine().ok(f"fcr big {len(content)}", content)
        rest.get("fop big")
        code, data = rest.post7("read 0 65000")
        self.assertEqual(data, content + b"\r\n")

    def test_a_slow_reader_gets_it_all(self):
        expected = self.rest.get("get all")["response"]
        with socket.socket() as connection:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
            connection.settimeout(10)
            connection.connect(("127.0.0.1", self.device.http_port))
            connection.sendall(b"GET /command/get%20all HTTP/1.1\r\nHost: x\r\n\r\n")
            data = b""
            while True:
                time.sleep(0.01)
                part = connection.recv(1000)
                if not part:
                    break
                data += part
        self.assertEqual(json.loads(data.split(b"\r\n\r\n", 1)[1])["response"].split("\r\n")[:50], expected.split("\r\n")[:50])


class Parallel(RestCase):
    def test_32_at_once(self):
        rest = self.rest

        def work(number):
            answers = []
            for turn in range(12):
                if turn % 3 == 0:
                    answers.append(rest.get("get udp.client.remote_port")["response"] == "3000\r\n")
                elif turn % 3 == 1:
                    answers.append("wlan.mac: " in rest.post("get all")["response"])
                else:
                    answers.append(rest.post7("get ntp.server") == (0, b"pool.ntp.org\r\n"))
            return all(answers)

        with ThreadPoolExecutor(32) as pool:
            self.assertTrue(all(pool.map(work, range(32))))

    def test_32_open_connections_are_all_served(self):
        connections = [self.rest.connect() for _ in range(32)]
        request = b"GET /command/ver HTTP/1.1\r\nHost: x\r\n\r\n"
        for connection in connections:
            connection.sendall(request[:10])
        for connection in connections:
            connection.sendall(request[10:])
        for connection in connections:
            self.assertIn(b"200 OK", receive_all(connection))
            connection.close()

    def test_a_slow_client_delays_nobody(self):
        """One byte a second; meanwhile others are served at once, over HTTP and the serial line."""
        with self.rest.connect() as slow:
            request = b"POST /command HTTP/1.1\r\nHost: x\r\nContent-Length: 17\r\n\r\n{\"command\":\"ver\"}"
            slow.sendall(request[:-4])
            serial = self.device.machine()
            worst = 0
            for byte in request[-4:]:
                for _ in range(20):
                    start = time.monotonic()
                    self.rest.get("ver")
                    serial.ok("ver")
                    worst = max(worst, time.monotonic() - start)
                    time.sleep(0.05)
                slow.sendall(bytes([byte]))
            self.assertIn(b"200 OK", receive_all(slow))
            self.assertLess(worst, 0.5)

    def test_a_long_settings_file_holds_nobody_up(self):
        """`load` of 980 kB: others are served between its pieces."""
        text = b"".join(b"udp.client.remote_port %d\r\n" % (3000 + number % 1000) for number in range(980_000 // 29))
        serial = self.device.machine()
        serial.send(b"fcr long.cfg %d\r\n" % len(text) + text)
        self.assertEqual(serial.answer(60).code, 0)
        loading = threading.Thread(target=lambda: ended.append(serial.ok("load long.cfg")))
        ended = []
        start = time.monotonic()
        loading.start()
        worst = served = 0
        while loading.is_alive():
            asked = time.monotonic()
            self.rest.get("ver")
            worst = max(worst, time.monotonic() - asked)
            served += 1
        took = time.monotonic() - start
        print(f"load of {len(text)} bytes: {took:.2f} s, meanwhile {served} requests, the slowest {worst * 1000:.0f} ms")
        self.assertEqual(ended, ["Success"])
        # If the device read the file in one go, one request would wait for nearly all of that time.
        self.assertGreater(served, 3)
        self.assertLess(worst, took * 0.6)

    def test_the_serial_line_is_not_starved(self):
        serial = self.device.machine()
        stop = threading.Event()

        def work():
            while not stop.is_set():
                self.rest.get("get all")

        workers = [threading.Thread(target=work) for _ in range(8)]
        for worker in workers:
            worker.start()
        try:
            worst = 0
            for _ in range(50):
                start = time.monotonic()
                serial.ok("ver")
                worst = max(worst, time.monotonic() - start)
        finally:
            stop.set()
            for worker in workers:
                worker.join()
        self.assertLess(worst, 1.0)

    def test_a_client_that_goes_away_ends_what_it_waits_for(self):
        """The client's command waits for a silent server; when the client resets the connection, so does the device."""
        with socket.create_server(("127.0.0.1", 0)) as silent:
            silent.settimeout(5)
            target = f"http_get%20http://127.0.0.1:{silent.getsockname()[1]}/"
            connection = self.rest.connect()
            connection.sendall(f"GET /command/{target} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
            asked, _ = silent.accept()
            with asked:
                asked.settimeout(5)
                self.assertTrue(asked.recv(4096).startswith(b"GET / "))
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                connection.close()
                try:
                    self.assertEqual(asked.recv(4096), b"", "the request is given up")
                except ConnectionResetError:
                    pass
        self.assertNotIn("HTTP", self.rest.text("list"))

    def test_clients_that_vanish_in_every_state(self):
        request = b'POST /command HTTP/1.1\r\nHost: x\r\nContent-Length: 21\r\n\r\n{"command":"get all"}'
        for length in range(0, len(request) + 1, 3):
            connection = self.rest.connect()
            connection.sendall(request[:length])
            if length % 2:
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            connection.close()
        self.assertEqual(self.rest.get("ver")["code"], 0)

    def test_a_thousand_connections_leave_nothing_behind(self):
        folder = f"/proc/{self.device.process.pid}/fd"
        self.rest.get("ver")
        before = len(os.listdir(folder))
        for _ in range(1000):
            self.rest.raw(b"GET /command/ver HTTP/1.1\r\nHost: x\r\n\r\n")
        self.eventually(lambda: len(os.listdir(folder)) <= before, message="descriptors pile up")


class Clients(RestCase):
    """The requests of published clients (interface, http)."""

    def test_vendor_python_library(self):
        code, text = self.rest.post7("help commands")
        lines = text.decode().rstrip().split("\r\n")
        self.assertGreater(len(lines), 50)
        for line in lines:
            self.assertRegex(line, r"^[a-z0-9_]+ *: *[a-z0-9_]+$")
        self.assertIn("version : ver", lines)

    def test_vendor_javascript_upload(self):
        rest = self.rest
        content = random.Random(5).randbytes(6000)
        answer = rest.post(f"fcr -o up.bin {len(content)} 1.0.0.0 0xFE", flags=0)
        handle = int(answer["response"])
        for start in range(0, len(content), 2560):
            chunk = content[start : start + 2560]
            data = base64.b64encode(chunk).decode()
            self.assertEqual(rest.post(f"write {handle} {len(chunk)}", data, 4)["response"], "Success\r\n")
        self.assertIn("up.bin", rest.text("ls"))

    def test_crc_of_an_upload(self):
        rest = self.rest
        for crc, response in (("222F", "Success\r\n"), ("222E", "Command failed\r\n")):
            rest.post("fde h.txt")
            rest.post(f"fcr -o h.txt 12 1.0.0 0xFE {crc}")
            self.assertEqual(rest.post("write 0 12", "Hello World!")["response"], response, crc)
            self.assertEqual("h.txt" in rest.text("ls"), crc == "222F")

    def test_get_with_a_json_content_type(self):
        status, _, body = self.rest.open("/command/ver", headers={"Content-Type": "application/json", "accepts": "x"})
        self.assertEqual(status, 200)

    def test_both_spellings_of_commands(self):
        for full, short in [("stream_list", "list"), ("version", "ver"), ("stream_poll all", "poll all")]:
            self.assertEqual(self.rest.get(full)["response"], self.rest.get(short)["response"])

    def test_variables_of_the_listing_in_help(self):
        names = {line.split()[1] for line in self.rest.text("help variables").split("\r\n")}
        everything = {line.split(":")[0] for line in self.rest.text("get all").split("\r\n")}
        self.assertTrue({name.split(" ")[0] for name in everything} <= names)


if __name__ == "__main__":
    unittest.main()
