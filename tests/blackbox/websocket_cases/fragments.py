"""Section 5: messages in fragments, control frames between them, and fragments that belong to no message."""

from .case import SOON, Violation, add, case
from .frames import CONTINUATION, PING, PONG, TEXT, frame

ONE, TWO, THREE, FOUR, FIVE = (b"fragment%d" % number for number in range(1, 6))
FIRST = {"opcode": TEXT, "payload": ONE, "fin": False}
LAST = {"opcode": CONTINUATION, "payload": TWO}
PINGED = {"opcode": PING, "payload": b"ping payload"}
WHOLE = {"opcode": TEXT, "payload": b"Hello, world!"}

WAYS = ((None, "in one piece"), ("frame", "frame by frame"), (1, "byte by byte"))


def sent(*frames, chop=None, expect):
    """Sends the frames, then `expect(run)` judges."""

    def body(run):
        run.send(*(frame(**one) for one in frames), chop=chop)
        return expect(run)

    return body


def fails(run):
    """The device must fail the connection at once; nothing may come through."""
    return run.expect_failed()


for number, kind, name in (("5.1", PING, "ping"), ("5.2", PONG, "pong")):
    add(number, f"A {name} in two fragments.", sent(FIRST | {"opcode": kind}, LAST, expect=fails))

for place, (chop, way) in enumerate(WAYS):
    add(
        f"5.{3 + place}",
        f"A text in two fragments, {way}.",
        sent(FIRST, LAST, chop=chop, expect=lambda run: run.expect_echo(ONE + TWO)),
    )
for place, (chop, way) in enumerate(WAYS):
    add(
        f"5.{6 + place}",
        f"A text in two fragments with a ping between them, {way}: the pong comes before the message has ended.",
        sent(FIRST, PINGED, LAST, chop=chop, expect=lambda run: run.expect_echo(ONE + TWO, [b"ping payload"])),
    )
for start, fin, name in ((9, True, "a last"), (12, False, "a middle")):
    for place, (chop, way) in enumerate(WAYS):
        stray = {"opcode": CONTINUATION, "payload": b"non-continuation payload", "fin": fin}
        add(
            f"5.{start + place}",
            f"A text after {name} fragment of no message, {way}.",
            sent(stray, WHOLE, chop=chop, expect=fails),
        )


@case("5.15", "A text in two fragments, then a middle fragment of no message, then a text.")
def _(run):
    run.send(
        frame(TEXT, ONE, fin=False),
        frame(CONTINUATION, TWO),
        frame(CONTINUATION, THREE, fin=False),
        frame(TEXT, FOUR),
    )
    return run.expect_failed(before=ONE + TWO)


def strays(fin):
    """Twice: a fragment of no message, then a text in two fragments."""
    three = (frame(CONTINUATION, ONE, fin=fin), frame(TEXT, TWO, fin=False), frame(CONTINUATION, THREE))
    return three * 2


@case("5.16", "Twice: a middle fragment of no message, then a text in two fragments.")
def _(run):
    run.send(*strays(fin=False))
    return run.expect_failed()


@case("5.17", "Twice: a last fragment of no message, then a text in two fragments.")
def _(run):
    run.send(*strays(fin=True))
    return run.expect_failed()


@case("5.18", "A text in two fragments, both with the opcode of a text.")
def _(run):
    run.send(frame(TEXT, ONE, fin=False), frame(TEXT, TWO))
    return run.expect_failed(partly=ONE)


def five(chop):
    """Five fragments with two pings; the first ping is answered while three fragments are still to come."""

    def body(run):
        client = run.client
        run.send(frame(TEXT, ONE, fin=False), frame(CONTINUATION, TWO, fin=False), frame(PING, b"pongme 1!"), chop=chop)
        if not client.wait(lambda: client.pongs, SOON):
            raise Violation("no pong came while the message was open")
        # The pause of the original; only the echo of the bytes sent may come in it.
        client.wait(lambda: False, 1.0)
        run.check_pongs([b"pongme 1!"])
        if not (ONE + TWO).startswith(client.echoed):
            raise Violation(f"{bytes(client.echoed)!r} came back")
        run.send(
            frame(CONTINUATION, THREE, fin=False),
            frame(CONTINUATION, FOUR, fin=False),
            frame(PING, b"pongme 2!"),
            frame(CONTINUATION, FIVE),
            chop=chop,
        )
        return run.expect_echo(ONE + TWO + THREE + FOUR + FIVE, [b"pongme 1!", b"pongme 2!"])

    return body


add("5.19", "A text in five fragments, a ping after the second, a pause of 1 s, a ping after the fourth.", five(None))
add("5.20", "The same, frame by frame.", five("frame"))
