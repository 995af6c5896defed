"""`zephyr/put_firmware.py`: the radio's firmware over the command UART."""

import random
import struct
import subprocess
import sys
import unittest
from pathlib import Path

from zentri import DeviceCase

PROGRAM = Path(__file__).resolve().parents[2] / "zephyr" / "put_firmware.py"


class PutFirmware(DeviceCase):
    http = False

    def put(self, content, code=0):
        """Runs the program with a file of this content."""
        firmware = self.device.folder / "firmware.bin"
        firmware.write_bytes(content)
        done = subprocess.run([sys.executable, PROGRAM, self.device.link, firmware], capture_output=True, text=True, timeout=60)
        self.assertEqual(done.returncode, code, done.stderr)
        return done.stdout + done.stderr

    def test_a_firmware_is_there_after_the_restart(self):
        for seed, size in ((1, 87440), (2, 515)):
            content = struct.pack("<I", 0xDEAD1EAF) + random.Random(seed).randbytes(size - 4)
            self.assertIn(f"{size} bytes", self.put(content))
            line = self.device.machine()
            self.assertIn(f"  {size} ", line.ok("ls"))
            handle, got = line.ok("file_open nrf70.bin"), b""
            while len(got) < size:
                got += line.command(f"stream_read {handle} 4000").raw
            self.assertEqual(got, content)
            line.close()

    def test_other_files_are_refused(self):
        for content in (b"", b"\xaf", b"no firmware"):
            self.assertIn("is no firmware", self.put(content, code=1))
        self.assertNotIn("nrf70.bin", self.device.machine().ok("ls"))


    def test_an_occupied_line(self):
        """The device is in its default mode, and somebody has begun to type."""
        person = self.new_device(machine=False)
        console = person.console()
        console.send(b"get wlan.ss")
        console.quiet()
        console.close()
        self.device = person
        self.put(struct.pack("<I", 0xDEAD1EAF) + bytes(1000))
        console = person.console()
        console.send(b"ls\r\n")
        console.read_until(b"nrf70.bin")


if __name__ == "__main__":
    unittest.main()
