"""The report: `docs/websocket-report.md`, written by the suite and read by its check."""

import re
from pathlib import Path

from .case import CASES, FAILED, INFORMATIONAL, NON_STRICT, OK, SECTIONS

PATH = Path(__file__).resolve().parents[3] / "docs" / "websocket-report.md"

HEAD = """\
# WebSocket report

The device's WebSocket server (`/stream`, RFC 6455) against the cases in `tests/blackbox/websocket_cases`. They follow the
numbering and the meaning of the Autobahn Testsuite, sections 1 to 7, 9 and 10; they were written for this device, and
nothing of that suite runs here.

- Device: `{version}`, the Linux process.
- {counts}.

This file is written by the suite; a test fails when it does not name exactly the cases that there are. All of it again, in
half a minute:

```sh
cargo build
OPENZENTRI_WRITE_DOCS=1 tests/blackbox/run test_websocket
```

## What an echo is here

The device is no echo server: what a WebSocket brings goes into a stream, and a host on the serial line reads it. Here
that host (machine mode, `stream_poll`, `stream_read`, `stream_write`) writes back what it has read. A stream keeps no
boundaries of frames and messages and no types, and each write of the host is one binary message. So:

- "came back" means: the same bytes in the same order, in binary messages cut anywhere. Of a text as of a binary message.
- A message without bytes leaves no trace in a stream. It must not disturb: the connection goes on and is closed in order.
  In 9.7.1 and 9.8.1 a ping behind each such message is answered.
- A message is handed on while it comes, so its beginning may come back before its end is sent. A pong to a ping within a
  message must come before the end of the echo. Of a text that turns out to be wrong the right beginning may have reached
  the host; the wrong piece and what is behind it must not.
- Beyond the originals, each case checks what the host has received: exactly what was sent before the connection was
  closed or failed, and nothing after it.

All else is judged as in the original: the close code, that the connection fails at once, the payload and the order of
pongs, that the device ends the TCP connection after the close frames. A failed connection must tell its code (the
original also takes a TCP connection that is just dropped).

## Results

- OK: as the case wants it.
- NON-STRICT: allowed, but the original likes something else better. Here: where a right message and a wrong frame come
  together, the echo before the failure. The host gets the message, but the connection has failed before it can answer.
  Whether such a case (3.2 to 3.4, 4.1.3 to 4.1.5, 4.2.3 to 4.2.5, 5.15) is OK or NON-STRICT is a matter of timing.
- INFORMATIONAL: the RFC leaves it open; what happens is only written down.
- FAILED: none of these.
"""


def order(number):
    """Sorts 2.10 after 2.9."""
    return [int(part) for part in number.split(".")]


def write(version, outcomes):
    """Writes the report of all cases."""
    counts = {name: 0 for name in (OK, NON_STRICT, INFORMATIONAL, FAILED)}
    for outcome in outcomes.values():
        counts[outcome.result] += 1
    total = f"{len(outcomes)} cases: " + ", ".join(f"{count} {name}" for name, count in counts.items())
    text = HEAD.format(version=version, counts=total)
    for section, title in SECTIONS.items():
        text += f"\n### {section}. {title}\n\n| case | what | result | seen |\n| --- | --- | --- | --- |\n"
        for number in sorted((number for number in CASES if number.split(".")[0] == section), key=order):
            outcome = outcomes[number]
            seen = outcome.saw.replace("|", "\\|")
            text += f"| {number} | {CASES[number].what} | {outcome.result} | {seen} |\n"
    PATH.write_text(text, "utf-8")


def committed():
    """The content of the report: number to (what, result), and the numbers in its order."""
    rows = re.findall(r"(?m)^\| ([\d.]+) \| (.*?) \| ([A-Z-]+) \| .* \|$", PATH.read_text("utf-8"))
    return {number: (what, result) for number, what, result in rows}, [row[0] for row in rows]
