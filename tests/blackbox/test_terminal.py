"""A person at a terminal: the screen of the program, started as a person starts it (docs/terminal.md).

pyte is the screen. No test waits for a fixed time: it types the next keys when the screen shows what must come before.
"""

import fcntl
import os
import pty
import re
import select
import shutil
import signal
import struct
import subprocess
import tempfile
import termios
import time
import unittest
from pathlib import Path

from zentri import Console, Peer, Rest, binary, echo, free_port

try:
    import pyte
except ImportError:
    pyte = None

ROOT = Path(__file__).resolve().parents[2]
PATIENCE = 15.0
PROMPT = "> "
WELCOME = "help lists what can be typed, Tab completes, Ctrl-D leaves"
HOW_TO_LEAVE = "Ctrl-C once more, or Ctrl-D, leaves; help lists what can be typed"

UP, DOWN, LEFT = "\x1b[A", "\x1b[B", "\x1b[D"


def ctrl(letter):
    """The character that a terminal sends for Ctrl and a letter."""
    return chr(ord(letter) & 0x1F)


class Screen:
    """A terminal with the program at its other end."""

    def __init__(self, fd, columns, rows=60):
        self.fd = fd
        self.screen = pyte.Screen(columns, rows)
        self._stream = pyte.ByteStream(self.screen)
        self.ended = False

    def rows(self):
        """The rows up to the last one with something on it, without blanks at their ends."""
        rows = [row.rstrip() for row in self.screen.display]
        while rows and not rows[-1]:
            rows.pop()
        return rows

    def type(self, keys):
        """Types keys."""
        os.write(self.fd, keys.encode())

    def feed(self, seconds):
        """Shows output that comes within this time; false when none comes."""
        if not select.select([self.fd], [], [], seconds)[0]:
            return False
        try:
            data = os.read(self.fd, 4096)
        except OSError:
            data = b""
        if not data:
            self.ended = True
            time.sleep(0.01)
        self._stream.feed(data)
        return True

    def until(self, condition, what):
        """Shows output until a condition holds and no more output comes at once."""
        deadline = time.monotonic() + PATIENCE
        while True:
            more = self.feed(0.02)
            if not more and condition():
                return
            if time.monotonic() > deadline:
                raise AssertionError(f"{what!r} is not on the screen:\n" + "\n".join(self.rows()))

    def shows(self, *last):
        """Waits until these are the last rows; `|` in the last one marks the cursor, which is at its end without."""
        *before, row = last
        row, at = (row, len(row)) if "|" not in row else (row.replace("|", "", 1), row.index("|"))
        want = [*before, row.rstrip()]

        def there():
            cursor = self.screen.cursor
            return self.rows()[-len(want) :] == want and cursor.x == at and cursor.y == len(self.rows()) - 1

        self.until(there, last)

    def ready(self):
        """Waits until the last row is an empty prompt."""
        self.shows(PROMPT)


@unittest.skipUnless(pyte, "pyte is not installed")
class Seat(unittest.TestCase):
    """The program in a terminal of its own; `start` starts it."""

    def setUp(self):
        def expired(*_):
            raise TimeoutError("the test took too long")

        signal.signal(signal.SIGALRM, expired)
        signal.alarm(90)
        self.addCleanup(signal.alarm, 0)
        self.folder = Path(tempfile.mkdtemp(prefix="openzentri-test-"))
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        self.http_port = free_port()

    def start(self, *arguments, columns=100, joins=False):
        """Starts the program as its user does: without an option for the data or the serial line."""
        leader, follower = pty.openpty()
        self.addCleanup(os.close, leader)
        fcntl.ioctl(follower, termios.TIOCSWINSZ, struct.pack("HHHH", 60, columns, 0, 0))
        self.cooked = termios.tcgetattr(follower)
        settings = [f"http.server.port={self.http_port}", *([] if joins else ["wlan.auto_join.enabled=0"])]
        command = [str(binary()), *(word for setting in settings for word in ("--set", setting)), *arguments]
        self.process = subprocess.Popen(
            command,
            stdin=follower,
            stdout=follower,
            stderr=follower,
            env={**os.environ, "XDG_STATE_HOME": str(self.folder)},
            start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
        )
        self.follower = follower
        self.addCleanup(os.close, follower)
        self.addCleanup(self.process.wait)
        self.addCleanup(self.process.kill)
        self.screen = Screen(leader, columns)
        if joins:
            self.screen.until(lambda: f"http://127.0.0.1:{self.http_port}/" in self.screen.rows(), "the start")
        self.screen.ready()
        return self.screen

    def run_command(self, line):
        """Types a command and waits for the prompt after its answer; answers the rows between."""
        before = len(self.screen.rows())
        self.screen.type(line + "\r")
        self.screen.until(lambda: len(self.screen.rows()) > before and self.screen.rows()[-1] == ">", line)
        return self.screen.rows()[before:-1]

    def log_something(self):
        """Causes log lines from another interface."""
        Rest(self.http_port).get("file_create -o other.txt 5")
        Rest(self.http_port).get("stream_close all")

    def ends(self):
        """The program must have ended by itself, without a failure, and must have restored the terminal."""
        deadline = time.monotonic() + PATIENCE
        while self.process.poll() is None:
            self.screen.feed(0.05)
            self.assertLess(time.monotonic(), deadline, "it does not end")
        self.assertEqual(self.process.returncode, 0)
        self.assertEqual(termios.tcgetattr(self.follower), self.cooked)


