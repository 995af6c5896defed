"""The C program of docs/host-quickstart.md, compiled as the page says and run against a device."""

import re
import shlex
import shutil
import socket
import subprocess
import threading
import unittest
from pathlib import Path

from zentri import DeviceCase

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs/host-quickstart.md").read_text()


@unittest.skipUnless(shutil.which("cc"), "no C compiler")
class Quickstart(DeviceCase):
    """The program must work whatever state a previous host has left the line in."""

    machine = False

    def setUp(self):
        super().setUp()
        compiler = re.search(r"^(cc .*)$", PAGE, re.M)[1]
        self.program = self.device.folder / "quickstart"
        words = [str(self.program) if word == "quickstart" else word for word in shlex.split(compiler)]
        subprocess.run(words, cwd=ROOT, check=True)
        self.server = socket.create_server(("127.0.0.1", 0))
        self.addCleanup(self.server.close)
        self.port = self.server.getsockname()[1]

    def serve_one(self, answer):
        """Answers one client with what `answer` makes of its bytes."""

        def run():
            peer, _ = self.server.accept()
            with peer:
                peer.sendall(answer(peer.recv(1000)))
                peer.recv(1)

        thread = threading.Thread(target=run, daemon=True)
        thread.start()
        return thread

    def run_it(self, port, text="hello"):
        """Runs the program to its end."""
        arguments = [self.program, self.device.link, "127.0.0.1", str(port), text]
        return subprocess.run(arguments, capture_output=True, text=True, timeout=50)

    def test_a_line_goes_there_and_an_answer_comes_back(self):
        for _ in range(2):
            server = self.serve_one(lambda data: data[::-1])
            done = self.run_it(self.port)
            self.assertEqual((done.returncode, done.stdout), (0, "olleh\n"), done.stderr)
            server.join(10)

    def test_half_a_line_of_a_former_host(self):
        with open(self.device.link, "wb", buffering=0) as line:
            line.write(b"get wlan.ss")
        self.serve_one(lambda data: data)
        self.assertEqual(self.run_it(self.port).stdout, "hello\n")

    def test_nobody_at_the_other_end(self):
        self.server.close()
        done = self.run_it(self.port)
        self.assertEqual((done.returncode, done.stdout, done.stderr), (1, "", "quickstart: Command failed\n"))


class Length(unittest.TestCase):
    """The program must be as short as the page promises."""

    def test_under_a_hundred_lines(self):
        self.assertLess(len((ROOT / "clients/c/quickstart.c").read_text().splitlines()), 100)


if __name__ == "__main__":
    unittest.main()
