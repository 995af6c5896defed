"""C code of the Zephyr port that needs no Zephyr, compiled and run on the host."""

import os
import shutil
import subprocess
import tempfile
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
COMPILER = shutil.which(os.environ.get("CC", "cc"))
PATIENCE = 120


def compiler(*words, **more):
    """Runs the C compiler, with warnings as errors."""
    return subprocess.run(
        [COMPILER, "-std=c11", "-Wall", "-Wextra", "-Werror", *words],
        capture_output=True, text=True, timeout=PATIENCE, check=False, **more,
    )


@unittest.skipUnless(COMPILER, "no C compiler here (cc, or what CC names)")
class Program(unittest.TestCase):
    """zephyr/drivers/NAME.c with tests/zephyr/NAME.c, which runs the test with the given name, or prints the names."""

    name = None
    tests = ()

    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        cls.program = Path(folder.name) / cls.name
        sources = [f"{ROOT}/tests/zephyr/{cls.name}.c", f"{ROOT}/zephyr/drivers/{cls.name}.c"]
        made = compiler("-O1", f"-I{ROOT}/zephyr/drivers", *sources, "-o", str(cls.program))
        assert made.returncode == 0, made.stderr

    def __init_subclass__(cls):
        """The names are listed in Python too, so that a report counts each test."""
        for name in cls.tests:
            setattr(cls, f"test_{name}", lambda self, name=name: self.run_one(name))

    def run_one(self, name):
        """Runs one of the tests."""
        done = subprocess.run([self.program, name], capture_output=True, text=True, timeout=PATIENCE, check=False)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def none_is_forgotten(self):
        """Each test of the program is listed here."""
        named = subprocess.run([self.program], capture_output=True, text=True, timeout=PATIENCE, check=True).stdout
        self.assertEqual(sorted(named.split()), sorted(self.tests))


def report(module, stream):
    """Runs the tests of a module, ends with a line of counts like the other suites, and returns the exit code."""
    suite = unittest.defaultTestLoader.loadTestsFromModule(module)
    result = unittest.TextTestRunner(verbosity=2, stream=stream).run(suite)
    failed, skipped = len(result.failures) + len(result.errors), len(result.skipped)
    print(f"{result.testsRun - failed - skipped} passed, {failed} failed, {skipped} skipped", flush=True)
    return 1 if failed or result.testsRun == 0 else 0
