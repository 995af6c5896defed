"""Sections 6.1 to 6.4: texts that are empty, in fragments, and wrong in the middle."""

from .case import NON_STRICT, Outcome, Violation, add, case
from .frames import CONTINUATION, TEXT, fragmented, frame, header, masked

#: Letters with accents, as in the original.
ACCENTS = "Hello-\u00b5@\u00df\u00f6\u00e4\u00fc\u00e0\u00e1-UTF-8!!".encode()
#: The Greek word of Markus Kuhn's test file; two of its letters have accents.
KOSME = bytes.fromhex("cebae1bdb9cf83cebcceb5")
#: With one half of a surrogate pair in the middle.
BROKEN = KOSME + b"\xed\xa0\x80" + b"edited"
#: U+110000, beyond the last code point: invalid from its second byte on.
BEYOND = KOSME + b"\xf4\x90\x80\x80" + b"edited"

#: Seconds in which a text that may still become valid must not be refused.
PAUSE = 1.0


@case("6.1.1", "A text of no bytes.")
def _(run):
    run.send(frame(TEXT))
    return run.expect_echo()


@case("6.1.2", "A text in three fragments of no bytes.")
def _(run):
    run.send(frame(TEXT, fin=False), frame(CONTINUATION, fin=False), frame(CONTINUATION))
    return run.expect_echo()


@case("6.1.3", "A text in three fragments, only the middle one has bytes.")
def _(run):
    middle = b"middle frame payload"
    run.send(frame(TEXT, fin=False), frame(CONTINUATION, middle, fin=False), frame(CONTINUATION))
    return run.expect_echo(middle)


@case("6.2.1", "A valid text with accents.")
def _(run):
    run.send(frame(TEXT, ACCENTS))
    return run.expect_echo(ACCENTS)


@case("6.2.2", "A valid text in two fragments, cut between two characters.")
def _(run):
    cut = ACCENTS.index("\u00fc".encode())
    run.send(frame(TEXT, ACCENTS[:cut], fin=False), frame(CONTINUATION, ACCENTS[cut:]))
    return run.expect_echo(ACCENTS)


def bytewise(data, expect):
    """Sends the text in fragments of one byte."""

    def body(run):
        run.send(*fragmented(TEXT, data, 1))
        return expect(run)

    return body


add("6.2.3", "A valid text in fragments of one byte.", bytewise(ACCENTS, lambda run: run.expect_echo(ACCENTS)))
add("6.2.4", "A Greek word in fragments of one byte.", bytewise(KOSME, lambda run: run.expect_echo(KOSME)))


@case("6.3.1", "A text with a surrogate in its middle.")
def _(run):
    run.send(frame(TEXT, BROKEN))
    return run.expect_failed(1007)


add(
    "6.3.2",
    "The same in fragments of one byte.",
    bytewise(BROKEN, lambda run: run.expect_failed(1007, partly=BROKEN[: len(KOSME) + 1])),
)


def fails_fast(cut, bad, in_frames):
    """A text in three parts with pauses between them. After the first it may still become valid, after the second it
    cannot: now the connection must fail. To fail only with the third counts as non-strict."""
    parts = (BEYOND[:cut], BEYOND[cut:bad], BEYOND[bad:])

    def body(run):
        client = run.client
        for place, wire in enumerate(in_frames(parts)):
            if client.wait(lambda: client.close_code is not False, 0 if place == 0 else PAUSE):
                break
            run.send(wire)
        else:
            place += 1
        if place < 2:
            raise Violation("failed before the text was wrong")
        outcome = run.expect_failed(1007, partly=parts[0])
        return outcome if place == 2 else Outcome(NON_STRICT, "failed with the third part")

    return body


def frames_of(parts):
    """Three fragments."""
    first, second, third = parts
    return frame(TEXT, first, fin=False), frame(CONTINUATION, second, fin=False), frame(CONTINUATION, third)


def pieces_of(parts):
    """One frame that comes in three pieces."""
    key = b"\x37\xfa\x21\x3d"
    whole = masked(b"".join(parts), key)
    first, second = len(parts[0]), len(parts[0]) + len(parts[1])
    start = header(TEXT, len(whole), key=key)
    return start + whole[:first], whole[first:second], whole[second:]


GREEK = len(KOSME)
add(
    "6.4.1",
    "A text in three fragments, 1 s between them; the second makes it wrong.",
    fails_fast(GREEK, GREEK + 4, frames_of),
)
add(
    "6.4.2",
    "The same, the second fragment is only the byte that makes it wrong.",
    fails_fast(GREEK + 1, GREEK + 2, frames_of),
)
add("6.4.3", "As 6.4.1, but one frame that comes in three pieces.", fails_fast(GREEK, GREEK + 4, pieces_of))
add("6.4.4", "As 6.4.2, but one frame that comes in three pieces.", fails_fast(GREEK + 1, GREEK + 2, pieces_of))
