"""The device on Zephyr's simulated board: transcripts, the web server, persistence over restarts, the shell."""

import http.client
import json
import os
import re
import select
import signal
import subprocess
import time

import pytest
import run
from command_uart import CommandUart
from conftest import ROOT
from transcript import Difference

PATIENCE = 20.0
QUIET = {"wlan.auto_join.enabled": "0", "http.server.enabled": "0", "wlan.ssid": ""}
TRANSCRIPTS = sorted((ROOT / "tests" / "transcripts").glob("*.txt"))


def settings(values):
    """The arguments that set variables at the start."""
    return [f"--set={name}={value}" for name, value in values.items()]


class NativeSim(CommandUart):
    """One process with its own flash file."""

    patience = PATIENCE

    def __init__(self, build, folder, values):
        self.program = build / "zephyr" / "zephyr.exe"
        self.folder = folder
        self.values = values
        self.process = None
        self.seen = b""

    def start(self):
        """Starts the process; its own messages go to the file `messages`."""
        self.seen = b""
        with open(self.folder / "messages", "wb") as messages:
            self.process = subprocess.Popen(
                [self.program, *settings(self.values)],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=messages, cwd=self.folder, bufsize=0,
            )
        return self

    def kill(self):
        """Cuts the power."""
        self.process.kill()
        self.end()

    def end(self):
        """Waits for the end; returns the exit code."""
        code = self.process.wait(PATIENCE)
        self.process.stdin.close()
        self.process.stdout.close()
        self.process = None
        return code

    def message(self, pattern):
        """Waits for a message of the process; returns the match."""
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            match = re.search(pattern, (self.folder / "messages").read_text("utf-8", "replace"))
            if match:
                return match
            time.sleep(0.02)
        raise AssertionError(f"no message {pattern}")


@pytest.fixture
def device(build, tmp_path):
    """Starts devices with variables given at the start."""
    started = []

    def start(values=QUIET):
        started.append(NativeSim(build, tmp_path, values).start())
        return started[-1]

    yield start
    for each in started:
        if each.process is not None:
            each.kill()


@pytest.mark.parametrize("transcript", TRANSCRIPTS, ids=lambda path: path.stem)
def test_transcript(build, transcript):
    """Every dialogue runs as on the other ports.

    The simulated clock catches up after the host did not run the process for a while: events that are a tenth of a
    second apart on the device can then coincide here. So a dialogue may be played up to three times on a busy machine.
    """
    place = run.Program(" ".join([str(build / "zephyr" / "zephyr.exe"), *settings(QUIET)]))
    for attempts_left in (2, 1, 0):
        try:
            assert run.play(transcript, place) is None
            return
        except Difference:
            if attempts_left == 0:
                raise


def get(port, path):
    """Sends one request; returns status and body."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
    try:
        connection.request("GET", path)
        response = connection.getresponse()
        return response.status, response.read()
    finally:
        connection.close()


JOINED = {
    "wlan.ssid": "MyNet",
    "wlan.passkey": "mypassword",
    "wlan.auto_join.enabled": "1",
    "http.server.enabled": "1",
}


def joined(running, ssid, passkey="mypassword"):
    """Joins a network; returns the output, `wlan.join.result` and the reason."""
    for line in (f'set wlan.ssid "{ssid}"', f'set wlan.passkey "{passkey}"'):
        assert running.command(line).endswith("Set OK")
    running.command("network_down")
    printed = running.command("network_up")
    result = running.command("get wlan.join.result").strip()
    # An empty answer prints no line.
    return printed, result, "" if result == "1" else running.command("get wlan.join.reason").strip()


def test_pins(device):
    """Outputs follow the device, by Zephyr's GPIO drivers; pins that the board does not have are refused."""
    running = device(QUIET | {
        "system.cmd.gpio": "16", "wlan.network.status_gpio": "14", "system.indicator.gpio wlan": "20",
        "setup.gpio.control_gpio": "11", "setup.gpio.level": "0",
    })
    running.until(b"[Ready]\r\n> ")
    # Its resistor holds the button's pin high: it is not pressed, and the pin is free again shortly after the start.
    free, end = "14=0,16=0,20=0", time.monotonic() + PATIENCE
    while (levels := running.command("get gpio.level").strip()) != free:
        assert time.monotonic() < end, levels
    assert joined(running, "MyNet")[1] == "1"
    assert running.command("get gpio.level").strip() == "14=1,16=0,20=1"
    assert running.command("set system.indicator.gpio wlan 31").endswith("Set OK")
    assert running.command("get gpio.level").strip() == "14=1,16=0,31=1"
    assert "GPIO 32 does not exist on this board" in running.command("set system.indicator.gpio wlan 32")
    assert "GPIO 16 is in use: system.cmd.gpio" in running.command("set system.indicator.gpio wlan 16")
    running.command("network_down")
    assert running.command("get gpio.level").strip() == "14=0,16=0,31=0"


