"""Crowds of clients that are slow on purpose: the device must serve others nevertheless.

Each attack is tried from one address and from many, with 32 connections served at once and with the two of a board.
OPENZENTRI_CROWD sets the number of clients in a crowd.
"""

import itertools
import os
import select
import socket
import statistics
import threading
import time
import unittest

from zentri import Device

CROWD = int(os.environ.get("OPENZENTRI_CROWD", "200"))
#: Honest requests during each attack, one after another.
REQUESTS = 15
MEDIAN, WORST = 1.0, 3.0

SILENT = (b"", b"")
HEAD = (b"GET /command/ver HTTP/1.1\r\n", b"A")
BODY = (b"POST /command HTTP/1.1\r\nHost: a\r\nContent-Length: 4000\r\n\r\n", b" ")
READER = (b"GET /large.bin HTTP/1.1\r\nHost: a\r\n\r\n", b"")


class Crowd:
    """Clients that connect, send the first part, then drip; some of those that are disconnected come again."""

    def __init__(self, port, way, addresses):
        self.port = port
        self.first, self.drip = way
        self.sources = itertools.cycle(addresses)
        self.open = []
        self.ended = threading.Event()
        self.came = 0
        self.thread = threading.Thread(target=self.run, daemon=True)

    def __enter__(self):
        self.thread.start()
        deadline = time.monotonic() + 20
        while self.came < CROWD and time.monotonic() < deadline:
            time.sleep(0.02)
        return self

    def __exit__(self, *_):
        self.ended.set()
        self.thread.join()
        for client in self.open:
            client.close()

    def join(self):
        """Adds a client."""
        client = socket.socket()
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        client.setblocking(False)
        client.bind((next(self.sources), 0))
        client.connect_ex(("127.0.0.1", self.port))
        self.came += 1
        return client

    def run(self):
        greeted = set()
        while not self.ended.is_set():
            for _ in range(min(50 if self.came < CROWD else 10, CROWD - len(self.open))):
                self.open.append(self.join())
            _, ready, _ = select.select([], self.open, [], 0.05)
            for client in ready:
                if client not in greeted:
                    greeted.add(client)
                    self.say(client, self.first)
            if self.drip:
                for client in ready:
                    self.say(client, self.drip)
            for client in [client for client in self.open if self.is_gone(client)]:
                self.open.remove(client)
                greeted.discard(client)
                client.close()
            self.ended.wait(0.2)

    def say(self, client, data):
        try:
            client.send(data)
        except OSError:
            pass

    def is_gone(self, client):
        """Checks without reading: some clients must not read."""
        try:
            return client.recv(1, socket.MSG_PEEK) == b"" or self.drip != b""
        except BlockingIOError:
            return False
        except OSError:
            return True


class SlowClients(unittest.TestCase):
    """An honest client beside a crowd."""

    def attack(self, way, addresses, size):
        with Device({"http.server.max_clients": str(size)}) as device:
            device.wait_http()
            rest = device.rest
            rest.seconds = 20
            if way is READER:
                line = device.machine()
                line.send(b"file_create large.bin 3000000\r\n" + bytes(3_000_000), seconds=30)
                line.answer(seconds=30)
            with Crowd(device.http_port, way, addresses) as crowd:
                times = []
                for _ in range(REQUESTS):
                    start = time.monotonic()
                    self.assertEqual(rest.get("version")["code"], 0)
                    times.append(time.monotonic() - start)
                    time.sleep(0.1)
            report = f"median {statistics.median(times):.3f} s, worst {max(times):.3f} s, {crowd.came} came"
            if os.environ.get("OPENZENTRI_CROWD_REPORT"):
                print(f"{size} served, {len(addresses)} addresses, {way[0][:20]!r}: {report}", flush=True)
            self.assertLessEqual(statistics.median(times), MEDIAN, report)
            self.assertLessEqual(max(times), WORST, report)

    def each(self, way):
        for size in (32, 2):
            for addresses in (["127.0.0.1"], [f"127.0.0.{last}" for last in range(2, 250)]):
                with self.subTest(size=size, addresses=len(addresses)):
                    self.attack(way, addresses, size)

    def test_who_say_nothing(self):
        self.each(SILENT)

    def test_who_drip_heads(self):
        self.each(HEAD)

    def test_who_drip_bodies(self):
        self.each(BODY)

    def test_who_do_not_read(self):
        self.each(READER)


if __name__ == "__main__":
    unittest.main()
