"""The command UART of a device that runs as a process here, on the standard streams of that process."""

import select
import time


class CommandUart:
    """Has `process`, and in `seen` what was read but not taken."""

    #: Seconds to wait for expected output.
    patience = 20.0

    def until(self, text, seconds=None):
        """Reads up to `text`; returns everything before it, and it."""
        deadline = time.monotonic() + (self.patience if seconds is None else seconds)
        while text not in self.seen:
            rest = deadline - time.monotonic()
            assert rest > 0, f"{text[:80]} did not come: {self.seen[-400:]}"
            if select.select([self.process.stdout], [], [], rest)[0]:
                more = self.process.stdout.read(65536)
                assert more, f"the process has ended: {self.seen}"
                self.seen += more
        end = self.seen.index(text) + len(text)
        before, self.seen = self.seen[:end], self.seen[end:]
        return before

    def command(self, line):
        """Runs a command in human mode; returns its output."""
        self.process.stdin.write(line.encode() + b"\r\n")
        self.until(line.encode() + b"\r\n")
        return self.until(b"\r\n> ")[:-4].decode()
