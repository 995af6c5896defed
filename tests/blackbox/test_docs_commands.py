"""Every command block of the README and of docs/: each line runs here, or the test checks that something else runs it.

Shell blocks are marked `sh` or `console`, dialogues have lines that begin with `> `, and commands of the device are in
blocks without a mark. A line without a rule here fails: its author must add what runs it. docs/rest.md and the pages of
commands and variables have tests of their own.
"""

import os
import re
import shlex
import shutil
import subprocess
import sys
import unittest
from pathlib import Path

from zentri import Console, DeviceCase, binary, free_port
from zentri.device import native_sim

ROOT = Path(__file__).resolve().parents[2]
#: Pages with tests of their own, and the files of these tests.
ELSEWHERE = {
    "docs/rest.md": "tests/blackbox/test_rest_docs.py",
    "docs/terminal.md": "tests/blackbox/test_terminal.py",
    "docs/interface/commands": "tests/docs/main.rs",
    "docs/interface/variables": "tests/docs/main.rs",
}
BLOCK = re.compile(r"^ *```([a-z]*)\n(.*?)^ *```$", re.MULTILINE | re.DOTALL)


def pages():
    """Paths of the pages, from the root of the tree."""
    names = ["README.md", "CONTRIBUTING.md", ".ci/README.md", "benches/README.md"]
    found = [ROOT / name for name in names]
    for folder in ("docs", "clients"):
        found += sorted((ROOT / folder).rglob("*.md"))
    paths = [path.relative_to(ROOT).as_posix() for path in found]
    return [path for path in paths if not any(path.startswith(other) for other in ELSEWHERE)]


def blocks(*marks):
    """The blocks with one of these marks, as page and text."""
    for page in pages():
        for mark, text in BLOCK.findall((ROOT / page).read_text("utf-8")):
            if mark in marks:
                yield page, text


def shell_lines():
    """Each command of the shell blocks, as page and words, split at shell words that join commands."""
    for page, text in blocks("sh", "console"):
        prompt = any(line.startswith("$ ") for line in text.splitlines())
        text = re.sub(r"(?m)(^|\s)#.*$", "", text.replace("\\\n", " "))
        lexer = shlex.shlex(text, posix=True, punctuation_chars="&\n")
        lexer.commenters = ""
        lexer.whitespace = " \t"
        lexer.whitespace_split = True
        words = []
        for word in [*lexer, "\n"]:
            if word.strip("&\n"):
                words.append(word)
                continue
            if words and (not prompt or words[0] == "$"):
                yield page, words[1:] if prompt else words
            words = []


