#!/usr/bin/env python3
"""Stores the radio's firmware in the files of a device that takes it from there (`CONFIG_NRF_WIFI_PATCHES_EXTERNAL`).

    zephyr/put_firmware.py /dev/ttyACM0 modules/lib/nrf_wifi/zephyr/blobs/wifi_fw_bins/default/nrf70.bin
    west build -t firmware       the same, with the device's line in OPENZENTRI_LINE

It uses the command UART, because without its firmware the radio does not work. An existing file of that name is
replaced. The device restarts in the end: it loads the radio's firmware at the start.
"""

import argparse
import binascii
import os
import re
import select
import struct
import sys
import termios
import time
import tty
from pathlib import Path

#: The first word of a firmware.
SIGNATURE = 0xDEAD1EAF
#: Bytes that one command carries: fewer than the device's UART buffers.
PIECE = 512
#: Seconds to wait for an answer.
PATIENCE = 30
HEADER = re.compile(rb"(?:^|\n)R([0-9])([0-9]{5})\r\n")


class Device:
    """The command UART, in machine mode."""

    def __init__(self, path, baud):
        self.file = os.open(path, os.O_RDWR | os.O_NOCTTY)
        tty.setraw(self.file, termios.TCSANOW)
        modes = termios.tcgetattr(self.file)
        modes[4] = modes[5] = getattr(termios, f"B{baud}")
        termios.tcsetattr(self.file, termios.TCSANOW, modes)
        # Ends an unfinished line and drops its answer; the frames after that are unambiguous.
        self.send(b"\r\n")
        self.quiet()
        self.run("set system.cmd.mode machine")

    def send(self, data):
        """Sends all of it."""
        while data:
            data = data[os.write(self.file, data) :]

    def quiet(self):
        """Drops received bytes until the line is silent for a while."""
        while select.select([self.file], [], [], 0.5)[0]:
            os.read(self.file, 4096)

    def run(self, command, data=b""):
        """The text of the answer to a command that succeeds."""
        self.send(command.encode() + b"\r\n" + data)
        received, deadline = b"", time.monotonic() + PATIENCE
        while True:
            found = HEADER.search(received)
            if found and len(received) >= found.end() + int(found[2]):
                break
            if not select.select([self.file], [], [], max(0, deadline - time.monotonic()))[0]:
                sys.exit(f"put_firmware: {command}: no answer")
            received += os.read(self.file, 4096)
        text = received[found.end() : found.end() + int(found[2])].decode(errors="replace").strip()
        if found[1] != b"0":
            sys.exit(f"put_firmware: {command}: {text}")
        return text

    def store(self, name, content):
        """Creates the file; an existing one is replaced once the new one is complete and its check sum is right."""
        crc = f"{binascii.crc32(content):08x}"
        handle = self.run(f"file_create -o -r -c {crc} {name} {len(content)}").split()[-1]
        for at in range(0, len(content), PIECE):
            piece = content[at : at + PIECE]
            self.run(f"stream_write {handle} {len(piece)}", piece)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("line", help="serial port of the device's command UART")
    parser.add_argument("firmware", type=Path, help="nrf70.bin")
    parser.add_argument("--baud", type=int, default=115200, help="speed of the line (115200)")
    arguments = parser.parse_args()
    try:
        content = arguments.firmware.read_bytes()
        if len(content) < 4 or struct.unpack_from("<I", content)[0] != SIGNATURE:
            sys.exit(f"put_firmware: {arguments.firmware} is no firmware of the nRF70 series")
        device = Device(arguments.line, arguments.baud)
        device.store("nrf70.bin", content)
        device.run("reboot")
    except (OSError, termios.error, AttributeError) as error:
        sys.exit(f"put_firmware: {error}")
    print(f"{len(content)} bytes: nrf70.bin")


if __name__ == "__main__":
    main()
