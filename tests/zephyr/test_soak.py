"""Long-running work on the machine in QEMU: Zephyr's network stack must not leak anything.

OPENZENTRI_SOAK is the number of seconds; without it a short run shows that the test works.
"""

import http.client
import os
import re
import socket
import threading
import time

from test_qemu import PATIENCE, ask, console, machine  # noqa: F401 fixtures are used by their names

SECONDS = float(os.environ.get("OPENZENTRI_SOAK", "10"))


def rest(port, line):
    """The answer to one command over HTTP, as text."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
    connection.request("GET", "/command/" + line.replace(" ", "%20"))
    answer = connection.getresponse().read().decode()
    connection.close()
    return answer


def metrics(port):
    """The values of /metrics, by name."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
    connection.request("GET", "/metrics")
    answer = connection.getresponse()
    text = answer.read().decode()
    assert answer.status == 200, text
    connection.close()
    return {name: float(value) for name, value in re.findall(r"(?m)^(openzentri_[^ ]+) (-?[\d.]+)$", text)}


def give_up(port):
    """A client that disconnects in the middle of a head."""
    with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE) as client:
        client.sendall(b"GET /command/ver")


def echo(listener):
    """Echoes the data of every connection."""
    while True:
        try:
            peer, _ = listener.accept()
        except OSError:
            return
        with peer:
            peer.settimeout(PATIENCE)
            while data := peer.recv(4096):
                peer.sendall(data)


def use_a_stream(port, echo_port):
    """Opens a stream to the peer, sends data, waits for the echo, closes."""
    handle = re.search(r"(\d)\\r\\n\"}", rest(port, f"tcp_client 10.0.2.2 {echo_port}"))[1]
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
    connection.request("POST", "/command", f'{{"command":"stream_write {handle} 300","data":"{"x" * 300}"}}')
    assert '"code":0' in connection.getresponse().read().decode()
    connection.close()
    read = ""
    deadline = time.monotonic() + PATIENCE
    while read.count("x") < 300 and time.monotonic() < deadline:
        read += rest(port, f"stream_read {handle} 300")
    assert read.count("x") == 300
    assert "Success" in rest(port, f"stream_close {handle}")


def test_soak(machine):  # noqa: F811
    """Requests, streams, and clients that give up: as many sockets and bytes are free at the end as at the beginning."""
    qemu, port = machine
    assert qemu.command("set http.server.metrics_enabled 1") == "Set OK"
    assert ask(port) == 0
    begin = metrics(port)
    requests = streams = 0
    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=echo, args=(listener,), daemon=True).start()
        end = time.monotonic() + SECONDS
        while time.monotonic() < end:
            use_a_stream(port, listener.getsockname()[1])
            give_up(port)
            assert ask(port) == 0
            streams += 1
            requests += 5
        listener.shutdown(socket.SHUT_RDWR)
    time.sleep(3)
    after = metrics(port)
    print(f"{requests} requests and more, {streams} streams in {SECONDS:.0f} s")
    for name in sorted(after):
        if re.search("stack|heap|buffer|open", name):
            print(f"{name}: {begin.get(name)} -> {after[name]}")
    for name in (name for name in after if name.startswith(("openzentri_heap_used_bytes", "openzentri_streams_open"))):
        assert after[name] <= begin[name], name
    assert after["openzentri_stack_untouched_bytes"] > 0
    # Every connection is still available.
    assert [ask(port) for _ in range(20)] == [0] * 20
