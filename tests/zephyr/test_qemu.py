"""The device on a Cortex-M33 in QEMU: Zephyr's own network stack behind QEMU's user networking."""

import http.client
import json
import socket
import subprocess
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from command_uart import CommandUart
from debugger import Debugger, address

PATIENCE = 60.0
#: Seconds until a hanging machine has restarted: the watchdog needs two of its periods here.
WATCHDOG = 150.0


class Qemu(CommandUart):
    """One machine; its command UART is the standard streams of the process, its console output goes to a file."""

    patience = PATIENCE

    def __init__(self, build, port, console):
        self.seen = b""
        self.process = subprocess.Popen(
            [
                "qemu-system-arm", "-machine", "mps2-an521", "-cpu", "cortex-m33", "-m", "16",
                "-display", "none", "-serial", "stdio", "-serial", f"file:{console}",
                "-monitor", "none", "-gdb", f"unix:{console}.gdb,server=on,wait=off",
                "-nic", f"user,model=lan9118,hostfwd=tcp:127.0.0.1:{port}-10.0.2.15:80",
                "-kernel", str(build / "zephyr" / "zephyr.elf"),
            ],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0,
        )


@pytest.fixture
def console(tmp_path):
    """The file with the machine's console output."""
    return tmp_path / "console"


@pytest.fixture
def machine(build, free_port, console):
    """A machine that has joined its network, and the port of its web server here."""
    qemu = Qemu(build, free_port, console)
    try:
        qemu.until(b"Associated]\r\n")
        yield qemu, free_port
    finally:
        qemu.process.kill()
        qemu.process.wait()


def test_commands(machine):
    """The command UART answers, also with long answers."""
    qemu, _ = machine
    assert "Board:mps2" in qemu.command("version")
    assert qemu.command("set wlan.ssid Elsewhere") == "Set OK"
    assert "wlan.ssid: Elsewhere" in qemu.command("get all")


def test_guessable_numbers(machine, console):
    """A machine without a source of random numbers reports that when it starts, and not on the command UART."""
    qemu, _ = machine
    assert "this machine has no source of random numbers" in console.read_text("utf-8", "replace")
    assert "random" not in qemu.command("version")


def test_rest(machine):
    """The web server answers over the machine's own TCP."""
    qemu, port = machine
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
    connection.request("GET", "/command/version")
    answer = json.loads(connection.getresponse().read())
    connection.close()
    assert answer["code"] == 0
    assert answer["response"].strip() == qemu.command("version")


def ask(port):
    """Sends one request on its own connection."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
    connection.request("GET", "/command/version")
    answer = json.loads(connection.getresponse().read())
    connection.close()
    return answer["code"]


def test_many_requests(machine):
    """Neither ended connections nor several at once exhaust the buffers."""
    _, port = machine
    assert [ask(port) for _ in range(100)] == [0] * 100
    with ThreadPoolExecutor(8) as clients:
        assert list(clients.map(lambda _: ask(port), range(80))) == [0] * 80


def test_stream(machine):
    """Data sent to a peer through Zephyr's own TCP comes back, more than fits into any buffer."""
    qemu, _ = machine
    assert qemu.command("set stream.auto_close 0") == "Set OK"
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(PATIENCE)
        assert qemu.command(f"tcp_client 10.0.2.2 {listener.getsockname()[1]}").endswith("\r\n0")
        peer, _ = listener.accept()
        with peer:
            peer.settimeout(PATIENCE)
            block = "".join(chr(ord("a") + number % 26) for number in range(400))
            for _ in range(20):
                qemu.process.stdin.write(f"stream_write 0 {len(block)}\r\n{block}".encode())
                qemu.until(b"Success\r\n> ")
                received = b""
                while len(received) < len(block):
                    received += peer.recv(4096)
                peer.sendall(received)
                text = ""
                while len(text) < len(block):
                    while qemu.command("stream_poll 0") != "1":
                        time.sleep(0.01)
                    text += qemu.command("stream_read 0 1000").removesuffix("\r\n")
                assert text == block
        deadline = time.monotonic() + PATIENCE
        while qemu.command("stream_poll 0") != "2":
            assert time.monotonic() < deadline, "the end of the peer was not seen"
            time.sleep(0.01)
        assert qemu.command("stream_close 0").endswith("Success")


def test_uart_under_load(machine):
    """No bytes are lost that come while the device is busy and its receive ring is full: they wait."""
    qemu, port = machine
    stop = threading.Event()

    def browse():
        while not stop.is_set():
            with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE) as client:
                client.sendall(b"GET /openapi.json HTTP/1.1\r\nHost: device\r\n\r\n")
                while client.recv(65536):
                    pass

    with socket.create_server(("127.0.0.1", 0)) as listener, ThreadPoolExecutor(5) as helpers:
        listener.settimeout(PATIENCE)
        qemu.command(f"tcp_client 10.0.2.2 {listener.getsockname()[1]}")
        peer, _ = listener.accept()
        peer.settimeout(PATIENCE)
        received = helpers.submit(lambda: sum(len(part) for part in iter(lambda: peer.recv(65536), b"")))
        clients = [helpers.submit(browse) for _ in range(4)]
        try:
            for _ in range(8):
                qemu.process.stdin.write(b"stream_write 0 6000\r\n" + b"x" * 6000)
                qemu.until(b"Success\r\n> ")
        finally:
            stop.set()
        assert qemu.command("stream_close 0").endswith("Success")
        assert received.result(PATIENCE) == 8 * 6000
        for client in clients:
            client.result(PATIENCE)
        peer.close()


def test_files(machine):
    """A file is written to and read from the simulated flash."""
    qemu, _ = machine
    qemu.process.stdin.write(b"file_create a.txt 5\r\nhello")
    qemu.until(b"File created\r\nSuccess\r\n> ")
    assert "a.txt" in qemu.command("ls")


def test_the_watchdog_ends_a_loop_that_hangs(machine, build, console):
    """The device's thread never returns from a call: the machine restarts."""
    qemu, _ = machine
    assert qemu.command("set wlan.ssid Elsewhere") == "Set OK"
    debugger = Debugger(f"{console}.gdb", PATIENCE)
    # A branch to itself. The restart reloads the image.
    debugger.write(address(build, "oz_wait") & ~1, bytes.fromhex("fee7"))
    debugger.close()
    qemu.process.stdin.write(b"version\r\n")
    assert b"[Ready]\r\n" in qemu.until(b"Associated]\r\n", WATCHDOG)
    assert qemu.command("get wlan.ssid") == "OpenZentri", "what was not saved is gone"