class Start(Seat):
    def test_the_prompt_is_last_and_the_only_one(self):
        rows = self.start(joins=True).rows()
        self.assertIn(WELCOME, rows)
        self.assertIn("[Associated]", rows)
        self.assertEqual([row for row in rows if row.startswith(">")], [">"], rows)

    def test_it_still_is_after_a_reboot(self):
        screen = self.start()
        self.assertEqual(screen.rows()[1], WELCOME, "behind the folder of the data")
        screen.type("reboot\r")
        screen.until(lambda: screen.rows()[-1] == ">" and screen.rows()[-2] == "[Ready]", "the next life")
        screen.ready()
        self.assertEqual(self.run_command("get system.cmd.echo"), ["1"])

    def test_a_log_on_the_same_terminal_leaves_the_prompt_whole(self):
        screen = self.start("--log", joins=True)
        rows = screen.rows()
        self.assertEqual([row for row in rows if row.startswith(">")], [">"], rows)
        self.assertEqual(rows.count("[Associated]"), 1, "each line once")
        screen.type("get wl")
        self.log_something()
        screen.shows("[Closed: 0]", "> get wl")

    def test_so_does_a_log_that_the_device_does_not_print_itself(self):
        screen = self.start("--log", "--set", "system.print_level=0", joins=True)
        screen.type("get wl" + LEFT)
        self.log_something()
        screen.shows("[Closed: 0]", "> get w|l")
        self.assertEqual([row for row in screen.rows() if row.startswith(">")], ["> get wl"])

    def test_so_do_pins(self):
        screen = self.start("--show-pins", joins=True)
        screen.type("get wl")
        Rest(self.http_port).get("gpio_dir 3 out 1")
        screen.shows("GPIO 3: high", "> get wl")


class Drawing(Seat):
    def test_the_line_is_drawn_again_below_log_lines(self):
        screen = self.start(joins=True)
        screen.type("get wlan.mac" + LEFT * 3)
        screen.shows("> get wlan.|mac")
        self.log_something()
        screen.shows("[Closed: 0]", "> get wlan.|mac")
        screen.type(ctrl("U") + "get wlan.\r")
        screen.until(lambda: re.fullmatch("([0-9A-F]{2}:){5}[0-9A-F]{2}", screen.rows()[-2]), "the answer")

    def test_a_line_over_several_rows(self):
        # The sixth wide character ends at the edge: pyte does not handle a wide character that does not fit as
        # terminals do.
        screen = self.start(columns=41, joins=True)
        line = "set system.msg initialized " + "字" * 20
        screen.type(line)
        rows = ["> set system.msg initialized " + "字" * 6, "字" * 14]
        # pyte leaves an empty cell after each wide character.
        seen = lambda: [row.replace(" ", "") for row in screen.rows()][-2:]
        screen.until(lambda: seen() == [row.replace(" ", "") for row in rows], rows)
        self.log_something()
        screen.until(lambda: "[Closed: 0]" in screen.rows() and seen() == [row.replace(" ", "") for row in rows], rows)
        self.assertEqual(len([row for row in screen.rows() if row.startswith("> ")]), 1, screen.rows())

    def test_the_window_may_change(self):
        screen = self.start(columns=80)
        fcntl.ioctl(self.follower, termios.TIOCSWINSZ, struct.pack("HHHH", 60, 30, 0, 0))
        screen.screen.resize(60, 30)
        screen.type("x" * 30)
        screen.shows("> " + "x" * 28, "xx")


