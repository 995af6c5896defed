"""A debugger for tests: GDB's remote serial protocol, as QEMU speaks it."""

import re
import socket


def address(build, name):
    """The address of a function of an image, from the linker's map."""
    text = (build / "zephyr" / "zephyr.map").read_text("utf-8")
    (found,) = set(re.findall(rf"^ +0x0*([0-9a-f]+) +{name}$", text, re.MULTILINE))
    return int(found, 16)


class Debugger:
    """Halts the processor on connecting; `close` lets it continue."""

    def __init__(self, path, seconds):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(seconds)
        self.socket.connect(str(path))
        self.seen = b""

    def ask(self, request):
        """Sends a packet; returns the content of the reply."""
        self.socket.sendall(b"$%s#%02x" % (request, sum(request) % 256))
        reply = self.packet()
        # The halt of the processor is reported without a request.
        return self.packet() if reply.startswith(b"T") else reply

    def packet(self):
        """The content of the next packet."""
        while not (packet := re.search(rb"\$([^#]*)#..", self.seen)):
            more = self.socket.recv(4096)
            assert more, "the debugger's line has ended"
            self.seen += more
        self.seen = self.seen[packet.end() :]
        self.socket.sendall(b"+")
        return packet[1]

    def write(self, place, data):
        """Writes to the memory."""
        answer = self.ask(b"M%x,%x:%s" % (place, len(data), data.hex().encode()))
        assert answer == b"OK", answer

    def close(self):
        """Detaches; the processor continues."""
        self.ask(b"D")
        self.socket.close()
