"""The cases, how they run, and what they may expect."""

from dataclasses import dataclass
from typing import Callable

from .client import Client
from .frames import Violation

#: Results, named as in the Autobahn Testsuite.
OK, NON_STRICT, INFORMATIONAL, FAILED = "OK", "NON-STRICT", "INFORMATIONAL", "FAILED"

#: Sections by number.
SECTIONS = {
    "1": "Framing: payload lengths",
    "2": "Pings and pongs",
    "3": "Reserved bits",
    "4": "Reserved opcodes",
    "5": "Fragmentation",
    "6": "UTF-8",
    "7": "Closing",
    "9": "Limits and performance",
    "10": "Fragmentation by the sender",
}

#: Seconds to wait for something that must happen at once.
SOON = 5.0


@dataclass
class Outcome:
    """How a case has ended."""

    result: str
    #: The observation, in a few words.
    saw: str


@dataclass
class Case:
    """One case; `body` answers its outcome, or raises an exception that says what is wrong."""

    number: str
    what: str
    body: Callable


#: All cases by number, in the order of the sections.
CASES = {}


def add(number, what, body):
    """Registers a case."""
    assert number not in CASES, number
    CASES[number] = Case(number, what, body)


def case(number, what):
    """Registers the function below as a case."""

    def register(body):
        add(number, what, body)
        return body

    return register


def run_case(number, port, echo):
    """Runs a case against the device whose web server has this port and whose serial line `echo` serves."""
    client = None
    try:
        echo.wait_idle()
        echo.clear()
        client = Client(port)
        outcome = CASES[number].body(Run(client, echo))
        client.drop()
        echo.wait_idle()
        return outcome
    except (AssertionError, OSError, UnicodeDecodeError) as error:
        return Outcome(FAILED, str(error) or type(error).__name__)
    finally:
        if client:
            client.drop()


def shown(data):
    """Bytes in a form for messages, shortened if there are many."""
    return f"{bytes(data[:60])!r}" + (f" ... ({len(data)} bytes)" if len(data) > 60 else "")


class Run:
    """One connection, and the checks for it."""

    def __init__(self, client, echo):
        self.client = client
        self.echo = echo

    def send(self, *frames, chop=None):
        """Sends frames, see `Client.send_frames`."""
        self.client.send_frames(*frames, chop=chop)

    def expect_echo(self, payload=b"", pongs=(), seconds=SOON):
        """The payload must come back with these pongs; then a clean close with code 1000 must be possible."""
        client = self.client
        client.wait(lambda: len(client.echoed) >= len(payload) and len(client.pongs) >= len(pongs), seconds)
        if client.echoed != payload:
            raise Violation(f"{shown(payload)} came back as {shown(client.echoed)}")
        self.check_pongs(pongs)
        late = [pong for pong, at in client.pongs if payload and at >= len(payload)]
        if late:
            raise Violation(f"the pong {late[0]!r} came after the message")
        self.close_cleanly()
        self.check_pongs(pongs)
        if client.echoed != payload:
            raise Violation("more came back than was sent")
        self.check_delivered([payload])
        seen = [f"{len(payload)} bytes"] if payload else []
        seen += [f"{len(pongs)} pong" + "s" * (len(pongs) > 1)] if pongs else []
        return Outcome(OK, ", ".join([*seen, "closed with 1000"]))

    def close_cleanly(self):
        """This side closes with 1000; the device must echo the code and end the TCP connection."""
        self.client.send_close(1000)
        self.expect_close([1000], by_device=False)

    def expect_close(self, codes, by_device):
        """A close frame with one of these codes (None: without a code) must come, then the end of TCP."""
        client = self.client
        client.wait_closed(SOON)
        if client.close_code is False:
            raise Violation("no close frame came")
        if client.failed_by_device != by_device:
            raise Violation(f"the {'client' if by_device else 'device'} was not the first to close")
        if client.close_code not in codes:
            raise Violation(f"closed with {client.close_code}, not with {codes}")
        if not client.ended or client.was_reset:
            raise Violation("the device has not ended the TCP connection in order")

    def expect_failed(self, code=1002, before=b"", partly=b""):
        """The device must fail the connection at once. The bytes sent `before` may have come back and must have reached
        the host; of the wrong message, at most the beginning `partly` may have reached it."""
        client = self.client
        self.expect_close([code], by_device=True)
        self.check_pongs(())
        self.check_delivered([before + partly[:count] for count in range(len(partly) + 1)])
        if client.echoed in [before + partly[:count] for count in range(len(partly) + 1)]:
            return Outcome(OK, f"{len(before)} bytes, " * bool(before) + f"failed with {code}")
        if before.startswith(client.echoed):
            return Outcome(NON_STRICT, f"failed with {code} before the host had written the echo")
        raise Violation(f"{shown(client.echoed)} came back")

    def check_pongs(self, pongs):
        """Exactly these pongs must have come, in this order."""
        came = [pong for pong, _ in self.client.pongs]
        if came != list(pongs):
            raise Violation(f"pongs {came!r} instead of {list(pongs)!r}")

    def check_delivered(self, choices):
        """At the end the host must have received one of these."""
        self.echo.wait_idle()
        if self.echo.received not in choices:
            raise Violation(f"the host has received {shown(self.echo.received)}, not {shown(choices[-1])}")
