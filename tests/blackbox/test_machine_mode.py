"""Framing and result codes over the pseudo-terminal (interface, serial 4)."""

import re
import socket
import threading
import unittest

from zentri import DeviceCase, Peer, echo, free_port

LINE_LIMIT = 1024


class Framing(DeviceCase):
    """Every response has a correct header; `Machine` fails at any byte outside a frame."""

    def setUp(self):
        super().setUp()
        self.line = self.device.machine()

    def test_values_texts_and_empty_values(self):
        line = self.line
        self.assertEqual(line.command("set system.cmd.echo 0").data, b"Set OK\r\n")
        self.assertEqual(line.command("get system.cmd.header_enabled").data, b"1\r\n")
        self.assertEqual(line.command("set wlan.bssid \"\"").data, b"Set OK\r\n")
        self.assertEqual(line.command("get wlan.bssid").data, b"")
        self.assertEqual(line.command("get udp.client.remote_host").data, b"")
        self.assertEqual(line.command("get ntp.server").data, b"pool.ntp.org\r\n")

    def test_exact_bytes(self):
        line = self.line
        for command, expected in [
            ("set ti z 0", b"R000008\r\nSet OK\r\n"),
            ("get uart.baud 0", b"R000008\r\n115200\r\n"),
            ("get system.cmd.prompt_enabled", b"R000003\r\n0\r\n"),
            ("get network.default_interface", b"R000006\r\nwlan\r\n"),
            ("get udp.client.remote_host", b"R000000\r\n"),
            ("poll all", b"R000006\r\nNone\r\n"),
            ("poll 0", b"R100016\r\nCommand failed\r\n"),
            ("close all", b"R000009\r\nSuccess\r\n"),
            ("", b"R000007\r\nReady\r\n"),
            ("list", b"R000016\r\n! # Type  Info\r\n"),
        ]:
            line.send(command.encode() + b"\r\n")
            self.assertEqual(line.read_until(expected[-4:]), expected, command)

    def test_every_terminator_gives_one_response(self):
        line = self.line
        for end in (b"\r", b"\n", b"\r\n", b"\n\r"):
            self.assertEqual(line.command("get system.cmd.echo", end=end).text, "0")
            self.assertEqual(line.quiet(0.1), b"", end)

    def test_empty_lines_are_answered(self):
        line = self.line
        line.send(b"\n\n\n")
        self.assertEqual(line.quiet(), b"R000007\r\nReady\r\n" * 3)
        line.send(b"\r\n\r\n")
        self.assertEqual(line.quiet(), b"R000007\r\nReady\r\n" * 2)
        line.send(b"   \r\n")
        self.assertEqual(line.quiet(), b"R000007\r\nReady\r\n")

    def test_line_end_after_counted_data_is_a_line_of_its_own(self):
        with Peer(echo) as peer:
            handle = self.line.ok(f"tcpc 127.0.0.1 {peer.port}")
            self.line.send(f"write {handle} 4\r\nab\r\n\r\n".encode())
            self.assertEqual(self.line.answer().text, "Success")
            self.assertEqual(self.line.answer().text, "Ready")
            self.assertEqual(self.line.read_stream(handle, 4), b"ab\r\n")

    def test_long_answers_are_one_frame_each(self):
        line = self.line
        everything = line.command("get all")
        self.assertGreater(len(everything.data), 4000)
        for row in everything.lines:
            self.assertRegex(row, r"^[a-z0-9_.]+(: | [^ ]+: )")
        for command in ("help commands", "help variables", "help all"):
            response = line.command(command)
            self.assertEqual(response.code, 0)
            self.assertGreater(len(response.lines), 50)

    def test_lines_sent_ahead_are_answered_in_order(self):
        line = self.line
        commands = [f"get uart.baud {number % 2}" if number % 3 else "ver" for number in range(200)]
        line.send("".join(command + "\r\n" for command in commands).encode())
        for command in commands:
            response = line.answer()
            self.assertEqual(response.code, 0)
            self.assertEqual(response.text.startswith("OPENZENTRI"), command == "ver")
        self.assertEqual(line.quiet(), b"")

    def test_log_frames_come_before_the_answer(self):
        line = self.line
        self.assertEqual(line.ok("set system.print_level all"), "Set OK")
        with Peer(echo) as peer:
            opened = line.command(f"tcpc 127.0.0.1 {peer.port}")
            address = f"127.0.0.1:{peer.port}"
            self.assertEqual(opened.logs, [
                f"[Opening: {address}]", "Resolving host: 127.0.0.1", f"Connecting: {address}", "[Opened: 0]",
            ])
            self.assertAnswer(opened, 0, "0")
            closed = line.command("close 0")
            self.assertEqual(closed.logs, ["Closing: 0", "[Closed: 0]"])
            self.assertAnswer(closed, 0, "Success")
        refused = line.command(f"tcpc 127.0.0.1 {peer.port}")
        self.assertEqual((refused.logs[0], refused.logs[-1]), (f"[Opening: {address}]", "[Open failed]"))
        self.assertAnswer(refused, 1, "Command failed")

    def test_exact_bytes_of_a_delete(self):
        line = self.line
        line.ok("set system.print_level all")
        created = line.command("fcr a.txt 3", b"abc")
        self.assertEqual((created.text, created.logs), ("Success", ["File created"]))
        line.send(b"fde a.txt\r\n")
        self.assertEqual(
            line.read_until(b"Success\r\n"), b"L000014\r\nFile deleted\r\nR000009\r\nSuccess\r\n"
        )

    def test_print_levels(self):
        line = self.line
        for level, expected in [
            ("0", []),
            ("1", ["[Opening: 127.0.0.1:9]", "[Opened: 0]"]),
            ("3", ["[Opening: 127.0.0.1:9]", "Resolving host: 127.0.0.1", "Connecting: 127.0.0.1:9", "[Opened: 0]"]),
        ]:
            line.ok(f"set system.print_level {level}")
            self.assertEqual(line.command("udpc 127.0.0.1 9").logs, expected, level)
            line.ok("close 0")

    def test_time_stamps(self):
        line = self.line
        line.ok("set system.print_level all")
        line.ok("set system.cmd.timestamp log")
        line.ok("set time.rtc 1111111111")
        logs = line.command("udpc 127.0.0.1 9").logs
        self.assertRegex(logs[0], r"^\[2005-03-18 \| 01:58:3\d: Opening: 127\.0\.0\.1:9\]$")
        self.assertRegex(logs[-1], r"^\[2005-03-18 \| 01:58:3\d: Opened: 0\]$")

    def test_buffered_answers(self):
        line = self.line
        line.ok("set system.cmd.buffered 1")
        handle, size = line.ok("help commands").split(",")
        self.assertEqual(line.ok("list " + handle).split("\r\n")[-1].split()[:3], ["#", handle, "CMD"])
        line.ok("set system.cmd.buffered 0")
        direct = line.command("help commands").data
        text = line.read_stream(handle, int(size))
        self.assertEqual(text, direct)
        self.assertEqual(line.command(f"read {handle} 100").code, 1, "nothing is left, and nothing will come")
        line.ok(f"close {handle}")

    def test_asynchronous_frames_never_fall_into_others(self):
        """Log lines of a busy server between hundreds of answers: `Machine` checks every frame."""
        line = self.line
        line.ok("set system.print_level all")
        port = free_port()
        line.ok(f"tcps start {port}")
        done = threading.Event()

        def visit():
            while not done.is_set():
                with socket.create_connection(("127.0.0.1", port)) as client:
                    client.sendall(b"x")

        visitor = threading.Thread(target=visit)
        visitor.start()
        try:
            logs = 0
            for _ in range(300):
                response = line.command("get all")
                self.assertEqual(response.code, 0)
                logs += len(response.logs)
                for handle in re.findall(r"(\d),\d", line.ok("poll all")):
                    line.command(f"read {handle} 10")
            self.assertGreater(logs, 0)
        finally:
            done.set()
            visitor.join()


