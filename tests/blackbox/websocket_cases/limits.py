"""Sections 9 and 10: long messages, many fragments, many small pieces, many round trips."""

from .case import OK, Outcome, Violation, add
from .frames import BINARY, PING, TEXT, fragmented, frame
from .payload import payload

KIB, MIB = 1024, 1024 * 1024

#: Seconds for each of these cases, on a slow machine; a fast one needs less than one.
PATIENCE = 60.0

ROUNDS = 1000


def sized(count):
    """A number of bytes in readable form."""
    return f"{count // MIB} MiB" if count >= MIB else f"{count // KIB} KiB" if count >= KIB else f"{count} bytes"


def whole(kind, length, chop=None):
    """One frame, perhaps in small pieces."""

    def body(run):
        data = payload(kind, length)
        sent(run, frame(kind, data), chop)
        return run.expect_echo(data, seconds=PATIENCE)

    return body


def in_fragments(kind, length, size):
    """One message in fragments of the same size."""

    def body(run):
        data = payload(kind, length)
        sent(run, b"".join(fragmented(kind, data, size)))
        return run.expect_echo(data, seconds=PATIENCE)

    return body


def sent(run, wire, chop=None):
    """Sends with a longer time limit than usual."""
    run.client.send(wire, *([chop] if chop else []), seconds=PATIENCE)


def round_trips(kind, length):
    """Sends each message after the previous one has come back. An empty message cannot come back through a stream: a
    ping after it must be answered instead."""

    def body(run):
        client, data = run.client, payload(kind, length)
        wire = frame(kind, data) + (b"" if data else frame(PING, b"?"))
        for turn in range(1, ROUNDS + 1):
            run.send(wire)
            if not client.wait(lambda: len(client.echoed) >= turn * length and (data or len(client.pongs) >= turn), 10):
                raise Violation(f"message {turn} did not come back")
        if client.echoed != data * ROUNDS:
            raise Violation("something else came back")
        run.close_cleanly()
        return Outcome(OK, f"{ROUNDS} round trips, closed with 1000")

    return body


KINDS = ((0, TEXT, "text"), (1, BINARY, "binary message"))
SIZES = (64 * KIB, 256 * KIB, MIB, 4 * MIB, 8 * MIB, 16 * MIB)
FRAGMENTS = (64, 256, KIB, 4 * KIB, 16 * KIB, 64 * KIB, 256 * KIB, MIB, 4 * MIB)
CHOPS = (64, 128, 256, 512, 1024, 2048)
ECHOED = (0, 16, 64, 256, 1024, 4096)

for odd, kind, name in KINDS:
    for place, size in enumerate(SIZES, 1):
        add(f"9.{1 + odd}.{place}", f"A {name} of {sized(size)} in one frame.", whole(kind, size))
for odd, kind, name in KINDS:
    for place, size in enumerate(FRAGMENTS, 1):
        what = f"A {name} of 4 MiB in fragments of {sized(size)}."
        add(f"9.{3 + odd}.{place}", what, in_fragments(kind, 4 * MIB, size))
for odd, kind, name in KINDS:
    for place, chop in enumerate(CHOPS, 1):
        add(f"9.{5 + odd}.{place}", f"A {name} of 1 MiB, sent {chop} bytes at a time.", whole(kind, MIB, chop))
for odd, kind, name in KINDS:
    for place, size in enumerate(ECHOED, 1):
        what = f"{ROUNDS} round trips of a {name} of {size} bytes."
        add(f"9.{7 + odd}.{place}", what, round_trips(kind, size))

add("10.1.1", "A text of 64 KiB in fragments of 1300 bytes.", in_fragments(TEXT, 64 * KIB, 1300))
