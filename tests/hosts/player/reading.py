"""The ways in which hosts read. Each takes its bytes from the line, and returns the text or raises `Late`."""

import re
import time

from .line import Late

HEADER = re.compile(rb"([RLS])(\d)(\d{5})\r\n")
#: Milliseconds that a host waits if its rule has no time.
WITHIN = 2000


def complaint(rule, text, fill):
    """Why a host would not accept a text; `None` when it would."""
    wrong = None
    if missing := [word for word in rule.get("has", []) if fill(word) not in text]:
        wrong = f"lacks {missing[0]!r}"
    elif extra := [word for word in rule.get("lacks", []) if fill(word) in text]:
        wrong = f"has {extra[0]!r}"
    elif "any" in rule and not any(fill(word) in text for word in rule["any"]):
        wrong = f"has none of {rule['any']}"
    elif "is" in rule and text != fill(rule["is"]):
        wrong = f"is not {fill(rule['is'])!r}"
    elif "starts" in rule and not text.startswith(fill(rule["starts"])):
        wrong = f"does not start with {rule['starts']!r}"
    elif "match" in rule and not re.search(fill(rule["match"]), text, re.S):
        wrong = f"does not match {fill(rule['match'])!r}"
    elif "first_not" in rule and (not text or text[0] in rule["first_not"]):
        wrong = f"begins with one of {rule['first_not']!r}, or is empty"
    elif len(text) > rule.get("longest", len(text)):
        wrong = f"has {len(text)} bytes, more than the host has room for"
    elif rule.get("ends_lf") and not text.endswith("\n"):
        wrong = "does not end in LF"
    return wrong and f"{text[-160:]!r} {wrong}"


class Reader:
    """The reading half of a host. `fill` replaces `<<name>>` with values; `again` sends the step once more."""

    def __init__(self, line, peers, fill, again):
        self.line = line
        self.peers = peers
        self.fill = fill
        self.again = again

    def read(self, rule):
        """Reads by a rule of the data."""
        return getattr(self, f"_{rule['rule']}")(rule)

    def answer(self, seconds):
        """The next answer, wherever it begins, after any log frames: its code and payload."""
        deadline = time.monotonic() + seconds
        while True:
            kind, code, payload = self._header({"resync": True}, deadline)
            if kind != "L":
                return code, payload.decode("latin1")

    def _accept(self, rule, text):
        if wrong := complaint(rule, text, self.fill):
            raise Late(wrong)
        return text

    def _deadline(self, rule):
        return time.monotonic() + rule.get("within", WITHIN) / 1000

    def _header(self, rule, deadline):
        """The next header: exactly at the current position, or, for hosts that resynchronise, wherever one is."""
        while rule.get("resync") and not (found := HEADER.search(self.line.received)):
            if time.monotonic() > deadline:
                raise Late(f"no header in {bytes(self.line.received[:80])!r}")
            self.line.more(0.05)
        if rule.get("resync"):
            self.line.take(found.start())
        self.line.need(9, deadline)
        header = HEADER.match(self.line.received)
        if not header:
            raise Late(f"no header at {bytes(self.line.received[:80])!r}")
        self.line.need(9 + int(header[3]), deadline)
        kind, code, length = header[1].decode(), int(header[2]), int(header[3])
        self.line.take(9)
        return kind, code, self.line.take(length)

    def _frame(self, rule):
        """One answer, after no more log frames than the host tolerates (`logs`)."""
        deadline, logs = self._deadline(rule), 0
        while True:
            kind, code, payload = self._header(rule, deadline)
            if rule.get("text_end", True) and payload and not payload.endswith(b"\r\n"):
                raise Late(f"a payload without CR LF: {payload[-20:]!r}")
            if kind != "L":
                break
            logs += 1
            if logs > rule.get("logs", logs):
                raise Late(f"a log frame too many: {payload!r}")
        text = payload.removesuffix(b"\r\n").decode("latin1")
        if code != rule.get("code", code):
            raise Late(f"code {code}: {text[:80]!r}")
        return self._accept(rule, text)

    def _frame_until(self, rule):
        """Asks again until an answer meets the rule."""
        deadline = self._deadline(rule)
        asked = {key: value for key, value in rule.items() if key in ("logs", "resync", "text_end")}
        while True:
            text = self._frame(asked)
            wrong = complaint(rule, text, self.fill)
            if not wrong:
                return text
            if time.monotonic() > deadline:
                raise Late(wrong)
            time.sleep(rule.get("pause", 50) / 1000)
            self.again()

    def _line(self, rule):
        line = self.line.until(b"\r\n", rule.get("within", WITHIN) / 1000)
        return self._accept(rule, line.removesuffix(b"\r\n").decode("latin1"))

    def _until(self, rule):
        text = self.line.until(self.fill(rule["to"]).encode("latin1"), rule.get("within", WITHIN) / 1000)
        return self._accept(rule, text.decode("latin1"))

    def _seen(self, rule):
        """Collects until the received text meets the rule, like `strstr` on a buffer."""
        deadline = self._deadline(rule)
        while True:
            self.line.more(0.02)
            text = self.line.received.decode("latin1")
            wrong = complaint(rule, text, self.fill)
            if not wrong:
                self.line.received.clear()
                return text
            if time.monotonic() > deadline:
                raise Late(wrong)

    def _all(self, rule):
        """Everything until the line is quiet."""
        self.line.quiet(rule.get("quiet", 150) / 1000, rule.get("within", WITHIN) / 1000)
        return self._accept(rule, self.line.take(len(self.line.received)).decode("latin1"))

    def _sign(self, seconds):
        """The first four bytes, or fewer in that time; others that come at once are dropped."""
        try:
            self.line.need(4, time.monotonic() + seconds)
        except Late:
            pass
        sign = bytes(self.line.received[:4]).decode("latin1")
        self.line.quiet(0.004, 0.05)
        self.line.forget()
        return sign

    def _first4(self, rule):
        self.line.received.clear()
        return self._accept(rule, self._sign(rule.get("within", WITHIN) / 1000))

    def _ping_until(self, rule):
        """Asks repeatedly for a sign of life, and reads only what comes after each request."""
        deadline = self._deadline(rule)
        time.sleep(rule.get("first_wait", 0) / 1000)
        while time.monotonic() < deadline:
            self.line.forget()
            self.line.send(rule["send"].encode("latin1"))
            sign = self._sign(rule["each"] / 1000)
            if sign in rule["any"]:
                return sign
            time.sleep(rule["pause"] / 1000)
        raise Late("no sign of life")

    def _peer(self, rule):
        wanted = self.fill(rule["got"]).encode("latin1")
        got = self.peers.await_got(rule["peer"], wanted, rule.get("within", WITHIN) / 1000)
        return self._accept({"lacks": rule.get("lacks", [])}, got.decode("latin1"))

    def _conn(self, rule):
        wanted = self.fill(rule["got"]).encode("latin1")
        return self.peers.await_heard(rule["name"], wanted, rule.get("within", WITHIN) / 1000).decode("latin1")
