#!/usr/bin/env python3
"""Plays transcripts against a device.

    run.py --start PROGRAM [FILE]...      a Linux device for each transcript: fresh folder, pseudo-terminal
    run.py --stdio 'COMMAND' [FILE]...    a program whose standard input and output are the serial line
    run.py --pty PATH [FILE]...           a device at a terminal
    run.py --serial /dev/ttyACM0 [FILE]...  a board at a serial port, 115200 baud or --baud
    run.py --tcp HOST:PORT [FILE]...      a device behind a TCP port

Without files: all of this folder. A device that is not started here is asked for factory conditions as far as commands
can; transcripts that need its start are skipped.
"""

import argparse
import os
import select
import shlex
import signal
import socket
import subprocess
import sys
import tempfile
import termios
import time
import tty
from pathlib import Path

from transcript import Difference, Mistake, Player, parse

FOLDER = Path(__file__).resolve().parent
#: The variables from which a transcript starts.
CONDITIONS = {
    "wlan.auto_join.enabled": "0",
    "http.server.enabled": "0",
    "ntp.enabled": "0",
    "wlan.ssid": "",
}


class Line:
    """Bytes over file descriptors."""

    def __init__(self, source, sink=None, owner=None):
        self.source = source
        self.sink = source if sink is None else sink
        self.owner = owner
        os.set_blocking(self.source, False)

    def send(self, data):
        """Sends all bytes."""
        while data:
            select.select([], [self.sink], [], 10)
            try:
                data = data[os.write(self.sink, data) :]
            except BlockingIOError:
                pass

    def read(self, seconds):
        """The next bytes; empty if none come in that time."""
        readable, _, _ = select.select([self.source], [], [], seconds)
        if not readable:
            return b""
        try:
            data = os.read(self.source, 65536)
        except BlockingIOError:
            return b""
        except OSError:
            data = b""
        if not data:
            raise Difference("the serial line has ended")
        return data


