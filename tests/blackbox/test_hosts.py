"""Programs of other projects, examples of vendor documents: each dialogue of tests/hosts against the Linux process."""

import sys
import unittest
from pathlib import Path

from zentri import binary

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "hosts"))

from player import data, suite  # noqa: E402


class Hosts(unittest.TestCase):
    """Has one test for each dialogue. The dialogues run in parallel, since they wait most of the time."""

    runs = {}

    @classmethod
    def setUpClass(cls):
        cls.runs = {run.name: run for run in suite.play_all(binary())}

    def check(self, name):
        run = self.runs[name]
        self.assertEqual(run.failures(), [])
        if not run.count("ok"):
            self.skipTest("all of it needs what is not built")

    def test_what_is_built_does_not_hide(self):
        self.assertEqual(suite.hidden(self.runs.values()), [])


def add(name):
    """Adds the test of a dialogue."""
    word = "".join(letter if letter.isalnum() else "_" for letter in name)
    setattr(Hosts, f"test_{word}", lambda self: self.check(name))


for dialogue in data.programs() + data.documents():
    add(dialogue.get("name") or dialogue["source"])


if __name__ == "__main__":
    unittest.main()
