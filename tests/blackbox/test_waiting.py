"""A command that waits, however long, must not delay others: the tests measure honest requests meanwhile."""

import os
import shutil
import socket
import statistics
import subprocess
import tempfile
import threading
import time
import unittest
from http.client import HTTPException
from pathlib import Path
from unittest import mock

from zentri import DeviceCase, Peer

#: Seconds that honest requests may take: the median, and the worst.
MEDIAN = 1.0
WORST = 3.0
#: Honest requests beside each waiting command.
REQUESTS = 12


def drip(connection):
    """Sends a correct head and then one byte every half second, for ever."""
    connection.recv(4096)
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
    try:
        while True:
            connection.sendall(b"x")
            time.sleep(0.5)
    except OSError:
        pass


def silent(connection):
    """Reads everything and sends nothing."""
    try:
        while connection.recv(65536):
            pass
    except OSError:
        pass


def deaf(connection):
    """Neither reads nor sends anything."""
    stop = threading.Event()
    stop.wait(20)


class Waiting(DeviceCase):
    """A command waits on the serial line; requests come over HTTP."""

    machine = False

    def measure(self):
        """Sends honest requests; each answer must be right and in time."""
        taken = []
        for _ in range(REQUESTS):
            start = time.monotonic()
            self.assertEqual(self.device.rest.get("get wlan.auto_join.enabled")["code"], 0)
            taken.append(time.monotonic() - start)
        self.assertLessEqual(statistics.median(taken), MEDIAN, taken)
        self.assertLessEqual(max(taken), WORST, taken)

    def line(self):
        """The serial line of a device that is in its network."""
        self.device.wait_http()
        console = self.device.console()
        self.eventually(lambda: self.device.rest.get("get wlan.network.status")["response"].startswith("2"))
        console.quiet()
        return console

    def beside(self, command):
        """Sends a command that waits, measures, and ends the command as a person does."""
        console = self.line()
        console.send(command)
        time.sleep(0.3)
        self.measure()
        self.assertNotIn(b"\r\n> ", bytes(console.received).split(command, 1)[-1], "it has not waited at all")
        console.send(b"\x03")
        console.read_until(b"> ", 5.0)
        console.send(b"get wlan.auto_join.enabled\r\n")
        console.read_until(b"\r\n1\r\n> ", 5.0)

    def test_a_file_that_is_half_typed(self):
        console = self.line()
        console.send(b"file_create half.txt 10\r\nabc")
        time.sleep(0.3)
        self.measure()
        self.assertNotIn("half.txt", self.device.rest.text("ls"))
        console.send(b"defghij")
        console.read_until(b"Success\r\n> ")
        self.assertIn("half.txt", self.device.rest.text("ls"))

    def test_a_file_that_is_never_typed_on(self):
        self.beside(b"file_create half.txt 10\r\n")
        self.assertNotIn("half.txt", self.device.rest.text("ls"))
        # The file has left nothing behind that would block the next one.
        self.assertEqual(self.device.rest.post("file_create half.txt 3", "abc")["code"], 0)

    def test_a_download_that_drips(self):
        with Peer(drip) as peer:
            self.beside(b"http_download http://127.0.0.1:%d/f slow.bin\r\n" % peer.port)
            self.assertNotIn("slow.bin", self.device.rest.text("ls"))

    def test_a_server_that_says_nothing(self):
        with Peer(silent) as peer:
            self.beside(b"http_get http://127.0.0.1:%d/f\r\n" % peer.port)

    def test_a_download_that_never_begins(self):
        with Peer(silent) as peer:
            self.beside(b"http_download http://127.0.0.1:%d/f\r\n" % peer.port)

    def test_an_upload_that_nobody_takes(self):
        self.device.wait_http()
        self.assertEqual(self.device.rest.post("file_create up.bin 9000", "x" * 9000)["code"], 0)
        with Peer(silent) as peer:
            self.beside(b"http_upload http://127.0.0.1:%d/f up.bin\r\n" % peer.port)

    def test_a_connection_that_is_never_accepted(self):
        # A full backlog: no further connection is answered.
        with socket.socket() as listener:
            listener.bind(("127.0.0.1", 0))
            listener.listen(0)
            port = listener.getsockname()[1]
            clients = [socket.socket() for _ in range(4)]
            for client in clients:
                self.addCleanup(client.close)
                client.setblocking(False)
                client.connect_ex(("127.0.0.1", port))
            self.beside(b"tcp_client 127.0.0.1 %d\r\n" % port)

    def test_a_write_whose_data_do_not_come(self):
        with Peer(silent) as peer:
            console = self.line()
            console.send(b"tcp_client 127.0.0.1 %d\r\n" % peer.port)
            console.read_until(b"\r\n0\r\n> ")
            self.beside(b"stream_write 0 10\r\n")


