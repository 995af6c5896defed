"""Two clients that make one connection for each request: wrk, and a simple one that makes one after another."""

import os
import re
import shutil
import socket
import subprocess
import sys
import time


class Fault(Exception):
    """Not every request was answered."""


def need_wrk():
    """Installs wrk from Debian when that is possible."""
    if shutil.which("wrk"):
        return
    if os.geteuid() == 0 and shutil.which("apt-get"):
        subprocess.run(["apt-get", "install", "-y", "-qq", "--no-install-recommends", "wrk"], check=True,
                       stdout=subprocess.DEVNULL)
    if not shutil.which("wrk"):
        sys.exit("benches/run: wrk is needed (Debian's package `wrk`), or --client sequential")


def wrk(port, path, clients, seconds):
    """Requests per second, the 99th percentile of the latency in milliseconds, and the number of connections with a
    fault: wrk counts unannounced closes as faults."""
    report = subprocess.run(
        ["wrk", "--latency", "-t1", f"-c{clients}", f"-d{seconds}s", "-H", "Connection: close",
         f"http://127.0.0.1:{port}{path}"],
        capture_output=True, text=True, check=True,
    ).stdout
    errors = re.search(r"Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)", report)
    counts = [int(count) for count in errors.groups()] if errors else [0]
    bad = re.search(r"Non-2xx or 3xx responses: (\d+)", report)
    if bad:
        raise Fault(f"{bad[1]} answers of other status")
    number, unit = re.search(r"99%\s+([\d.]+)(us|ms|s)", report).groups()
    latency = float(number) * {"us": 1e-3, "ms": 1, "s": 1e3}[unit]
    return float(re.search(r"Requests/sec:\s+([\d.]+)", report)[1]), latency, sum(counts)


def fetch(port, path):
    """One request on a connection of its own: status and body as they came."""
    request = f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n".encode()
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        connection.sendall(request)
        answer = bytearray()
        while not is_whole(answer):
            part = connection.recv(65536)
            if not part:
                break
            answer += part
    head, end, body = bytes(answer).partition(b"\r\n\r\n")
    match = re.match(rb"HTTP/1\.[01] (\d{3})", head)
    length = re.search(rb"(?i)\r\ncontent-length:\s*(\d+)", head)
    if not match or not end or (length and len(body) != int(length[1])):
        raise Fault(f"half an answer: {bytes(answer[:60])!r}")
    return int(match[1]), body


def is_whole(answer):
    """Whether the answer is complete, so as not to wait for a server that does not close after it."""
    end = answer.find(b"\r\n\r\n")
    if end < 0:
        return False
    head = bytes(answer[:end]).lower()
    length = re.search(rb"\r\ncontent-length:\s*(\d+)", head)
    if length:
        return len(answer) >= end + 4 + int(length[1])
    return b"chunked" in head and answer.endswith(b"0\r\n\r\n")


def sequential(port, path, clients, seconds):
    """As `wrk`, with one client that makes one request after another."""
    assert clients == 1
    latencies = []
    start = time.perf_counter()
    while time.perf_counter() - start < seconds:
        begin = time.perf_counter()
        try:
            status, _ = fetch(port, path)
        except OSError as error:
            raise Fault(str(error)) from error
        if status != 200:
            raise Fault(f"status {status}")
        latencies.append(time.perf_counter() - begin)
    total = time.perf_counter() - start
    latencies.sort()
    return len(latencies) / total, latencies[int(len(latencies) * 0.99)] * 1e3, 0
