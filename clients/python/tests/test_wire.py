"""Frames and messages: the examples of the document, and any bytes."""

import random
import sys
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "src"))

from openzentri import wire  # noqa: E402

DOCUMENT = ROOT.parents[1] / "docs" / "structured-protocol.md"

EXAMPLES = {
    "Hello": [wire.HELLO, True, 512],
    "Request": [wire.REQUEST, 1, 1, 0, b"tcpc 10.0.0.1 7", b""],
    "Response": [wire.RESPONSE, 1, 0, 3, 0, b"0\r\n"],
    "Stream": [wire.STREAM, 1, 1, 0, wire.OPEN, 0, "TCPC"],
    "Seen": [wire.SEEN, 1],
    "Credit": [wire.CREDIT, 1, 0, 2048, 0],
    "Data": [wire.DATA, 1, 0, True, b"hello\0"],
    "Gap": [wire.CREDIT, 1, 6, 2054, wire.AGAIN],
    "Log": [wire.LOG, 12, 1, b"[Opened: 0]"],
    "Stop": [wire.STOP],
    "Bye": [wire.BYE],
}


def documented(name):
    """Payload and frame of an example."""
    lines = iter(DOCUMENT.read_text("utf-8").splitlines())
    next(line for line in lines if line == f"{name}:")
    found = [next(line for line in lines if line.startswith(f"    {word}")) for word in ("payload", "frame")]
    return [bytes.fromhex(line.split(None, 1)[1]) for line in found]


class Wire(unittest.TestCase):
    def test_the_examples_of_the_document(self):
        for name, message in EXAMPLES.items():
            payload, frame = documented(name)
            self.assertEqual(wire.encode(message), payload, name)
            self.assertEqual(wire.seal(message), frame, name)
            self.assertEqual(wire.unseal(frame[:-1]), message, name)

    def test_what_is_stuffed_comes_back(self):
        generator = random.Random(1)
        samples = [bytes([1]) * length for length in range(250, 520)]
        samples += [bytes(generator.choice((0, 1, 255)) for _ in range(generator.randrange(700))) for _ in range(500)]
        for data in samples:
            self.assertNotIn(0, wire.stuff(data))
            self.assertEqual(wire.unstuff(wire.stuff(data)), data)

    def test_numbers_of_all_lengths(self):
        for number in (0, 23, 24, 255, 256, 65535, 65536, 2**32 - 1, 2**32, 2**64 - 1):
            self.assertEqual(wire.decode(wire.encode([1, number])), [1, number])
        with self.assertRaises(OverflowError):
            wire.encode(2**64)

    def test_any_bytes_are_refused_in_order(self):
        generator = random.Random(2)
        good = wire.seal([wire.DATA, 3, 70000, True, bytes(range(200))])[:-1]
        for _ in range(5000):
            frame = bytearray(good[: generator.randrange(len(good) + 1)])
            for _ in range(generator.randrange(1, 4)):
                if frame:
                    frame[generator.randrange(len(frame))] ^= 1 << generator.randrange(8)
            if frame == good:
                continue
            with self.assertRaises(wire.Unreadable):
                wire.unseal(bytes(frame))
            try:
                wire.decode(bytes(frame))
            except wire.Unreadable:
                pass


if __name__ == "__main__":
    unittest.main()
