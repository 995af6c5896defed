"""Section 1: each encoding of the length, text and binary."""

from .case import add
from .frames import BINARY, TEXT, frame
from .payload import payload

LENGTHS = (0, 125, 126, 127, 128, 65535, 65536)


def echo_of(kind, length, chop=None):
    """A message of this length must come back."""

    def body(run):
        data = payload(kind, length)
        run.send(frame(kind, data), chop=chop)
        return run.expect_echo(data, seconds=20.0)

    return body


for section, kind, name in ((1, TEXT, "text"), (2, BINARY, "binary")):
    for place, length in enumerate(LENGTHS, 1):
        add(f"1.{section}.{place}", f"A {name} message of {length} bytes.", echo_of(kind, length))
    add(f"1.{section}.8", f"A {name} message of 65536 bytes, sent 997 bytes at a time.", echo_of(kind, 65536, chop=997))
