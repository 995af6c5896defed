#!/usr/bin/env python3
"""Tests of the random numbers without a board: the entropy source, and which builds are refused.

Compiles zephyr/drivers/noise.c with the host's C compiler. Ends with a line of counts like the other suites.
"""

import sys
import unittest

import on_host
from on_host import COMPILER, ROOT, compiler


class Noise(on_host.Program):
    """zephyr/drivers/noise.c with sources that are sound, broken, or break later: tests/zephyr/noise.c."""

    name = "noise"
    tests = [
        "sound_source", "no_false_alarm", "stuck_source", "alternating_source", "biased_source", "exact_cutoffs",
        "cutoffs_out_of_bounds", "fails_later", "run_over_uses", "time_out", "conditioning_fails", "never_started", "texts",
    ]

    def test_none_is_forgotten(self):
        self.none_is_forgotten()


@unittest.skipUnless(COMPILER, "no C compiler here (cc, or what CC names)")
class Builds(unittest.TestCase):
    """zephyr/shim/randomness.h: real randomness or no build."""

    def ask(self, *options):
        """Compiles it with these options set; returns whether it compiles, whether it warns, and the messages."""
        done = compiler(
            "-E", *(f"-DCONFIG_{option}=1" for option in options), f"-I{ROOT}/zephyr/shim", "-x", "c", "-",
            input='#include "randomness.h"\n#ifdef OZ_GUESSABLE\nguessable\n#endif\n',
        )
        return done.returncode == 0, "\nguessable" in done.stdout, done.stderr

    def test_a_board_with_a_driver(self):
        """Compiles without a warning at the start."""
        self.assertEqual(self.ask("CSPRNG_ENABLED")[:2], (True, False))

    def test_a_board_without_a_driver(self):
        """Does not compile, and the message names the remedy."""
        for options in [(), ("TEST_RANDOM_GENERATOR",), ("TEST_RANDOM_GENERATOR", "CSPRNG_ENABLED")]:
            compiles, _, said = self.ask(*options)
            self.assertFalse(compiles, options)
            self.assertIn("no source of random numbers", said)
            self.assertIn("docs/boards/README.md", said)

    def test_simulators(self):
        """Compile and warn at their start."""
        self.assertEqual(self.ask("ARCH_POSIX", "CSPRNG_ENABLED")[:2], (True, True))
        self.assertEqual(self.ask("QEMU_TARGET", "TEST_RANDOM_GENERATOR")[:2], (True, True))

    def test_no_board_asks_for_the_test_generator(self):
        """Except the one that is only emulated."""
        asks = [
            path.name for path in sorted((ROOT / "boards").glob("*.conf"))
            if "CONFIG_TEST_RANDOM_GENERATOR=y" in path.read_text().splitlines()
        ]
        self.assertEqual(asks, ["mps2_an521_cpu0.conf"])


if __name__ == "__main__":
    sys.exit(on_host.report(sys.modules[__name__], sys.stdout))