def test_the_join_sequence_through_wifi_management(device):
    """Every outcome of a join, by the path that boards take: Zephyr's Wi-Fi management, its events and its DHCP
    client."""
    running = device(QUIET | {"wlan.dhcp.timeout": "3"})
    running.until(b"[Ready]\r\n> ")
    for ssid, passkey, result, reason in [
        ("MyNet", "mypassword", "1", ""),
        ("Open House", "", "1", ""),
        ("Old", "mypassword", "1", ""),
        ("Moody", "mypassword", "1", ""),
        ("MyNet", "wrongpassword", "7", "the passphrase was refused"),
        ("No Lease", "mypassword", "7", "the network gave no address"),
        ("Nowhere", "mypassword", "6", "the network was not found"),
        ("MyNet", "", "4", "the network wants a passphrase"),
        ("MyNet", "d5b0a3dd5ba7e3ca7ed7a24ef3c4ee0b5b4f0a3b5cf5e9ed7a24ef3c4ee0b5b4", "7", "the passphrase was refused"),
    ]:
        printed, got, why = joined(running, ssid, passkey)
        assert (got, why) == (result, reason), f"{ssid} {passkey}: {printed}"
    assert "Success" in joined(running, "MyNet")[0]
    assert running.command("wlan_get_rssi").strip() == "-45"


def test_a_network_that_goes_is_noticed(device):
    """The loss is reported by an event; joining starts again while auto-join is on."""
    running = device(QUIET | {"wlan.ssid": "Passing By", "wlan.passkey": "mypassword", "wlan.auto_join.enabled": "1"})
    running.until(b"[Associated]\r\n")
    running.until(b"[Disassociated]\r\n", 60)
    running.until(b"Join failed\r\n", 60)


def test_a_join_goes_back(device):
    """After a wrong passphrase the device returns to its network."""
    running = device(QUIET | JOINED | {"http.server.enabled": "0"})
    running.until(b"[Associated]\r\n")
    assert "the passphrase was refused" in running.command("wlan_join Moody wrongpassword")
    running.until(b"[Associated]\r\n")
    assert running.command("get wlan.join.reason").strip() == "the passphrase was refused"
    assert running.command("get wlan.network.status").strip() == "2"


def test_rest(device, free_port):
    """The web server runs commands, and answers the same as the command UART."""
    running = device(JOINED | {"http.server.port": free_port})
    running.until(b"[Associated]\r\n")
    status, body = get(free_port, "/command/version")
    answer = json.loads(body)
    assert (status, answer["code"]) == (200, 0)
    assert answer["response"].strip() == running.command("version")
    status, body = get(free_port, "/command/no_such_command")
    assert (status, json.loads(body)["code"]) == (200, 3)


def test_curl(device, free_port):
    """The same with curl."""
    running = device(JOINED | {"http.server.port": free_port})
    running.until(b"[Associated]\r\n")
    url = f"http://127.0.0.1:{free_port}/command/version"
    printed = subprocess.run(["curl", "-sS", "--fail", url], capture_output=True, timeout=PATIENCE, check=True).stdout
    assert json.loads(printed)["code"] == 0


