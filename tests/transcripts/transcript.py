"""Reads transcripts (see README.md) and plays them on any kind of serial line."""

import re
import time
from dataclasses import dataclass, field

#: How long a runner waits for more output after an answer, in seconds.
QUIET = 0.05
#: How long an answer may take, in seconds.
ANSWER = 60.0
PROMPT = re.compile(rb"(?:^|\n)((?:SAFEMODE)?> )\Z")
FRAME = re.compile(rb"([RLS])([0-9])([0-9]{5})\r\n")
PLACEHOLDER = re.compile(rb"\{(\*|text|word|int|hex|mac|ip)(?:=([a-z0-9_]+))?\}")
VALUE = re.compile(rb"\{\$([a-z0-9_]+)\}")
KINDS = {
    b"*": rb"[\s\S]*",
    b"text": rb"[\s\S]+",
    b"word": rb"[^ \t]+",
    b"int": rb"-?[0-9]+",
    b"hex": rb"[0-9A-Fa-f]+",
    b"mac": rb"[0-9A-F]{2}(?::[0-9A-F]{2}){5}",
    b"ip": rb"[0-9]{1,3}(?:\.[0-9]{1,3}){3}",
}


class Mistake(Exception):
    """The transcript itself is wrong."""


class Difference(Exception):
    """The device printed something else."""


@dataclass
class Step:
    """An action, and the expected output."""

    number: int
    kind: str
    text: bytes = b""
    data: list = field(default_factory=list)
    expected: list = field(default_factory=list)


def parse(content):
    """The steps of a transcript."""
    steps = []
    in_head = True
    for number, line in enumerate(content.removesuffix(b"\n").split(b"\n"), 1):
        line = line.removesuffix(b"\r")
        if in_head and (not line or line.startswith(b"#")):
            continue
        in_head = False
        try:
            _add(steps, number, line)
        except Mistake as mistake:
            raise Mistake(f"line {number}: {mistake}") from None
    return steps


def _add(steps, number, line):
    if line.startswith(b">#"):
        return
    if line == b">" or line.startswith(b"> "):
        steps.append(Step(number, "command", line[2:]))
    elif line.startswith(b">> "):
        _add_raw(steps, number, (line[3:], True))
    elif line.startswith(b">x "):
        try:
            _add_raw(steps, number, (bytes.fromhex(line[3:].decode()), False))
        except ValueError:
            raise Mistake("not hexadecimal") from None
    elif line.startswith(b">! "):
        _add_directive(steps, number, line[3:].decode().split())
    elif line.startswith(b">"):
        raise Mistake(f"unknown kind of line: {line!r}")
    else:
        if not steps or steps[-1].kind in ("framing", "raw"):
            raise Mistake("output is expected where there is none")
        steps[-1].expected.append(line.removeprefix(b"\\"))


def _add_raw(steps, number, data):
    if steps and steps[-1].kind == "command" and not steps[-1].expected:
        steps[-1].data.append(data)
    else:
        steps.append(Step(number, "raw", data=[data]))


def _add_directive(steps, number, words):
    match words:
        case ["boot"] if steps:
            raise Mistake("`>! boot` can only come first")
        case ["boot" | "restart" | "prompt" as kind]:
            steps.append(Step(number, kind))
        case ["wait", milliseconds] if milliseconds.isdigit():
            steps.append(Step(number, "wait", milliseconds.encode()))
        case ["framing", *parts] if parts and set(parts) <= {"echo", "prompt", "header"} and set(parts) != {"echo"}:
            steps.append(Step(number, "framing", " ".join(parts).encode()))
        case _:
            raise Mistake(f"unknown directive: {' '.join(words)}")


def insert(line, values):
    """Puts the values of `{$name}` into a line."""

    def value(match):
        if match[1] not in values:
            raise Mistake(f"no value for {match[0].decode()}")
        return values[match[1]]

    return VALUE.sub(value, line)


def pattern(line):
    """An expected line as a regular expression, and the names of its groups."""
    out, names, end = b"", [], 0
    for match in PLACEHOLDER.finditer(line):
        out += re.escape(line[end : match.start()])
        kind, name, end = KINDS[match[1]], match[2], match.end()
        if name in names:
            out += b"(?P=" + name + b")"
        elif name:
            names.append(name)
            out += b"(?P<" + name + b">" + kind + b")"
        else:
            out += b"(?:" + kind + b")"
    return re.compile(out + re.escape(line[end:])), names