@unittest.skipIf(native_sim(), "the Linux program")
class Shell(DeviceCase):
    """The lines of shell blocks. One device serves all lines that need one."""

    machine = False
    settings = {"http.server.metrics_enabled": "1"}
    limit = 300

    def test_each_line_runs(self):
        lines = list(shell_lines())
        self.assertGreater(len(lines), 50)
        for page, words in lines:
            with self.subTest(page=page, line=" ".join(words)):
                while re.match(r"[A-Z_]+=", words[0]):
                    words = words[1:]
                self.rule(words)(page, words)

    def rule(self, words):
        """The rule that runs a line."""
        name = words[0]
        for begin, rule in RULES.items():
            if name == begin or begin.endswith("/") and name.startswith(begin):
                return lambda page, words: rule(self, page, words)
        self.fail(f"nothing here runs {name}")

    def run_here(self, words, folder=ROOT, **more):
        """Runs a program that must succeed."""
        done = subprocess.run(words, cwd=folder, capture_output=True, text=True, timeout=120, **more)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        return done.stdout

    # --- Cargo and this tree ---

    def cargo(self, _page, words):
        """`cargo run` stands for the program that was built already; CI runs the other commands."""
        if words[1] != "run":
            return self.in_ci(" ".join(words[:2]))
        arguments = words[3:] if words[2:3] == ["--"] else []
        place = self.device.folder / "here"
        arguments = [re.sub(r"^pty:.*", f"pty:{place}", word) for word in arguments]
        line = [str(binary()), *arguments, "--data", str(place) + ".data", "--set", f"http.server.port={free_port()}"]
        if not arguments:
            said = self.run_here(line, input="version\r\n")
            return self.assertIn("ZentriOS-WZ-", said)
        with subprocess.Popen(line, stderr=subprocess.DEVNULL) as device:
            try:
                self.eventually(place.is_symlink, 10)
            finally:
                device.terminate()

    def in_ci(self, line):
        """Checks that CI runs the line."""
        texts = [path.read_text() for path in sorted((ROOT / ".ci").rglob("*.sh"))]
        self.assertTrue(any(line in text for text in texts), f"no part of CI has {line}")

    def bash(self, _page, words):
        """`bash .ci/run PART...`"""
        self.assertEqual(words[1], ".ci/run")
        for part in words[2:]:
            self.assertTrue((ROOT / ".ci" / "parts" / f"{part}.sh").exists(), part)

    def runner(self, _page, words):
        """A suite that CI runs; tests named in the line must exist."""
        program = (ROOT / words[0].replace("../../", "")).resolve()
        self.assertTrue(os.access(program, os.X_OK), program)
        self.in_ci(program.relative_to(ROOT).as_posix())
        for name in words[1:]:
            self.assertTrue((program.parent / f"{name}.py").exists(), name)

    def bench(self, _page, words):
        """A measurement would take long, so this only checks that it knows the options."""
        known = self.run_here([str(ROOT / words[0]), "--help"])
        for option in (word for word in words[1:] if word.startswith("--")):
            self.assertIn(option, known)

    def python(self, page, words):
        """Python's own modules, and programs of this tree."""
        if words[1:3] == ["-m", "venv"]:
            return self.in_ci('python3 -m venv "$judges"')
        if words[1] == "-m":
            return self.run_here([sys.executable, *words[1:]], (ROOT / page).parent)
        known = self.run_here([sys.executable, str(ROOT / words[1]), "--help"])
        for option in (word for word in words[2:] if word.startswith("--")):
            self.assertIn(option, known)

    def judges(self, _page, words):
        """The environment of the judges: CI makes and uses it."""
        program = words[0].removeprefix("target/judges/bin/")
        self.in_ci({"pip": "-m pip install", "python": '"$python" tests/blackbox/run'}[program])

    def compiler(self, page, _words):
        """test_quickstart.py compiles the program as the page says, and runs it."""
        self.assertIn(Path(page).name, (ROOT / "tests/blackbox/test_quickstart.py").read_text())

    # --- the device ---

    def curl(self, _page, words):
        """A request to the device of this test."""
        if not shutil.which("curl"):
            self.skipTest("curl is not installed")
        base = f"127.0.0.1:{self.device.http_port}"
        words = [re.sub(r"127\.0\.0\.1:8080|<address>", base, word) for word in words]
        self.assertIn(base, " ".join(words), "it asks another device")
        self.run_here([*words, "--retry-connrefused", "--retry", "5", "-sSf", "--noproxy", "*"])

    def zephyr_program(self, page, words):
        """The process of native_sim: Twister runs it, with the options of the page."""
        self.assertTrue(words[0].endswith("/zephyr/zephyr.exe"), page)
        sources = "".join(path.read_text() for path in (ROOT / "zephyr").rglob("*.c"))
        for option in words[1:]:
            self.assertIn(option.split("=")[0].lstrip("-"), sources)

    # --- Zephyr ---

    def west(self, page, words):
        """Boards and options must be those that Twister builds; the rest needs a network, a workspace or a board."""
        if words[1] in ("flash", "blobs", "init", "update", "packages", "zephyr-export", "sdk", "config"):
            return None
        if words[1] == "twister":
            return self.assertIn("openzentri.native_sim:", (ROOT / "sample.yaml").read_text())
        self.assertEqual(words[1], "build", page)
        return self.west_build(words)

    def west_build(self, words):
        """`west build [-b BOARD] [-t TARGET] [-- -DNAME=VALUE...]`"""
        sample = (ROOT / "sample.yaml").read_text()
        for option, value in zip(words, words[1:], strict=False):
            if option == "-b":
                self.assertRegex(sample, rf"platform_allow: {re.escape(value)}\n")
            if option == "-t" and value != "run":
                self.assertIn(f"add_custom_target({value}", (ROOT / "CMakeLists.txt").read_text())
            name = re.match(r"-D(?:CONFIG_)?(\w+)=", value)
            if name and name[1].startswith("OPENZENTRI_"):
                self.assertRegex((ROOT / "Kconfig").read_text(), rf"(?m)^config {name[1]}$")
            elif name:
                self.assertIn(name[1] + "=", sample, "Twister builds nothing with it")

    def rustup(self, _page, words):
        """The compiler must know these targets."""
        if not shutil.which("rustc"):
            self.skipTest("rustc is not installed")
        known = self.run_here(["rustc", "--print", "target-list"]).split()
        self.assertEqual(words[1:3], ["target", "add"])
        self.assertLessEqual(set(words[3:]), set(known))

    def debian(self, _page, words):
        """Debian must have these packages; checked only where apt-cache exists."""
        if not shutil.which("apt-cache"):
            return
        names = words[2:]
        known = self.run_here(["apt-cache", "pkgnames"]).split()
        if len(known) > 10_000:
            self.assertLessEqual(set(names), set(known))

    def ip(self, _page, words):
        """A TAP with an address: tests/zephyr/test_tap.py makes one in a namespace."""
        self.assertIn(words[1], ("tuntap", "address", "link"))
        self.assertTrue((ROOT / "tests/zephyr/test_tap.py").exists())

    def nothing(self, _page, _words):
        """Words of the shell that run nothing."""