#: A disk that needs a second for each `fsync`.
SLOW_DISK = """
#define _GNU_SOURCE
#include <sys/syscall.h>
#include <unistd.h>
int fsync(int fd) { sleep(1); return (int)syscall(SYS_fsync, fd); }
int fdatasync(int fd) { return fsync(fd); }
"""


@unittest.skipUnless(shutil.which("cc"), "there is no C compiler")
class SlowDisk(DeviceCase):
    """Storing takes seconds; other requests must not."""

    def new_device(self, start=True, **options):
        folder = Path(tempfile.mkdtemp(prefix="openzentri-test-"))
        self.addCleanup(shutil.rmtree, folder)
        source, library = folder / "slow.c", folder / "slow.so"
        source.write_text(SLOW_DISK)
        subprocess.run(["cc", "-shared", "-fPIC", "-o", library, source], check=True)
        with mock.patch.dict(os.environ, {"LD_PRELOAD": str(library)}):
            return super().new_device(start, **options)

    def beside(self, command, data=b""):
        """Sends a command whose answer takes a second or more; answers how long other requests took."""
        answers = []
        start = time.monotonic()
        thread = threading.Thread(target=lambda: answers.append(self.host.command(command, data, seconds=30)))
        thread.start()
        taken = []
        while thread.is_alive():
            begun = time.monotonic()
            self.assertEqual(self.device.rest.get("get wlan.auto_join.enabled")["code"], 0)
            taken.append(time.monotonic() - begun)
            time.sleep(0.02)
        thread.join()
        self.assertGreaterEqual(time.monotonic() - start, 1.0, "the disk was not slow")
        self.assertEqual(answers[0].code, 0, answers)
        self.assertLess(max(taken), 0.8, taken)

    def test_others_go_on_while_something_is_stored(self):
        self.device.wait_http()
        self.host = self.device.machine()
        self.beside("save")
        self.beside("save my.cfg")
        self.beside("file_create a.txt 5", b"hello")
        self.assertIn("a.txt", self.device.rest.text("ls"))

    def test_a_reboot_waits_for_it(self):
        self.device.wait_http()
        rest = self.device.rest
        self.assertEqual(rest.get("set ntp.server kept")["code"], 0)
        saving = threading.Thread(target=lambda: self.ask("save"))
        saving.start()
        time.sleep(0.3)
        # This setting is not saved any more: its value distinguishes the device after the restart from the one before.
        self.assertEqual(rest.get("set mdns.name lost")["code"], 0)
        self.assertEqual(rest.get("reboot")["code"], 0)
        self.eventually(lambda: self.ask("get mdns.name") not in ("", "lost"), 20)
        saving.join()
        self.assertEqual(self.ask("get ntp.server"), "kept")

    def ask(self, line):
        """The answer, or nothing while the device restarts."""
        try:
            return self.device.rest.text(line).strip()
        except (OSError, HTTPException, ValueError):
            return ""


if __name__ == "__main__":
    unittest.main()
