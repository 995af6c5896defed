"""The serial line for a person: echo, prompt, editing, history, completion (interface, serial 2)."""

import unittest

from zentri import DeviceCase

ERASE = b"\x08 \x08"


class Typing(DeviceCase):
    machine = False
    settings = {"wlan.auto_join.enabled": "0"}

    def setUp(self):
        super().setUp()
        self.console = self.device.console()
        self.boot = self.console.read_until(b"> ")
        self.console.quiet()

    def type(self, keys, expected):
        """Types keys and compares everything that is printed."""
        self.console.send(keys)
        self.assertEqual(self.console.quiet(), expected, keys)

    def test_boot_prints_banner_ready_and_prompt(self):
        self.assertRegex(
            self.boot,
            rb"^OPENZENTRI-\S+, \d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ, ZentriOS-\S+, Board:\S+\r\n"
            rb"\[(\d{4}-\d\d-\d\d \| \d\d:\d\d:\d\d: )?Ready\]\r\n> $",
        )

    def test_echo_and_prompt(self):
        self.type(b"get sy c e\r\n", b"get sy c e\r\n1\r\n> ")
        self.type(b"get sy c e\n", b"get sy c e\r\n1\r\n> ")
        self.type(b"get sy c e\r", b"get sy c e\r\n1\r\n> ")
        # The LF that belongs to the CR before it, then an empty line.
        self.type(b"\n", b"")
        self.type(b"\n", b"\r\nReady\r\n> ")

    def test_each_key_is_echoed_at_once(self):
        for key in b"get":
            self.type(bytes([key]), bytes([key]))
        self.type(b"\r\n", b"\r\nToo few arguments\r\n> ")

    def test_backspace(self):
        self.type(b"gex\x08t sy c ep\x7f\r", b"gex" + ERASE + b"t sy c ep" + ERASE + b"\r\n1\r\n> ")
        self.type(b"\x08\x7f", b"")
        self.type(b"\r", b"\r\nReady\r\n> ")

    def test_editing_in_the_middle(self):
        # `gt sy c e`, then back to the gap
        self.type(b"gt sy c e\x1b[H\x1b[Ce\r", b"gt sy c e" + b"\x08" * 9 + b"g" + b"et sy c e" + b"\x08" * 8 + b"\r\n1\r\n> ")

    def test_history(self):
        for number in range(6):
            self.type(b"get uart.baud %d\r" % (number % 2) if number < 5 else b"get sy c p\r",
                      b"get uart.baud %d\r\n115200\r\n> " % (number % 2) if number < 5 else b"get sy c p\r\n1\r\n> ")
        self.type(b"\x1b[A\r", b"get sy c p\r\n1\r\n> ")
        self.type(b"\x1b[A\x1b[A\r", b"get sy c p" + b"\x08" * 10 + b" " * 10 + b"\x08" * 10 + b"get uart.baud 0\r\n115200\r\n> ")

    def test_completion(self):
        self.type(b"vers\t\r", b"version \r\n" + self.version() + b"> ")
        self.type(b"get wlan.mac\t\r", b"get wlan.mac \r\n" + self.mac() + b"> ")
        self.type(b"get system.cmd.hea\t\r", b"get system.cmd.header_enabled \r\n0\r\n> ")
        self.type(b"zzz\t\r", b"zzz\r\nUnknown command\r\n> ")

    def version(self):
        self.console.send(b"ver\r")
        return self.console.quiet().removeprefix(b"ver\r\n").removesuffix(b"> ")

    def mac(self):
        self.console.send(b"get wlan.mac\r")
        return self.console.quiet().removeprefix(b"get wlan.mac\r\n").removesuffix(b"> ")

    def test_data_is_not_echoed(self):
        self.type(b"set system.print_level 0\r", b"set system.print_level 0\r\nSet OK\r\n> ")
        self.type(b"file_create hello.txt 12\r", b"file_create hello.txt 12\r\n")
        self.type(b"Hello", b"")
        self.type(b" World!", b"Success\r\n> ")
        self.type(b"file_open hello.txt\r", b"file_open hello.txt\r\n0\r\n> ")
        self.type(b"stream_read 0 3\r", b"stream_read 0 3\r\nHel\r\n> ")
        self.type(b"stream_read 0 50\r", b"stream_read 0 50\r\nlo World!\r\n> ")
        self.type(b"file_delete hello.txt\r", b"file_delete hello.txt\r\nSuccess\r\n> ")

    def test_errors_are_one_line_of_text(self):
        for line, text in [
            (b"nonsense", b"Unknown command"),
            (b"set", b"Too few arguments"),
            (b"ver 1", b"Too many arguments"),
            (b"get zz", b"Unknown variable"),
            (b"set sy c e 7", b"Invalid argument"),
            (b"poll 0", b"Command failed"),
        ]:
            self.type(line + b"\r", line + b"\r\n" + text + b"\r\n> ")

    def test_a_long_line_is_dropped_whole(self):
        self.console.send(b"x" * 3000 + b"\r")
        self.assertTrue(self.console.quiet(0.3).endswith(b"\r\nCommand too long\r\n> "))
        self.type(b"get sy c e\r", b"get sy c e\r\n1\r\n> ")


class Stdio(DeviceCase):
    """Standard input and output as the serial line: `printf 'ver\\n' | openzentri`."""

    machine = False

    def setUp(self):
        super().setUp()

    def new_device(self, start=True, **options):
        return super().new_device(start=False, **(options | {"serial": "stdio"}))

    def test_a_script_on_standard_input(self):
        import subprocess

        result = subprocess.run(
            self.device.command_line(), input=b"get sy c e\nnonsense\n", capture_output=True, timeout=20,
            cwd=self.device.folder,
        )
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertIn(b"get sy c e\r\n1\r\n> ", result.stdout)
        self.assertIn(b"nonsense\r\nUnknown command\r\n", result.stdout)


if __name__ == "__main__":
    unittest.main()