class Keys(Seat):
    def test_keys_that_edit(self):
        screen = self.start()
        for keys, row in [
            ("wlan.mac" + ctrl("A") + "get ", "> get |wlan.mac"),
            (ctrl("E") + "!", "> get wlan.mac!"),
            (ctrl("W"), "> get "),
            ("wlan.mac" + LEFT + ctrl("U"), "> |c"),
            (ctrl("K"), "> "),
            ("äb字" + LEFT + "\x7f", "> ä|字 "),
            (ctrl("U") + ctrl("K"), "> "),
        ]:
            screen.type(keys)
            screen.shows(row)

    def test_the_screen_is_emptied(self):
        screen = self.start()
        screen.type("get wl" + ctrl("L"))
        screen.until(lambda: screen.rows() == ["> get wl"], "one row")
        self.assertEqual((screen.screen.cursor.y, screen.screen.cursor.x), (0, 8))

    def test_search(self):
        screen = self.start()
        for line in ("get system.cmd.echo", "version", "get system.cmd.mode"):
            self.run_command(line)
        screen.type("dra" + ctrl("R") + "cmd")
        screen.shows('search "cmd": get system.cmd.mode')
        screen.type(ctrl("R"))
        screen.shows('search "cmd": get system.cmd.echo')
        screen.type(ctrl("R"))
        screen.shows('nothing older with "cmd": get system.cmd.echo')
        screen.type(ctrl("G"))
        screen.shows("> dra")
        screen.type(ctrl("R") + "echo\r")
        screen.shows("> get system.cmd.echo", "1", PROMPT)

    def test_the_draft_survives_the_arrow_keys(self):
        screen = self.start()
        self.run_command("get system.cmd.echo")
        screen.type("dra" + UP)
        screen.shows("> get system.cmd.echo")
        screen.type(DOWN)
        screen.shows("> dra")


class Words(Seat):
    def test_tab_completes(self):
        screen = self.start()
        self.run_command("file_create there.txt 0")
        self.run_command("file_open there.txt")
        for keys, row in [
            ("vers\t", "> version "),
            ("get wlan.ss\t", "> get wlan.ssid "),
            ("get netw\t", "> get network"),
            ("set system.cmd.mode ma\t", "> set system.cmd.mode machine "),
            ("file_delete \t", "> file_delete there.txt "),
            ("stream_read \t", "> stream_read 0 "),
        ]:
            screen.type(keys)
            screen.shows(row)
            screen.type(ctrl("U"))
            screen.ready()

    def test_a_second_tab_lists(self):
        screen = self.start()
        screen.type("tcp_\t")
        screen.shows("> tcp_")
        screen.type("\t")
        screen.shows("> tcp_", "tcp_client  tcp_server", "> tcp_")

    def test_suggestions(self):
        self.start()
        self.assertEqual(self.run_command("verison"), ["Unknown command", "Did you mean version?"])
        self.assertEqual(self.run_command("get wlan.sid"), ["Unknown variable", "Did you mean wlan.ssid?"])
        self.assertEqual(self.run_command("qqqqqqqq"), ["Unknown command"])

    def test_help(self):
        self.start()
        self.assertIn("wlan_scan (scan): List the wireless networks", self.run_command("help wlan"))
        self.screen.type(ctrl("L"))
        self.screen.ready()
        page = "\n".join(self.run_command("help stream_poll"))
        for part in ("Usage: stream_poll <handle>|all", "\n  handle ", "\n  -c ", "\nAnswer: ", "\nExample: "):
            self.assertIn(part, page)


class DataOfCommands(Seat):
    def test_they_are_counted(self):
        screen = self.start()
        screen.type("file_create hello.txt 12\r")
        screen.shows("[0 of 12] ")
        screen.type("Hello")
        screen.shows("[5 of 12] Hello")
        screen.type(" World!")
        screen.shows("[12 of 12] Hello World!", "File created", "Success", PROMPT)
        self.assertEqual(self.run_command("file_open hello.txt")[-1], "0")
        self.assertEqual(self.run_command("stream_read 0 12"), ["[Closed: 0]", "Hello World!"])

    def test_control_c_ends_the_command(self):
        screen = self.start()
        screen.type("file_create hello.txt 12\rHello")
        screen.shows("[5 of 12] Hello")
        screen.type(ctrl("C"))
        screen.shows("[5 of 12] Hello", "Command failed", PROMPT)
        self.assertEqual(self.run_command("file_stat hello.txt"), ["File not found", "Command failed"])


