"""Section 2: pings are answered, pongs are not."""

from .case import add, case
from .frames import PING, PONG, frame

TEN = [b"payload-%d" % place for place in range(10)]


def answered(*pings, chop=None):
    """Each ping must get its pong, in the order of the pings."""

    def body(run):
        run.send(*(frame(PING, ping) for ping in pings), chop=chop)
        return run.expect_echo(pongs=pings)

    return body


add("2.1", "A ping without payload.", answered(b""))
add("2.2", "A ping with a small text as payload.", answered(b"Hello, world!"))
add("2.3", "A ping with a payload that is not UTF-8.", answered(b"\x00\xff\xfe\xfd\xfc\xfb\x00\xff"))
add("2.4", "A ping with 125 bytes.", answered(b"\xfe" * 125))


@case("2.5", "A ping with 126 bytes, which is too long for a control frame.")
def _(run):
    run.send(frame(PING, b"\xfe" * 126))
    return run.expect_failed()


add("2.6", "A ping with 125 bytes, sent byte by byte.", answered(b"\xfe" * 125, chop=1))


def ignored(pong):
    """The device must not answer an unsolicited pong."""

    def body(run):
        run.send(frame(PONG, pong))
        return run.expect_echo()

    return body


add("2.7", "A pong without payload that was not asked for.", ignored(b""))
add("2.8", "A pong with payload that was not asked for.", ignored(b"unsolicited pong payload"))


@case("2.9", "A pong that was not asked for, then a ping.")
def _(run):
    run.send(frame(PONG, b"unsolicited pong payload"), frame(PING, b"ping payload"))
    return run.expect_echo(pongs=[b"ping payload"])


add("2.10", "Ten pings at once; all ten pongs are expected (RFC 6455 asks for the last only).", answered(*TEN))
add("2.11", "Ten pings, sent byte by byte.", answered(*TEN, chop=1))