def test_settings_survive_a_power_cut(device):
    """Saved settings are kept when the process is killed."""
    running = device()
    running.until(b"> ")
    assert running.command("set tcp.server.port 4000") == "Set OK"
    assert running.command("save").endswith("Success")
    running.kill()
    running.start()
    running.until(b"> ")
    assert running.command("get tcp.server.port") == "4000"


def test_files_survive_a_power_cut(device):
    """A file is kept byte for byte when the process is killed."""
    running = device()
    running.until(b"> ")
    data = bytes(range(256)) * 16
    running.process.stdin.write(f"file_create kept.bin {len(data)}\r\n".encode() + data)
    running.until(b"File created\r\nSuccess\r\n> ")
    running.kill()
    running.start()
    running.until(b"> ")
    assert "kept.bin" in running.command("ls")
    handle = running.command("file_open kept.bin").split()[-1]
    running.process.stdin.write(f"read {handle} {len(data)}\r\n".encode())
    running.until(b"\r\n")
    assert running.until(data).endswith(data)


def test_reboot(device):
    """`reboot` restarts the process, and unsaved settings are lost."""
    running = device()
    running.until(b"> ")
    running.command("set tcp.server.port 4000")
    running.process.stdin.write(b"reboot\r\n")
    running.until(b"[Ready]")
    running.until(b"> ")
    assert running.command("get tcp.server.port") != "4000"


def test_the_end_of_the_input_ends_the_process(device):
    """A device on a pipe ends with the pipe."""
    running = device()
    running.until(b"> ")
    running.process.stdin.close()
    running.process.stdout.read()
    assert running.process.wait(PATIENCE) == 0


def test_unknown_variable_at_the_start(device):
    """A mistake in --set ends the process."""
    running = device({"no.such.variable": "1"})
    assert running.end() == 1
    assert "no.such.variable" in (running.folder / "messages").read_text()


def test_guessable_numbers(device):
    """The simulator warns at its start that its random numbers are guessable, but not on the command UART."""
    running = device()
    answer = running.until(b"> ")
    assert "random numbers of Zephyr itself are the same at every start" in (running.folder / "messages").read_text()
    assert b"random numbers" not in answer


class Terminal:
    """The Zephyr shell."""

    def __init__(self, path):
        self.fd = os.open(path, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK)
        self.seen = b""

    def send(self, data):
        os.write(self.fd, data)

    def until(self, text, seconds=PATIENCE):
        deadline = time.monotonic() + seconds
        while text not in self.seen:
            assert time.monotonic() < deadline, f"{text[:80]} did not come: {self.seen[-400:]}"
            if select.select([self.fd], [], [], 0.2)[0]:
                self.seen += os.read(self.fd, 65536)
        end = self.seen.index(text) + len(text)
        before, self.seen = self.seen[:end], self.seen[end:]
        return before


@pytest.fixture
def shell(device):
    """A device and its shell."""
    running = device()
    running.until(b"> ")
    terminal = Terminal(running.message(r"connected to pseudotty: (\S+)")[1])
    yield running, terminal
    os.close(terminal.fd)


def test_shell_runs_commands(shell):
    """Commands under `zentri` give the same answers in the shell as on the command UART."""
    running, terminal = shell
    terminal.send(b"zentri version\r\n")
    terminal.until(running.command("version").encode())
    terminal.send(b"zentri set wlan.ssid \"My Net\"\r\n")
    terminal.until(b"Set OK")
    assert running.command("get wlan.ssid") == "My Net"


def test_shell_completes(shell):
    """The shell knows the names of all commands."""
    _, terminal = shell
    terminal.send(b"zentri stream_l\t\r\n")
    terminal.until(b"stream_list")
    terminal.send(b"zentri \t")
    listed = terminal.until(b"wps")
    assert b"adc_take_sample" in listed and b"tcp_client" in listed


def test_a_signal_ends_the_process(device):
    """SIGTERM is a clean end."""
    running = device()
    running.until(b"> ")
    running.process.send_signal(signal.SIGTERM)
    assert running.end() == 0
