"""The transcripts, played on the Linux process: pseudo-terminal, standard input and output, TCP."""

import os
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

from zentri import DeviceCase, binary, free_port

FOLDER = Path(__file__).resolve().parents[1] / "transcripts"
sys.path.insert(0, str(FOLDER))

import run as runner  # noqa: E402
import transcript  # noqa: E402


class Transcripts(unittest.TestCase):
    def test_on_a_pseudo_terminal(self):
        files = sorted(FOLDER.glob("*.txt"))
        self.assertTrue(files)
        for file in files:
            with self.subTest(file.name):
                self.assertIsNone(runner.play(file, runner.LinuxDevice(binary())))

    def test_on_standard_input_and_output(self):
        with tempfile.TemporaryDirectory() as folder:
            wrapper = Path(folder) / "device"
            conditions = " ".join(f"--set '{name}={value}'" for name, value in runner.CONDITIONS.items())
            wrapper.write_text(
                f"#!/bin/sh\nexec '{binary()}' --data data --radio '{FOLDER}/networks' {conditions}\n"
            )
            wrapper.chmod(0o755)
            self.assertIsNone(runner.play(FOLDER / "basics.txt", runner.Program(str(wrapper))))


class AttachedDevice(DeviceCase):
    """`--pty` and `--tcp`: a device that already runs, in any state."""

    http = False

    def run_all(self, *place):
        result = subprocess.run(
            [sys.executable, FOLDER / "run.py", *place, FOLDER / "basics.txt", FOLDER / "join.txt", FOLDER / "basics.txt"],
            capture_output=True, text=True, timeout=50,
        )
        self.assertEqual(result.stdout.splitlines()[-1], "2 passed, 0 failed, 1 skipped", result.stdout + result.stderr)
        self.assertEqual(result.returncode, 0)

    def test_a_terminal(self):
        self.run_all("--pty", self.device.link)

    def test_a_serial_port(self):
        self.run_all("--serial", self.device.link, "--baud", "115200")

    def test_a_tcp_port(self):
        port = free_port()
        device = self.new_device(start=False, serial=f"tcp:{port}")
        device.start()
        self.eventually(lambda: "serial" in device.stderr())
        self.run_all("--tcp", f"127.0.0.1:{port}")


class Runner(unittest.TestCase):
    """The runner must find every difference; here the test itself plays the device."""

    class Line:
        def __init__(self, *outputs):
            self.outputs = list(outputs)
            self.sent = b""
            self.ready = b""

        def send(self, data):
            self.sent += data
            self.ready += self.outputs.pop(0)

        def read(self, _):
            ready, self.ready = self.ready, b""
            return ready

    def play(self, text, *outputs):
        line = self.Line(*outputs)
        transcript.Player(line).play(transcript.parse(text.encode()))
        return line.sent

    def test_agreement(self):
        sent = self.play("# head\n\n> ver\n{word}, {int=n}\n> say {$n}\n{$n}\n", b"ver\r\nx, 42\r\n> ", b"say 42\r\n42\r\n> ")
        self.assertEqual(sent, b"ver\r\nsay 42\r\n")
        self.play("> write 0 3\n>> a\n>x 62 63\nSuccess\n", b"write 0 3\r\nSuccess\r\n> ")
        self.play(">! framing header\n> get x\nR000000\n> y\nL000003\na\nR100003\nb\n", b"R000000\r\n",
                  b"L000003\r\na\r\nR100003\r\nb\r\n")

    def test_differences(self):
        for text, output in [
            ("> ver\nx\n", b"ver\r\ny\r\n> "),
            ("> ver\nx\n", b"ver\r\nx\r\nx\r\n> "),
            ("> ver\nx\nx\n", b"ver\r\nx\r\n> "),
            ("> ver\nx\n", b"x\r\n> "),
            ("> ver\nx.z\n", b"ver\r\nxyz\r\n> "),
            ("> ver\n{int=a} {int=a}\n", b"ver\r\n1 2\r\n> "),
            ("> ver\n{mac}\n", b"ver\r\n4c:55:cc:10:09:42\r\n> "),
            (">! framing header\n> ver\nR000003\nx\n", b"R000003\r\nx\r\n> "),
            (">! framing header\n> ver\nR000003\nx\n", b"R000004\r\nx\r\n"),
        ]:
            with self.assertRaises(transcript.Difference, msg=text):
                transcript.ANSWER, before = 0.3, transcript.ANSWER
                try:
                    self.play(text, output)
                finally:
                    transcript.ANSWER = before

    def test_mistakes(self):
        for text in ("hello\n", "> a\n>! boot\n", ">! nonsense\n", "> a\n>x 1\n", "> a\n>x zz\n", ">! framing echo\n",
                     ">! framing header\nhello\n", ">! wait long\n", ">? a\n"):
            with self.assertRaises(transcript.Mistake, msg=text):
                transcript.parse(text.encode())


if __name__ == "__main__":
    unittest.main()