class Leaving(Seat):
    def test_control_d_leaves_an_empty_line(self):
        screen = self.start()
        screen.type("ab" + ctrl("A") + ctrl("D"))
        screen.shows("> |b")
        screen.type(ctrl("D") + ctrl("D"))
        self.ends()

    def test_control_c_clears_explains_and_leaves(self):
        screen = self.start()
        screen.type("get wl")
        screen.shows("> get wl")
        screen.type(ctrl("C"))
        screen.shows("> get wl^C", PROMPT)
        screen.type(ctrl("C"))
        screen.shows("> ^C", HOW_TO_LEAVE, PROMPT)
        screen.type("x\x7f")
        screen.ready()
        screen.type(ctrl("C"))
        screen.shows("> ^C", HOW_TO_LEAVE, PROMPT)
        self.assertIsNone(self.process.poll())
        screen.type(ctrl("C"))
        self.ends()


class PseudoTerminal(Seat):
    """`--serial pty:`: for a host, unless an option says that a person uses the line."""

    def open(self, *arguments):
        """Starts the program with a pseudo-terminal as its line; answers the line."""
        link = self.folder / "uart"
        command = [str(binary()), "--data", str(self.folder / "data"), "--serial", f"pty:{link}", *arguments]
        command += ["--set", "wlan.auto_join.enabled=0", "--set", "http.server.enabled=0"]
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.addCleanup(self.process.wait)
        self.addCleanup(self.process.kill)
        deadline = time.monotonic() + PATIENCE
        while not link.is_symlink():
            self.assertLess(time.monotonic(), deadline)
            time.sleep(0.01)
        line = Console.pty(link)
        self.addCleanup(line.close)
        return line

    def test_a_person(self):
        screen = Screen(self.open("--terminal").fd, 80)
        screen.ready()
        screen.type("vers\t" + ctrl("A") + "x" + ctrl("C"))
        screen.shows("> xversion ^C", PROMPT)
        screen.type(ctrl("D"))
        self.assertEqual(self.process.wait(PATIENCE), 0)

    def test_a_host(self):
        line = self.open()
        self.assertTrue(line.read_until(b"> ").endswith(b"[Ready]\r\n> "), "no word to a person")
        line.send(b"vers\t\x01\x15\x12\x03\x04\r")
        self.assertRegex(line.read_until(b"\r\n> "), rb"^version \r\nOPENZENTRI[^\r]*\r\n> $")
        self.assertIsNone(self.process.poll())


class Pages(Seat):
    """The dialogues of README.md and docs/terminal.md, with each line typed as printed there."""

    def dialogues(self, page):
        """The blocks of a page that contain typed lines."""
        text = (ROOT / page).read_text("utf-8")
        blocks = re.findall(r"^```(\w*)\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)
        return [block for mark, block in blocks if mark in ("", "text") and "\n> " in "\n" + block]

    def play(self, rows):
        """Types the typed rows, each once the screen shows the rows before it."""
        for row in rows:
            typed = re.fullmatch(r"\[\d+ of (\d+)\] (.*)", row)
            if row.startswith(PROMPT):
                self.screen.ready()
                self.screen.type(row.removeprefix(PROMPT) + "\r")
                self.screen.until(lambda row=row: row in self.screen.rows(), row)
            elif typed:
                self.screen.shows(f"[0 of {typed[1]}] ")
                self.screen.type(typed[2])

    def test_the_readme_is_what_happens(self):
        """With a host of this machine in place of example.com."""
        (dialogue,) = self.dialogues("README.md")
        peer = self.enterContext(Peer(echo))
        for old, new in [
            ("example.com:80", f"localhost:{peer.port}"),
            ("example.com 80", f"localhost {peer.port}"),
            ("example.com", "localhost"),
            ("8080", str(self.http_port)),
            ("/home/you/.local/state", str(self.folder)),
        ]:
            self.assertIn(old, dialogue)
            dialogue = dialogue.replace(old, new)
        screen = self.start(columns=100, joins=True)
        want = dialogue.splitlines()
        self.play(want)
        screen.ready()
        # The kernel chooses the local port of a connection.
        chosen = lambda row: re.sub(r"\(\d+\)$", "(port)", row)
        self.assertEqual([chosen(row) for row in screen.rows()[:-1]], [chosen(row) for row in want])

    def test_the_page_of_the_terminal_is_what_happens(self):
        screen = self.start()
        dialogues = self.dialogues("docs/terminal.md")
        self.assertGreaterEqual(len(dialogues), 2)
        for dialogue in dialogues:
            self.play(dialogue.splitlines())
            last = dialogue.splitlines()[-1]
            screen.shows(*([last] if last.startswith("[") else [last, PROMPT]))
            shown = "\n".join(row for row in screen.rows() if row != ">")
            self.assertIn(dialogue.strip(), shown)


if __name__ == "__main__":
    unittest.main()