#: The rules, by the first word of a line; a name that ends with `/` stands for all programs there.
RULES = {
    "cargo": Shell.cargo,
    "bash": Shell.bash,
    ".ci/run": lambda self, page, words: self.bash(page, ["bash", *words]),
    "tests/blackbox/run": Shell.runner,
    "tests/browser/run": Shell.runner,
    "../../tests/blackbox/run": Shell.runner,
    "benches/": Shell.bench,
    "python3": Shell.python,
    "target/judges/bin/": Shell.judges,
    "cc": Shell.compiler,
    "./quickstart": Shell.compiler,
    "curl": Shell.curl,
    "./build/": Shell.zephyr_program,
    "west": Shell.west,
    "rustup": Shell.rustup,
    "apt-get": Shell.debian,
    "ip": Shell.ip,
    "cd": Shell.nothing,
    ".": Shell.nothing,
    "pip": Shell.nothing,
}

#: Values for placeholders, and a network of the simulated neighbourhood for the reader's own.
FILLED = {
    "<name>": "demo",
    "<scope,...>": "read",
    "<seconds>": "10",
    "<ssid>": "MyNet",
    "<passkey>": "mypassword",
    "<passphrase>": "mypassword",
    '"Your network"': "MyNet",
    "your-passphrase": "mypassword",
    "<size>": "5",
    "10.0.0.1": "127.0.0.1",
}
#: Commands of the pages that cannot succeed against the process of a test, and why.
ELSEWHERE_LINES = {
    "tcp_client example.com 80": "the Internet: test_quickstart.py opens such a stream",
    "http_post -o example.com/hello application/json": "the Internet: tests/transcripts/examples.txt",
    "i2c_master_open 0x50": "tests/transcripts/buses.txt",
    "reboot": "the dialogue goes on",
    "network_restart": "with a certificate that is none",
}


def option(match):
    """Keeps an optional part if all its placeholders have a value."""
    places = re.findall(r"<[^>]*>", match[1])
    return match[1] if places and all(place in FILLED for place in places) else ""


def fill(line):
    """A command of a page as a person would type it."""
    while "[" in line:
        line = re.sub(r"\[([^\[\]]*)\]", option, line)
    for place, value in FILLED.items():
        line = line.replace(place, value)
    return " ".join(line.split())


def known_commands():
    """Names of all commands."""
    return {path.stem for path in (ROOT / "docs/interface/commands").glob("*.md")} - {"README"}


@unittest.skipIf(native_sim(), "the Linux program")
class Dialogues(DeviceCase):
    """Commands of the device, each in the order of its page."""

    machine = False
    settings = {"wlan.auto_join.enabled": "0", "ntp.enabled": "0", "mdns.enabled": "0"}
    arguments = ("--radio", str(ROOT / "tests/transcripts/networks"))

    def dialogues(self):
        """Page and commands of each block that has commands."""
        names = known_commands()
        for page, text in blocks("", "text"):
            lines = text.splitlines()
            typed = [line[2:] for line in lines if line.startswith("> ") and line[2:].split(" ")[0] in names]
            if not typed:
                typed = [line for line in lines if line.split(" ")[0] in names]
            if typed:
                yield page, typed

    def test_each_command_succeeds(self):
        found = list(self.dialogues())
        self.assertGreater(len(found), 10)
        for page, lines in found:
            with self.subTest(page=page):
                self.play(lines)

    def play(self, lines):
        """Types the commands one after another."""
        device = self.new_device()
        line = Console.pty(device.link)
        self.addCleanup(line.close)
        line.read_until(b"> ", 10)
        line.send(b"set system.cmd.mode machine\r\n")
        line.read_until(b"Set OK\r\n")
        host = device.machine()
        for wanted in lines:
            # Removes a remark after the command.
            wanted = re.sub(r" {2,}.*", "", wanted)
            if wanted in ELSEWHERE_LINES:
                return
            command = fill(wanted)
            data = re.match(r"(?:file_create|stream_write|write) \S+ (\d+)$", command)
            answer = host.command(command, b"x" * int(data[1]) if data else None, seconds=30)
            self.assertEqual(answer.code, 0, f"{command}: {answer.text}")


if __name__ == "__main__":
    unittest.main()