def open_terminal(path):
    """Opens a terminal in raw mode; keeps what was already received."""
    fd = os.open(path, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
    tty.setraw(fd, termios.TCSANOW)
    return Line(fd)


def open_serial(path, baud):
    """Opens a serial port: eight bits, no parity, no flow control, as on boards before `uart.flow` is set."""
    speed = getattr(termios, f"B{baud}", None)
    if speed is None:
        sys.exit(f"run.py: {baud} baud is not a speed that a terminal has here")
    line = open_terminal(path)
    fd = line.source
    values = termios.tcgetattr(fd)
    values[2] |= termios.CS8 | termios.CREAD | termios.CLOCAL
    values[2] &= ~(termios.CRTSCTS | termios.PARENB | termios.CSTOPB)
    values[4] = values[5] = speed
    termios.tcsetattr(fd, termios.TCSANOW, values)
    # Drops the unfinished input of an earlier program, and its output.
    termios.tcflush(fd, termios.TCIOFLUSH)
    return line


class Attached:
    """A device that is already running."""

    can_start = False

    def __init__(self, line):
        self.line = line

    def begin(self):
        """Brings the device close to factory conditions: human mode, no streams, the variables of `CONDITIONS`."""
        self.line.send(b"\r\n")
        time.sleep(0.2)
        commands = ["set system.cmd.mode human", "network_down", "close all"]
        commands += [f'set {name} "{value}"' for name, value in CONDITIONS.items()]
        for command in commands:
            self.line.send(command.encode() + b"\r\n")
            while self.line.read(0.3):
                pass
        return self.line

    def end(self):
        """Leaves the device alone."""


class Started:
    """A process for each transcript."""

    can_start = True

    def __init__(self):
        self.process = None
        self.folder = None
        self.line = None

    def begin(self):
        """Starts a fresh device."""
        self.folder = tempfile.TemporaryDirectory(prefix="openzentri-transcript-")
        self.start()
        # A restart replaces the line; the player keeps this object.
        return self

    def send(self, data):
        """See `Line`."""
        self.line.send(data)

    def read(self, seconds):
        """See `Line`."""
        return self.line.read(seconds)

    def restart(self):
        """Cuts the power and starts again."""
        self.kill()
        self.start()

    def kill(self):
        """Ends the process at once."""
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        for fd in {self.line.source, self.line.sink}:
            os.close(fd)

    def end(self):
        """Ends the process and deletes its files."""
        self.kill()
        self.folder.cleanup()


class LinuxDevice(Started):
    """The Linux process with a pseudo-terminal."""

    def __init__(self, program):
        super().__init__()
        self.program = os.path.abspath(program)

    def start(self):
        link = Path(self.folder.name) / "uart"
        line = [self.program, "--data", f"{self.folder.name}/data", "--serial", f"pty:{link}"]
        line += ["--radio", str(FOLDER / "networks")]
        for name, value in CONDITIONS.items():
            line += ["--set", f"{name}={value}"]
        link.unlink(missing_ok=True)
        self.process = subprocess.Popen(
            line, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, cwd=self.folder.name, start_new_session=True
        )
        deadline = time.monotonic() + 10
        while not link.exists():
            if self.process.poll() is not None:
                raise RuntimeError(self.process.stderr.read().decode("utf-8", "replace"))
            if time.monotonic() > deadline:
                raise RuntimeError("the device's terminal did not appear")
            time.sleep(0.005)
        self.line = open_terminal(link)

    def kill(self):
        super().kill()
        self.process.stderr.close()


class Program(Started):
    """Any program on standard input and output, for instance native_sim."""

    def __init__(self, command):
        super().__init__()
        self.command = shlex.split(command)

    def start(self):
        self.process = subprocess.Popen(
            self.command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=self.folder.name, start_new_session=True,
            bufsize=0,
        )
        self.line = Line(os.dup(self.process.stdout.fileno()), os.dup(self.process.stdin.fileno()))
        self.process.stdout.close()
        self.process.stdin.close()


def device(arguments):
    """The device that the arguments name."""
    if arguments.start:
        return LinuxDevice(arguments.start)
    if arguments.stdio:
        return Program(arguments.stdio)
    if arguments.pty:
        return Attached(open_terminal(arguments.pty))
    if arguments.serial:
        return Attached(open_serial(arguments.serial, arguments.baud))
    host, _, port = arguments.tcp.rpartition(":")
    connection = socket.create_connection((host, int(port)), timeout=10)
    return Attached(Line(connection.fileno(), owner=connection))


def play(file, place, slack=1.0, values=None):
    """Plays one transcript with these values of names; returns why it could not be played, or `None`."""
    steps = parse(file.read_bytes())
    if not place.can_start and any(step.kind in ("boot", "restart") for step in steps):
        return "needs the start of the device"
    try:
        line = place.begin()
        player = Player(line, getattr(place, "restart", None), values, slack)
        if place.can_start and steps[0].kind != "boot":
            player.until_prompt()
        player.play(steps)
    finally:
        place.end()
    return None


def main():
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    place = parser.add_mutually_exclusive_group(required=True)
    place.add_argument("--start", metavar="PROGRAM")
    place.add_argument("--stdio", metavar="COMMAND")
    place.add_argument("--pty", metavar="PATH")
    place.add_argument("--serial", metavar="DEVICE")
    place.add_argument("--tcp", metavar="HOST:PORT")
    parser.add_argument("--baud", type=int, default=115200, help="of --serial")
    parser.add_argument("--slack", type=float, default=1.0, help="how many times slower than usual the device may be")
    parser.add_argument("files", nargs="*", type=Path)
    arguments = parser.parse_args()
    files = arguments.files or sorted(FOLDER.glob("*.txt"))
    counts = {"passed": 0, "failed": 0, "skipped": 0}
    where = device(arguments)
    for file in files:
        try:
            reason = play(file, where, arguments.slack)
            result = "skipped" if reason else "passed"
        except (Difference, Mistake) as problem:
            reason, result = problem, "failed"
        counts[result] += 1
        print(f"{result} {file.name}" + (f": {reason}" if reason else ""), flush=True)
    print(", ".join(f"{count} {result}" for result, count in counts.items()))
    return 1 if counts["failed"] else 0


if __name__ == "__main__":
    sys.exit(main())
