#!/usr/bin/env python3
"""Tests of the file format of the radio's firmware, with the host's C compiler. Ends with a line of counts."""

import sys

import on_host


class Firmware(on_host.Program):
    """zephyr/drivers/radio_firmware.c with complete and broken files: tests/zephyr/radio_firmware.c."""

    name = "radio_firmware"
    tests = [
        "whole_firmware", "nothing_behind_it", "cut_off", "another_file", "wrong_lengths", "reading_fails", "storing_fails",
    ]

    def test_none_is_forgotten(self):
        self.none_is_forgotten()


if __name__ == "__main__":
    sys.exit(on_host.report(sys.modules[__name__], sys.stdout))
