"""The host on the serial line: it sends the bytes of a WebSocket back to it."""

import threading
import time

#: The device answers at most 70,000 bytes and accepts a message of less than 65,536 (src/limits.rs).
PIECE = 60_000

#: Seconds after the last byte in which the host polls without sleep, to answer at once.
EAGER = 0.05
#: Seconds between two polls when nothing happens.
PAUSE = 0.002


class Echo:
    """A thread that reads all streams of a device in machine mode and writes back what it has read."""

    def __init__(self, line):
        self._line = line
        #: Bytes from the device since `clear`, and the reason if the thread has ended before `stop`.
        self.received = bytearray()
        self.error = None
        self._stopping = threading.Event()
        #: The number of rounds that found no stream.
        self._empty = 0
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def clear(self):
        """Forgets what was received."""
        self.received.clear()

    def wait_idle(self, seconds=10.0):
        """Waits until all streams are read to their end and closed."""
        empty, deadline = self._empty, time.monotonic() + seconds
        # The first round may have begun before the call.
        while self._empty < empty + 2:
            if self.error or time.monotonic() > deadline:
                raise AssertionError(f"a stream is still open: {self.error or 'its data comes too slowly'}")
            time.sleep(PAUSE / 2)

    def stop(self):
        """Ends the thread; answers the reason if it had already ended by itself."""
        self._stopping.set()
        self._thread.join(30)
        return self.error

    def _run(self):
        last = 0.0
        try:
            while not self._stopping.is_set():
                if self._round():
                    last = time.monotonic()
                elif time.monotonic() - last > EAGER:
                    time.sleep(PAUSE)
        except BaseException as error:  # noqa: BLE001 - whoever waits shall see it
            self.error = error

    def _round(self):
        """Serves each stream; answers whether there was anything to do."""
        text = self._line.ok("poll all")
        if text == "None":
            self._empty += 1
            return False
        busy = False
        for row in text.split("|"):
            handle, state = row.split(",")
            while state != "0" and self._carry(handle):
                busy = True
            if state == "2":
                self._line.ok(f"close {handle}")
        return busy

    def _carry(self, handle):
        """Reads once and writes it back; answers whether there was data."""
        answer = self._line.command(f"read {handle} {PIECE}")
        if answer.code != 0 or not answer.raw:
            return False
        self.received += answer.raw
        # Fails if the client is gone meanwhile; then nobody needs the bytes.
        self._line.command(f"write {handle} {len(answer.raw)}", answer.raw, seconds=30.0)
        return True
