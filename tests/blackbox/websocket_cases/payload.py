"""Payloads in which a lost, duplicated or moved byte is noticed."""

import random

from .frames import TEXT

#: Maps each byte to a printable character of ASCII.
PRINTABLE = bytes(0x20 + byte % 95 for byte in range(256))


def payload(kind, length):
    """Bytes for a message; those of a text are ASCII."""
    data = random.Random(length).randbytes(length)
    return data.translate(PRINTABLE) if kind == TEXT else data
