"""The WebSocket at `/stream` against cases in the numbering of the Autobahn Testsuite; see `websocket_cases`.

Each case is a test: `tests/blackbox/run test_websocket.Section2.test_2_10`. With OPENZENTRI_WRITE_DOCS=1 a run of all of
them writes docs/websocket-report.md.
"""

import os
import signal
import unittest

from websocket_cases import CASES, FAILED, INFORMATIONAL, NON_STRICT, OK, SECTIONS, Echo, report, run_case
from zentri import Device
from zentri.case import TimeIsUp

#: Seconds for one case.
LIMIT = 90

outcomes = {}
#: The names and versions that the devices report.
versions = set()


class Section(unittest.TestCase):
    """One device for all cases of a section; each case is a connection."""

    @classmethod
    def setUpClass(cls):
        cls.device = Device()
        cls.addClassCleanup(cls.device.close)
        cls.device.start().wait_http()
        line = cls.device.machine()
        line.ok("set system.print_level 0")
        versions.add(line.ok("version"))
        cls.echo = Echo(line)
        cls.addClassCleanup(cls.finish)

    @classmethod
    def finish(cls):
        """The host must have served the streams until now, and the device must end without a failure."""
        error = cls.echo.stop()
        said = cls.device.stderr()
        if error or "panicked" in said or cls.device.stop() != 0:
            raise AssertionError(f"host: {error!r}, device: {said}")

    def run_number(self, number):
        """Runs one case: every result except a failure is a pass."""

        def expired(*_):
            raise TimeIsUp(f"case {number} took longer than {LIMIT} s")

        signal.signal(signal.SIGALRM, expired)
        signal.alarm(LIMIT)
        self.addCleanup(signal.alarm, 0)
        outcome = outcomes[number] = run_case(number, self.device.http_port, self.echo)
        self.assertNotEqual(outcome.result, FAILED, f"{CASES[number].what} {outcome.saw}")


def test_of(number):
    """A test method for a case."""

    def method(self):
        self.run_number(number)

    method.__doc__ = f"{number}: {CASES[number].what}"
    return method


def sections():
    """A class for each section."""
    for section in SECTIONS:
        numbers = [number for number in CASES if number.split(".")[0] == section]
        # unittest runs the tests of a class in the order of their names.
        methods = {f"test_{number.replace('.', '_')}": test_of(number) for number in numbers}
        yield f"Section{section}", type(f"Section{section}", (Section,), methods | {"__module__": __name__})


globals().update(sections())
del Section


class TheReport(unittest.TestCase):
    """Its name puts it after the sections, because unittest sorts by name."""

    def test_the_committed_report_lists_these_cases(self):
        if os.environ.get("OPENZENTRI_WRITE_DOCS") and outcomes.keys() == CASES.keys():
            report.write(", ".join(sorted(versions)), outcomes)
        rows, numbers = report.committed()
        self.assertEqual(len(rows), len(numbers), "a case is listed twice")
        self.assertEqual({number: what for number, (what, _) in rows.items()},
                         {number: case.what for number, case in CASES.items()})
        self.assertEqual(numbers, sorted(numbers, key=report.order))
        self.assertLessEqual({result for _, result in rows.values()}, {OK, NON_STRICT, INFORMATIONAL})


if __name__ == "__main__":
    unittest.main()
