"""Plays the dialogues that vendor documents print."""

import json
import re
import urllib.request

from .line import Late
from .peers import Peers
from .place import Place
from .programs import Outcome
from .reading import Reader

#: An answer that is shown as a frame: digit, length, payload.
SHOWN_FRAME = re.compile(r"R(\d)(\d{5})\r\n(.*)", re.S)


class Document:
    """One dialogue with a fresh device, in machine mode unless a screen is shown."""

    def __init__(self, data, unbuilt, place, peers, on_screen):
        self.data = data
        self.on_screen = on_screen
        self.unbuilt = unbuilt
        self.place = place
        self.ports = peers.ports
        self.reader = Reader(place.line, peers, self.fill, again=None)

    def fill(self, text):
        """Replaces `<<name>>` with port numbers."""
        return re.sub(r"<<(\w+)>>", lambda match: str(self.ports[match[1]]), text)

    def play(self):
        """Plays all steps; returns their outcomes."""
        return [self.step(step) for step in self.data["steps"]]

    def step(self, step):
        """Sends one line and compares the answer."""
        needs = step.get("needs")
        try:
            for line in step.get("arranged", []):
                self.command(line)
            wrong = self.difference(step, self.fill(step["send"]))
        except Late as late:
            wrong = str(late)
            self.place.line.quiet(0.1, 0.5)
            self.place.line.forget()
        if "differs" in step:
            # An intended difference must still exist, or the list is no longer true.
            wrong = None if wrong else "listed as different, but as the document has it"
        result = "ok" if not wrong else "unbuilt" if needs in self.unbuilt else "failed"
        return Outcome(repr(step["send"][:60]), result, True, needs, wrong or "")

    def difference(self, step, line):
        """The difference from the document; `None` if there is none."""
        if line.startswith("POST "):
            return None if (code := self.post(line)) == 0 else f"code {code}"
        if "screen" in step:
            return self.restart(line, step["screen"])
        code, text = self.command(line)
        if "match" in step:
            return None if code == 0 and re.search(step["match"], text, re.S) else f"{code} {text!r}"
        if "shown" not in step:
            return None if code == 0 else f"code {code}: {text!r}"
        shown, code_shown = self.fill(step["shown"]), 0
        if frame := SHOWN_FRAME.fullmatch(shown):
            code_shown, shown = int(frame[1]), frame[3]
            if len(text) != int(frame[2]):
                return f"{len(text)} bytes, not {int(frame[2])}: {text!r}"
        mine, theirs = rows(text), rows(shown)
        same = set(theirs) <= set(mine) if step.get("excerpt") else theirs == mine
        return None if code == code_shown and same else f"{code} {text!r}, not {shown!r}"

    def command(self, line):
        """Sends a command, with its data after the first line; returns code (on a screen 1 for "Command failed", else 0) and text."""
        self.place.line.send(line.encode("latin1") + (b"" if "\r\n" in line else b"\r\n"))
        if not self.on_screen:
            return self.reader.answer(5.0)
        text = self.place.line.until(b"\r\n> ", 5.0).decode("latin1")
        return (1 if "Command failed" in text else 0), text

    def restart(self, line, screen):
        """Checks a restart as a person sees it: these lines, in this order, and no others."""
        self.place.line.send(line.encode() + b"\r\n")
        text = self.place.line.until(b"[Associated]\r\n", 10.0).decode("latin1")
        seen = text.split("\r\n")[1:-1]
        for pattern in screen:
            if isinstance(pattern, dict):
                # A line of this project that the document does not show.
                if seen[:1] != [pattern["extra"]]:
                    return f"{pattern['extra']!r} is listed as a line of ours, and is not there: {text!r}"
                seen.pop(0)
                continue
            if not seen or not re.fullmatch(pattern, seen[0]):
                return f"{pattern!r} is not {seen[:1]} in {text!r}"
            seen.pop(0)
        return f"more than is shown: {seen}" if seen else None

    def post(self, line):
        """Sends a request of a page; returns the code of its answer."""
        _, path, body = line.split(" ", 2)
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.place.http_port}{path}", body.encode(), {"Content-Type": "application/json"}
        )
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with opener.open(request, timeout=5) as answer:
                return json.loads(answer.read())["code"]
        except (OSError, ValueError, KeyError) as error:
            raise Late(f"{type(error).__name__}: {error}") from error


def rows(text):
    """The lines with single blanks: pages lose repeated ones."""
    return [" ".join(line.split()) for line in text.split("\r\n") if line.strip()]


def play(data, unbuilt, program):
    """Plays one dialogue against its own device; returns the outcomes of its steps."""
    on_screen = any("screen" in step for step in data["steps"])
    settings = {"wlan.ssid": "MyNet", "wlan.passkey": "mypassword", "wlan.auto_join.enabled": "1"}
    if not on_screen:
        settings = {"wlan.ssid": "", "system.cmd.mode": "machine"}
    if data.get("joined"):
        settings |= {"wlan.ssid": "MyNet", "wlan.passkey": "mypassword"}
    with Peers() as peers, Place(program) as place:
        place.prepare(settings)
        return Document(data, unbuilt, place, peers, on_screen).play()
