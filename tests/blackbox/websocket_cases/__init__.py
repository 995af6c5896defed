"""Cases for a WebSocket server, in the numbering of the Autobahn Testsuite (its sections 1 to 7, 9 and 10).

Each module registers the cases of its sections in `CASES`; `run_case` runs one of them against a device whose serial
line is served by an `Echo`. The cases use only the standard library: they write and read frames by hand, so that frames
can be wrong.
"""

from .case import CASES, FAILED, INFORMATIONAL, NON_STRICT, OK, SECTIONS, Outcome, run_case
from .echo import Echo
from . import framing, pings, reserved, fragments, text, sequences, closing, limits, report  # noqa: F401

__all__ = ["CASES", "FAILED", "INFORMATIONAL", "NON_STRICT", "OK", "SECTIONS", "Echo", "Outcome", "report", "run_case"]
