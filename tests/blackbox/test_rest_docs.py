"""Runs the examples of docs/rest.md, from the first to the last, against one device."""

import os
import re
import shutil
import subprocess
import unittest
from pathlib import Path

from test_rest import RestCase

PAGE = Path(__file__).resolve().parents[2] / "docs" / "rest.md"

#: A block to run, and the block right after it with its output.
EXAMPLE = re.compile(r"^```sh\n(.*?)^```\n(?:```\n(.*?)^```\n)?", re.MULTILINE | re.DOTALL)


def pattern(expected):
    """The expected output of an example. `...` stands for any text; blanks at the ends do not count."""
    return ".*?".join(re.escape(part) for part in expected.strip().split("..."))


@unittest.skipUnless(shutil.which("curl"), "curl is not installed")
class Examples(RestCase):
    settings = {"stream.auto_close": "0"}

    def test_every_example_does_what_the_page_says(self):
        examples = EXAMPLE.findall(PAGE.read_text("utf-8"))
        self.assertGreater(len(examples), 10)
        environment = os.environ | {"DEVICE": self.rest.base, "NO_PROXY": "*", "no_proxy": "*"}
        for script, expected in examples:
            with self.subTest(script):
                answer = subprocess.run(
                    ["sh", "-eu", "-c", script], env=environment, capture_output=True, text=True, timeout=30
                )
                self.assertEqual((answer.returncode, answer.stderr), (0, ""), answer.stdout)
                if expected:
                    self.assertRegex(answer.stdout.strip(), re.compile(f"^{pattern(expected)}$", re.DOTALL))