def match_lines(expected, actual, values):
    """Compares all lines; returns the values together with those that the lines have bound, or `None`."""
    if not expected:
        return None if actual else values
    if expected[0] == b"{...}":
        for skipped in range(len(actual) + 1):
            bound = match_lines(expected[1:], actual[skipped:], values)
            if bound is not None:
                return bound
        return None
    if not actual:
        return None
    regex, names = pattern(insert(expected[0], values))
    match = regex.fullmatch(actual[0])
    if not match:
        return None
    found = {name: match[name.decode()] for name in names}
    if any(values.get(name, value) != value for name, value in found.items()):
        return None
    return match_lines(expected[1:], actual[1:], values | found)


def without_echo(output, line):
    """Whether the output starts with the echo of a line, and what follows it."""
    echo = line + b"\r\n"
    return (True, output[len(echo) :]) if output.startswith(echo) else (False, output)


def without_prompt(output):
    """Whether the output ends with a prompt, and what is before it."""
    match = PROMPT.search(output)
    return (True, output[: match.start(1)]) if match else (False, output)


def has_response(output):
    """Whether the output begins with complete frames, one of which is a response."""
    while match := FRAME.match(output):
        end = match.end() + int(match[3])
        if len(output) < end:
            return False
        if match[1] != b"L":
            return True
        output = output[end:]
    return False


class Player:
    """Plays steps. `line` has `send(bytes)` and `read(seconds)`, which returns what came, at the latest after that
    time.

    `restart` cuts the power of the device and starts it again; without it, transcripts that use it cannot be played.
    """

    def __init__(self, line, restart=None, values=None, slack=1.0):
        self.line = line
        self.restart = restart
        self.values = dict(values or {})
        self.framing = {"echo", "prompt"}
        #: How much slower than usual this device may be.
        self.slack = slack

    def play(self, steps):
        """Plays all steps; raises `Difference` or `Mistake` with the line number."""
        for step in steps:
            try:
                self.step(step)
            except (Difference, Mistake) as problem:
                raise type(problem)(f"line {step.number}: {problem}") from None

    def step(self, step):
        """Plays one step."""
        if step.kind == "framing":
            self.framing = set(step.text.decode().split())
        elif step.kind == "raw":
            self.line.send(self.data(step))
        elif step.kind == "wait":
            self.compare(step, self.listen(int(step.text) / 1000))
        elif step.kind == "prompt":
            self.compare(step, self.until_prompt())
        elif step.kind == "restart":
            self.restart()
            self.compare(step, self.until_prompt())
        elif step.kind == "boot":
            self.compare(step, self.until_prompt())
        else:
            self.compare(step, self.command(step))

    def data(self, step):
        """The raw data of a step."""
        return b"".join(insert(data, self.values) if is_text else data for data, is_text in step.data)

    def command(self, step):
        """Types a command; returns the output without echo and prompt."""
        line = insert(step.text, self.values)
        unasked = self.listen(0)
        if unasked:
            raise Difference(f"printed before the command: {unasked!r}")
        self.line.send(line + b"\r\n" + self.data(step))
        output = self.collect(lambda output: self.answered(output, line))
        echoed, answer = without_echo(output, line)
        if echoed != ("echo" in self.framing):
            raise Difference(f"the echo is {'there' if echoed else 'missing'}: {output!r}")
        prompted, answer = without_prompt(answer)
        if prompted != ("prompt" in self.framing):
            raise Difference(f"the prompt is {'there' if prompted else 'missing'}: {output!r}")
        return answer

    def answered(self, output, line):
        """Whether the answer to a line is complete."""
        _, answer = without_echo(output, line)
        return without_prompt(answer)[0] or has_response(answer)

    def until_prompt(self):
        """The output up to a prompt."""
        return without_prompt(self.collect(lambda output: without_prompt(output)[0]))[1]

    def collect(self, complete):
        """Reads until the output is complete and the device is quiet."""
        output = b""
        deadline = time.monotonic() + ANSWER * self.slack
        while not complete(output):
            if time.monotonic() > deadline:
                raise Difference(f"no complete answer in {ANSWER * self.slack:.0f} s: {output!r}")
            output += self.line.read(0.2)
        while more := self.line.read(QUIET * self.slack):
            output += more
        return output

    def listen(self, seconds):
        """The output within a time."""
        output = b""
        deadline = time.monotonic() + seconds
        while True:
            left = deadline - time.monotonic()
            output += self.line.read(max(left, 0))
            if left <= 0:
                return output

    def compare(self, step, output):
        """Compares the expected output with the printed output."""
        *actual, unfinished = output.split(b"\r\n")
        if unfinished:
            raise Difference(f"a line without an end was printed: {unfinished!r}")
        bound = match_lines(step.expected, actual, self.values)
        if bound is None:
            show = lambda lines: "".join(f"  {line.decode('utf-8', 'backslashreplace')}\n" for line in lines)
            raise Difference(f"the answer differs\nexpected:\n{show(step.expected)}printed:\n{show(actual)}")
        self.values = bound
