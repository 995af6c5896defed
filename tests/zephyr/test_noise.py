#!/usr/bin/env python3
"""What of the random numbers can be tested without a board: the entropy source, and which builds are refused.

Compiles zephyr/drivers/noise.c with the host's C compiler. Ends with a line of counts, as the other suites do.
"""

import os
import shutil
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
COMPILER = shutil.which(os.environ.get("CC", "cc"))
PATIENCE = 120


def compiler(*words, **more):
    """Runs the C compiler, warnings being errors."""
    return subprocess.run(
        [COMPILER, "-std=c11", "-Wall", "-Wextra", "-Werror", *words],
        capture_output=True, text=True, timeout=PATIENCE, check=False, **more,
    )


@unittest.skipUnless(COMPILER, "no C compiler here (cc, or what CC names)")
class Noise(unittest.TestCase):
    """zephyr/drivers/noise.c with sources that are sound, broken, or break later: tests/zephyr/noise.c."""

    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        cls.program = Path(folder.name) / "noise"
        made = compiler(
            "-O1", f"-I{ROOT}/zephyr/drivers", f"{ROOT}/tests/zephyr/noise.c", f"{ROOT}/zephyr/drivers/noise.c",
            "-o", str(cls.program),
        )
        assert made.returncode == 0, made.stderr

    def names(self):
        """The tests that the program has."""
        return subprocess.run([self.program], capture_output=True, text=True, timeout=PATIENCE, check=True).stdout.split()

    def run_one(self, name):
        """Runs one of them."""
        done = subprocess.run([self.program, name], capture_output=True, text=True, timeout=PATIENCE, check=False)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def test_none_is_forgotten(self):
        """Each test of the program is one here."""
        self.assertEqual(sorted(self.names()), sorted(TESTS))


# The names stand here, too, so that a report counts each of them.
TESTS = [
    "sound_source", "no_false_alarm", "stuck_source", "alternating_source", "biased_source", "exact_cutoffs",
    "cutoffs_out_of_bounds", "fails_later", "run_over_uses", "time_out", "conditioning_fails", "never_started", "texts",
]
for _name in TESTS:
    setattr(Noise, f"test_{_name}", lambda self, name=_name: self.run_one(name))


@unittest.skipUnless(COMPILER, "no C compiler here (cc, or what CC names)")
class Builds(unittest.TestCase):
    """zephyr/shim/randomness.h: real randomness or no build."""

    def ask(self, *options):
        """Compiles it with these options set; answers whether it compiles, whether it warns, and what is said."""
        done = compiler(
            "-E", *(f"-DCONFIG_{option}=1" for option in options), f"-I{ROOT}/zephyr/shim", "-x", "c", "-",
            input='#include "randomness.h"\n#ifdef OZ_GUESSABLE\nguessable\n#endif\n',
        )
        return done.returncode == 0, "\nguessable" in done.stdout, done.stderr

    def test_a_board_with_a_driver(self):
        """Compiles and has nothing to warn of."""
        self.assertEqual(self.ask("CSPRNG_ENABLED")[:2], (True, False))

    def test_a_board_without_a_driver(self):
        """Does not compile, and the message says what to do."""
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
        """But the one that is only emulated."""
        asks = [
            path.name for path in sorted((ROOT / "boards").glob("*.conf"))
            if "CONFIG_TEST_RANDOM_GENERATOR=y" in path.read_text().splitlines()
        ]
        self.assertEqual(asks, ["mps2_an521_cpu0.conf"])


def main():
    """Answers the exit code."""
    suite = unittest.defaultTestLoader.loadTestsFromModule(sys.modules[__name__])
    result = unittest.TextTestRunner(verbosity=2, stream=sys.stdout).run(suite)
    failed, skipped = len(result.failures) + len(result.errors), len(result.skipped)
    print(f"{result.testsRun - failed - skipped} passed, {failed} failed, {skipped} skipped", flush=True)
    return 1 if failed or result.testsRun == 0 else 0


if __name__ == "__main__":
    sys.exit(main())
