"""Files over the serial line and REST, and their state after a power cut (interface, files)."""

import random
import time
import unittest

from zentri import DeviceCase

CRC_EXAMPLES = {b"123456789": "89F6", b"A": "503A", b"hello": "42D3", b"\xff" * 4: "1D0F", bytes(range(256)): "C3F3"}


class Files(DeviceCase):
    http = False

    def setUp(self):
        super().setUp()
        self.line = self.device.machine()

    def names(self):
        """The names in `ls`."""
        return [row[23:] for row in self.line.ok("ls").split("\r\n")[1:]]

    def read_file(self, name):
        """The content of a file."""
        handle = self.line.ok(f'fop "{name}"')
        content = b""
        while True:
            response = self.line.command(f"read {handle} 4000")
            if response.code != 0 or not response.data:
                return content
            content += response.raw

    def test_listing_is_aligned(self):
        line = self.line
        line.ok("fcr webapp/index.html 1995 1.5.0", b"x" * 1995)
        line.ok("fcr webapp/zentrios.css.gz 22670 1.5.0.13", b"y" * 22670)
        self.assertEqual(line.ok("ls").split("\r\n"), [
            "!  #   Size   Version  Filename",
            "#  0   1995     1.5.0  webapp/index.html",
            "#  1  22670  1.5.0.13  webapp/zentrios.css.gz",
        ])
        for row, name in zip(line.ok("ls -v").split("\r\n")[1:], ("webapp/index.html", "webapp/zentrios.css.gz")):
            fields = row.split()
            self.assertEqual(fields[0], "#")
            self.assertEqual(fields[2], "e-FE")
            int(fields[3], 16)
            self.assertEqual(fields[7], name)

    def test_crc_is_checked(self):
        for content, crc in CRC_EXAMPLES.items():
            self.line.ok(f"fcr -o c {len(content)} 1.0.0 FE {crc}")
            self.assertEqual(self.line.command(f"write 0 {len(content)}", content).code, 0, crc)
            self.assertEqual(self.read_file("c"), content)
            self.line.ok("fde c")
            self.line.ok(f"fcr -o c {len(content)} 1.0.0.0 0xFE 0x{int(crc, 16) ^ 1:x}")
            self.assertEqual(self.line.command(f"write 0 {len(content)}", content).code, 1)
            self.assertEqual(self.names(), [])

    def test_a_stream_ends_with_its_file(self):
        line = self.line
        line.ok("fcr a 5", b"abcde")
        self.assertEqual(line.ok("fop a"), "0")
        self.assertRegex(line.ok("list 0"), r"# 0 FILE  a-1\.0\.0(\.0)? \(5, 0\)$")
        self.assertEqual(line.command("read 0 2").raw, b"ab")
        self.assertEqual(line.ok("poll 0"), "1")
        self.assertEqual(line.command("read 0 100").raw, b"cde")
        self.assertEqual(line.command("read 0 1").code, 1, "closed by itself")

    def test_an_incomplete_file_vanishes(self):
        line = self.line
        line.ok("fcr -o a 10")
        line.ok("write 0 4", b"abcd")
        self.assertEqual(self.names(), [])
        line.ok("close 0")
        self.assertEqual(self.names(), [])
        line.ok("fcr -o a 10")

    def test_existing_names_and_missing_files(self):
        line = self.line
        line.ok("set system.print_level all")
        line.ok("fcr a 1", b"x")
        response = line.command("fcr -o a 1")
        self.assertEqual((response.code, response.logs), (1, ["File already exists"]))
        for command in ("fop b", "fde b"):
            response = line.command(command)
            self.assertEqual((response.code, response.text, response.logs), (1, "Command failed", ["File not found"]))

    def test_odd_names(self):
        line = self.line
        for name in ("folder/", ".hidden", "two  words", "a" * 60, "webapp/1.5.0.13/zentrios.css.gz", "ü"):
            line.ok(f'fcr "{name}" 1', b"#")
            self.assertIn(name, self.names())
            self.assertEqual(self.read_file(name), b"#")
            line.ok(f'fde "{name}"')
        self.assertNotEqual(line.command(f"fcr -o {'n' * 97} 1").code, 0)

    def test_files_survive_a_power_cut(self):
        line = self.line
        generator = random.Random(11)
        files = {}
        for number in range(12):
            size = generator.choice([0, 1, 4095, 4096, 4097, 20_000])
            files[f"f{number}"] = generator.randbytes(size)
            line.ok(f"fcr f{number} {size}", files[f"f{number}"])
        line.ok("fde f3")
        del files["f3"]
        line.ok("fcr -o incomplete 100")
        line.ok("write 0 50", b"x" * 50)
        self.device.kill()
        self.device.start()
        self.line = self.device.machine()
        self.assertEqual(sorted(self.names()), sorted(files))
        for name, content in files.items():
            self.assertEqual(self.read_file(name) if content else b"", content)

    def test_a_power_cut_at_any_time_leaves_whole_files(self):
        for turn in range(10):
            line = self.device.machine()
            self.line = line
            for name in self.names():
                self.assertEqual(self.read_file(name), name.encode() * 5000, "found files are whole")
            name = f"t{turn}"
            content = name.encode() * 5000
            line.send(f"fcr {name} {len(content)}\r\n".encode() + content)
            time.sleep(0.0008 * turn)
            self.device.kill()
            self.device.start()

    def test_the_flash_is_bounded(self):
        device = self.new_device(arguments=["--flash", "64K"])
        line = device.machine()
        line.ok("set system.print_level all")
        created = 0
        while True:
            response = line.command(f"fcr -o f{created} 8192")
            if response.code != 0:
                break
            if line.command("write 0 8192", b"x" * 8192).code != 0:
                break
            created += 1
            self.assertLess(created, 9)
        self.assertGreater(created, 3)
        line.command("close all")
        self.assertEqual(line.ok("ls").count("\r\n"), created)
        line.ok("fde f0")
        line.ok("fcr f0 8192", b"y" * 8192)

    def test_format(self):
        line = self.line
        line.ok("fcr a 1", b"x")
        mac = line.ok("get wlan.mac")
        self.assertEqual(line.command("format extended 00:11:22:33:44:55").code, 7)
        self.assertEqual(self.names(), ["a"])
        line.ok(f"format extended {mac}")
        self.assertEqual(self.names(), [])

    def test_several_at_once(self):
        line = self.line
        for number in range(4):
            line.ok(f"fcr -o f{number} 100")
        for part in range(10):
            for number in range(4):
                line.ok(f"write {number} 10", b"%d" % number * 10)
        for number in range(4):
            self.assertEqual(self.read_file(f"f{number}"), b"%d" % number * 100)
        line.ok("fop f0")
        line.ok("fop f0")
        self.assertEqual(line.command("read 0 10").raw, b"0" * 10)
        self.assertEqual(line.command("read 1 20").raw, b"0" * 20)

    def test_a_file_that_is_read_can_be_deleted(self):
        line = self.line
        line.ok("fcr a 10", b"0123456789")
        line.ok("fop a")
        self.assertEqual(line.command("read 0 4").raw, b"0123")
        response = line.command("fde a")
        if response.code == 0:
            rest = line.command("read 0 10")
            self.assertIn((rest.code, rest.raw if rest.code == 0 else b""), [(0, b"456789"), (1, b"")])
        line.ok("close all")


if __name__ == "__main__":
    unittest.main()
