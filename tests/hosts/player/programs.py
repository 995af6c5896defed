"""Plays the dialogue of one host program."""

import re
import time
from dataclasses import dataclass

from .line import Late
from .peers import Peers
from .place import Place, free_port
from .reading import Reader


@dataclass
class Outcome:
    """The outcome of a step: `ok`, `unbuilt` or `failed`."""

    step: str
    result: str
    counted: bool = True
    needs: str | None = None
    why: str = ""


class Program:
    """One program and its device."""

    def __init__(self, data, unbuilt, place, peers):
        self.data = data
        self.unbuilt = unbuilt
        self.place = place
        self.peers = peers
        self.values = peers.ports | {name: free_port() for name in ("p1", "p2", "p3")}
        if any(name in str(data) for name in ("<<tls>>", "<<wss>>")):
            self.values |= peers.serve_tls()
        self.sent = ""
        self.reader = None

    def fill(self, text):
        """Replaces `<<name>>` with values."""

        def value(match):
            if match[1] not in self.values:
                raise Late(f"there is no value for {match[0]}")
            return str(self.values[match[1]])

        return re.sub(r"<<(\w+)>>", value, text)

    def play(self):
        """Plays all steps; returns their outcomes."""
        start = self.data["start"]
        settings = {"wlan.ssid": "MyNet", "wlan.passkey": "mypassword"} if start["ssid"] else {"wlan.ssid": ""}
        settings |= dict(self.fill(word).split("=", 1) for word in start.get("set", []))
        self.place.prepare(settings)
        self.reader = Reader(self.place.line, self.peers, self.fill, lambda: self.send(self.sent))
        outcomes = []
        for number, step in enumerate(self.data["steps"]):
            if any(self.values.get(name) == value for name, value in step.get("unless", {}).items()):
                continue
            outcome = self.step(f"{number} {str(step.get('send', step.get('before', '')))[:60]!r}", step)
            outcomes.append(outcome)
            if outcome.result == "failed" and step.get("stop"):
                break
        return outcomes

    def step(self, name, step):
        """Plays one step."""
        needs, counted = step.get("needs"), step.get("kind") != "arrange"
        try:
            for act in step.get("before", []):
                self.act(act)
            if self.data.get("flush"):
                self.place.line.forget()
            self.sent = step.get("send", "")
            self.send(self.sent)
            for rule in step.get("expect", []):
                self.keep(rule, self.reader.read(rule))
            return Outcome(name, "ok", counted, needs)
        except Late as late:
            # The next step starts on a quiet line.
            self.place.line.quiet(0.12, 0.6)
            self.place.line.forget()
            return Outcome(name, "unbuilt" if needs in self.unbuilt else "failed", counted, needs, str(late))

    def keep(self, rule, text):
        """Keeps a part of the answer for later steps."""
        if "keep" in rule:
            found = re.search(rule.get("from", "(.*)"), text, re.S)
            if not found:
                raise Late(f"nothing to keep in {text[:80]!r}")
            self.values[rule["keep"]] = found[1]

    def send(self, parts):
        """Sends texts and repeated texts (`fill`, cut to `n` bytes), and pauses (`wait`, milliseconds)."""
        for part in parts if isinstance(parts, list) else [parts]:
            if isinstance(part, str):
                self.place.line.send(self.fill(part).encode("latin1"))
            elif "wait" in part:
                time.sleep(part["wait"] / 1000)
            else:
                self.place.line.send((part["fill"] * part["n"])[: part["n"]].encode("latin1"))

    def act(self, act):
        """Performs an action of someone else before a step."""
        if act["do"] == "wait":
            time.sleep(act["ms"] / 1000)
        elif act["do"] == "forget":
            self.place.line.quiet(0.05, 0.5)
            self.place.line.forget()
        elif act["do"] == "connect":
            self.peers.connect(act["name"], int(self.fill(act["port"])))
        elif act["do"] == "browser":
            self.peers.browse(act["name"], self.place.http_port)
        elif act["do"] == "datagram":
            self.peers.datagrams.sendto(act["data"].encode("latin1"), ("127.0.0.1", int(self.fill(act["port"]))))
        else:
            self.client(act)

    def client(self, act):
        """Performs an action of a connected client."""
        if act["name"] not in self.peers.clients:
            raise Late(f"the client {act['name']} has no connection")
        if act["do"] == "say":
            self.peers.clients[act["name"]].sendall(self.fill(act["data"]).encode("latin1"))
        elif act["do"] == "hang_up":
            self.peers.clients.pop(act["name"]).close()
        else:
            raise ValueError(f"unknown act {act['do']}")


def play(data, unbuilt, program):
    """Plays a host program against its own device; returns the outcomes of its steps."""
    with Peers() as peers, Place(program) as place:
        return Program(data, unbuilt, place, peers).play()