class Codes(DeviceCase):
    """Each result code with its digit (interface, serial 4.2)."""

    def setUp(self):
        super().setUp()
        self.line = self.device.machine()

    def check(self, line, code, text):
        response = self.line.command(line)
        self.assertAnswer(response, code, text)

    def test_success(self):
        self.check("set time.zone 1", 0, "Set OK")
        self.check("save", 0, "Success")

    def test_failed(self):
        for line in ("read 0 10", "poll 7", "close 3", "write 5 2", "fop missing.txt", "fde missing.txt", "read 200 1"):
            self.check(line, 1, "Command failed")

    def test_parse_error(self):
        self.check('set wlan.ssid "never ends', 2, "Parse error")

    def test_unknown_command(self):
        for line in ("nonsense", "versio", "vers", "VERSION", "get\x01", "ver\x00"):
            self.check(line, 3, "Unknown command")

    def test_nul_bytes_between_commands_are_ignored(self):
        self.line.send(b"\0\0set time.zone 1\n\r\0save\n\r\0get time.zone\r\n\0")
        self.assertEqual(self.line.quiet(), b"R000008\r\nSet OK\r\nR000009\r\nSuccess\r\nR000003\r\n1\r\n")

    def test_too_few(self):
        for line in ("set", "get", "set wlan.ssid", "tcpc", "tcpc 127.0.0.1", "read 0", "write 0", "fcr", "fcr a.txt",
                     "poll", "close", "udps write", "fac", "network_lookup"):
            self.check(line, 4, "Too few arguments")

    def test_too_many(self):
        for line in ("version 1", "tcpc 127.0.0.1 1 2 3", "read 0 1 2", "close 0 1", "save a b", "reboot now",
                     "set time.zone 1 2", "nlo a b", "fde a b"):
            self.check(line, 5, "Too many arguments")

    def test_unknown_variable_or_option(self):
        for line in ("get nonsense", "set nonsense 1", "get wlan.nonsense", "get zz", "set zz q 1"):
            self.check(line, 6, "Unknown variable")
        for line in ("fcr -x a.txt 1", "ls -q", "poll all -q", "tcpc -z 127.0.0.1 1", "ping -q"):
            self.check(line, 6, "Unknown option")

    def test_invalid_argument(self):
        for line in ("set udp.client.remote_port 65536", "set udp.client.remote_port -1", "set udp.client.remote_port x",
                     "set system.cmd.echo maybe", "set network.default_interface ethernet0", "set time.zone 13",
                     "tcpc 127.0.0.1 0", "tcpc 127.0.0.1 65536", "read x 1", "read 0 x", "poll x", "poll -1",
                     "fcr a.txt many", "fcr a.txt -1", "set wlan.static.ip 1.2.3", "tcps sideways", "read 256 1",
                     "fac 00:00:00:00:00:00", "format extended 00:00:00:00:00:00"):
            self.check(line, 7, "Invalid argument")

    def test_too_long(self):
        self.check("get " + "x" * (LINE_LIMIT - 4), 6, "Unknown variable")
        self.check("get " + "x" * (LINE_LIMIT - 3), 8, "Command too long")
        self.check("get " + "x" * 100_000, 8, "Command too long")
        self.check("get system.cmd.echo", 0, "0")

    def test_bounds(self):
        line = self.line
        with Peer(echo) as peer:
            handle = line.ok(f"tcpc 127.0.0.1 {peer.port}")
            line.ok("set bus.command.write_check_enabled 1")
            self.check(f"write {handle} 100000000", 9, "Bounds error")
            self.check(f"poll {handle}", 0, "0")
        handle = line.ok("udpc 127.0.0.1 9")
        self.check(f"write {handle} 70000", 9, "Bounds error")

    def test_a_file_takes_no_more_than_its_size(self):
        handle = self.line.ok("fcr -o a.txt 4")
        response = self.line.command(f"write {handle} 5", b"abcde")
        self.assertIn(response.code, (1, 9))
        self.assertNotIn("a.txt", self.line.ok("ls"))

    def test_full_stream_table(self):
        line = self.line
        handles = [line.ok("udpc 127.0.0.1 9") for _ in range(8)]
        self.assertEqual(handles, [str(number) for number in range(8)])
        self.check("udpc 127.0.0.1 9", 1, "Command failed")
        self.check("fcr -o a.txt 1", 1, "Command failed")
        self.check("close 3", 0, "Success")
        self.check("udpc 127.0.0.1 9", 0, "3")
        self.check("close all", 0, "Success")
        self.check("poll all", 0, "None")

    def test_options_are_not_confused_with_values(self):
        self.check("set udp.client.remote_host -x", 0, "Set OK")
        self.check("get udp.client.remote_host", 0, "-x")


