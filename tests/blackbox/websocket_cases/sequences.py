"""Sections 6.5 to 6.23: byte sequences after Markus Kuhn's UTF-8 test, each as one text."""

from .case import add
from .frames import TEXT, frame
from .text import KOSME

#: The longest beginning of each invalid sequence class: 2, 3, 4, 5 and 6 bytes without the last one.
LOWEST_CUT = ("c0", "e080", "f08080", "f8808080", "fc80808080")
HIGHEST_CUT = ("df", "efbf", "f7bfbf", "fbbfbfbf", "fdbfbfbfbf")


def hexes(*texts):
    """Bytes of hexadecimal texts."""
    return [bytes.fromhex(text) for text in texts]


def lonely(first, last):
    """Each first byte of a sequence, followed by a blank; without the last one, as in the original."""
    return b"".join(bytes((start, 0x20)) for start in range(first, last))


def continuations(count):
    """Bytes that may only continue a sequence."""
    return (b"\x80\xbf" * 4)[:count]


def pairs():
    """Surrogate pairs, each half coded as if it were a character."""
    for high in ("eda080", "edadbf", "edae80", "edafbf"):
        for low in ("edb080", "edbfbf"):
            yield bytes.fromhex(high + low)


def noncharacters():
    """U+FFFE, U+FFFF and the last two code points of each plane: not characters, but valid UTF-8."""
    yield from hexes("efbfbe", "efbfbf")
    for plane in range(1, 17):
        for last in (0xFFFE, 0xFFFF):
            yield chr(plane << 16 | last).encode()


CLASSES = (
    ("valid text", [b"hello" + middle + b"world" for middle in hexes("24", "c2a2", "e282ac", "f0a4ada2")] + [KOSME]),
    ("a beginning of a valid text", [KOSME[:count] for count in range(1, len(KOSME) + 1)]),
    ("first sequence of its length", hexes("00", "c280", "e0a080", "f0908080")),
    ("first sequence of 5 or 6 bytes", hexes("f888808080", "fc8480808080")),
    ("last sequence of its length", hexes("7f", "dfbf", "efbfbf", "f48fbfbf")),
    ("last sequence of 4, 5 or 6 bytes", hexes("f7bfbfbf", "fbbfbfbfbf", "fdbfbfbfbfbf")),
    ("boundary", hexes("ed9fbf", "ee8080", "efbfbd", "f48fbfbf", "f4908080")),
    (
        "continuation bytes alone",
        hexes("80", "bf") + [continuations(count) for count in range(2, 7)] + [bytes(range(0x80, 0xBF))],
    ),
    (
        "first bytes alone",
        [lonely(*ends) for ends in ((0xC0, 0xDF), (0xE0, 0xEF), (0xF0, 0xF7), (0xF8, 0xFB), (0xFC, 0xFD))],
    ),
    ("sequence without its last byte", hexes(*LOWEST_CUT, *HIGHEST_CUT)),
    ("many sequences without their last bytes", hexes("".join(LOWEST_CUT + HIGHEST_CUT))),
    ("impossible bytes", hexes("fe", "ff", "fefeffff")),
    ("`/` in too many bytes", hexes("c0af", "e080af", "f08080af", "f8808080af", "fc80808080af")),
    ("longest overlong sequence", hexes("c1bf", "e09fbf", "f08fbfbf", "f887bfbfbf", "fc83bfbfbfbf")),
    ("NUL in too many bytes", hexes("c080", "e08080", "f0808080", "f880808080", "fc8080808080")),
    ("half of a surrogate pair", hexes("eda080", "edadbf", "edae80", "edafbf", "edb080", "edbe80", "edbfbf")),
    ("surrogate pair", list(pairs())),
    ("no character, but valid", list(noncharacters())),
    ("special character", hexes("efbfb9", "efbfba", "efbfbb", "efbfbc", "efbfbd", "efbfbe", "efbfbf")),
)


def is_valid(data):
    """Whether Python accepts the bytes as UTF-8."""
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True


def judged(data):
    """A valid text must come back; an invalid one must fail the connection with 1007 and must not reach the host."""

    def body(run):
        run.send(frame(TEXT, data))
        return run.expect_echo(data) if is_valid(data) else run.expect_failed(1007)

    return body


for section, (name, sequences) in enumerate(CLASSES, 5):
    for place, sequence in enumerate(sequences, 1):
        code = sequence.hex() if len(sequence) <= 32 else f"{sequence[:8].hex()}... ({len(sequence)} bytes)"
        validity = "valid" if is_valid(sequence) else "invalid"
        add(f"6.{section}.{place}", f"UTF-8, {name}: `{code}` ({validity}).", judged(sequence))
