"""Sections 3 and 4: reserved bits and opcodes without a meaning."""

from .case import add
from .frames import BINARY, CLOSE, PING, TEXT, frame

HELLO = b"Hello, world!"
BYTES = b"\x00\xff\xfe\xfd\xfc\xfb\x00\xff"
RESERVED = b"reserved opcode payload"


def refused(wrong):
    """The device must fail the connection at the first frame."""

    def body(run):
        run.send(frame(**wrong))
        return run.expect_failed()

    return body


def refused_after_text(wrong, chop=None):
    """A message comes through, the frame after it must fail the connection, a ping after that must get no answer."""

    def body(run):
        run.send(frame(TEXT, HELLO), frame(**wrong), frame(PING), chop=chop)
        return run.expect_failed(before=HELLO)

    return body


def hello(rsv):
    """A small text with reserved bits."""
    return {"opcode": TEXT, "payload": HELLO, "rsv": rsv}


add("3.1", "A small text with RSV = 1.", refused(hello(1)))
add("3.2", "A small text, then one with RSV = 2, then a ping.", refused_after_text(hello(2)))
add("3.3", "A small text, then one with RSV = 3, then a ping; frame by frame.", refused_after_text(hello(3), "frame"))
add("3.4", "A small text, then one with RSV = 4, then a ping; byte by byte.", refused_after_text(hello(4), 1))
add("3.5", "A small binary message with RSV = 5.", refused({"opcode": BINARY, "payload": BYTES, "rsv": 5}))
add("3.6", "A ping with RSV = 6.", refused({"opcode": PING, "payload": HELLO, "rsv": 6}))
add("3.7", "A close frame with RSV = 7.", refused({"opcode": CLOSE, "rsv": 7}))

for section, kind, first in ((1, "data", 3), (2, "control", 11)):
    name = f"with the reserved {kind} opcode"
    after = f"A small text, then a frame {name}"
    add(f"4.{section}.1", f"A frame {name} {first}.", refused({"opcode": first}))
    add(
        f"4.{section}.2",
        f"A frame {name} {first + 1} and payload.",
        refused({"opcode": first + 1, "payload": RESERVED}),
    )
    add(f"4.{section}.3", f"{after} {first + 2}, then a ping.", refused_after_text({"opcode": first + 2}))
    add(
        f"4.{section}.4",
        f"{after} {first + 3} and payload, then a ping.",
        refused_after_text({"opcode": first + 3, "payload": HELLO}),
    )
    add(
        f"4.{section}.5",
        f"{after} {first + 4} and payload, then a ping; byte by byte.",
        refused_after_text({"opcode": first + 4, "payload": HELLO}, 1),
    )