class Switching(DeviceCase):
    """`system.cmd.mode` and the four variables behind it (interface, serial 3)."""

    machine = False
    settings = {"wlan.auto_join.enabled": "0"}

    def test_the_answer_has_a_header_when_headers_are_on_before_or_after_it(self):
        console = self.device.console()
        console.read_until(b"> ")
        console.quiet()
        console.send(b"set system.cmd.mode machine\r\n")
        self.assertEqual(
            console.read_until(b"OK\r\n"), b"set system.cmd.mode machine\r\nR000008\r\nSet OK\r\n"
        )
        console.send(b"get system.cmd.mode\r\n")
        self.assertEqual(console.quiet(), b"R000009\r\nmachine\r\n")
        for name, value in [("echo", "0"), ("header_enabled", "1"), ("prompt_enabled", "0")]:
            console.send(f"get system.cmd.{name}\r\n".encode())
            self.assertEqual(console.quiet(), f"R000003\r\n{value}\r\n".encode())
        console.send(b"get system.print_level\r\n")
        self.assertEqual(console.quiet(), b"R000003\r\n0\r\n")
        console.send(b"set sy c m human\r\n")
        self.assertEqual(console.quiet(), b"R000008\r\nSet OK\r\n> ")
        console.send(b"get sy p\r\n")
        self.assertEqual(console.quiet(), b"get sy p\r\nall\r\n> ")

    def test_each_variable_alone(self):
        console = self.device.console()
        console.read_until(b"> ")
        console.quiet()
        for command, expected in [
            ("set sy c e 0", b"set sy c e 0\r\nSet OK\r\n> "),
            ("get sy c e", b"0\r\n> "),
            ("set sy c h 1", b"R000008\r\nSet OK\r\n> "),
            ("set sy c p 0", b"R000008\r\nSet OK\r\n"),
            ("set sy c e on", b"R000008\r\nSet OK\r\n"),
            ("set sy c h false", b"set sy c h false\r\nR000008\r\nSet OK\r\n"),
            ("set sy c p true", b"set sy c p true\r\nSet OK\r\n> "),
        ]:
            console.send(command.encode() + b"\n")
            self.assertEqual(console.quiet(), expected, command)


if __name__ == "__main__":
    unittest.main()
