"""Requests per second, of the device and its peers."""

import sys

from .clients import Fault, fetch, need_wrk, sequential, wrk
from .targets import TARGETS

CLIENTS = (1, 8, 32)
#: In turns, so that a busy moment of the machine affects all of them; the best turn counts.
TURNS = 3


def measure(servers, client, seconds, clients=CLIENTS):
    """Prints a table for each target."""
    if client == "wrk":
        need_wrk()
    run, counts = (wrk, clients) if client == "wrk" else (sequential, (1,))
    for target in TARGETS:
        rows = [(server, name, path) for server in servers for name, path in server.places(target)]
        sizes = {name: size(server, path, target[2]) for server, name, path in rows}
        title = f"{target[0]}, new connections, {client}"
        print(f"\n{title:44} {'bytes':>7} {'clients':>7} {'requests/s':>11} {'p99 ms':>8}")
        for count in counts:
            for name, result in turns(run, rows, sizes, count, seconds).items():
                print(f"{name:44} {sizes[name] or '-':>7} {count:7} {result}", flush=True)


def size(server, path, wanted):
    """Bytes of the body; `None` when the server does not have it, or not in the size that is `wanted` (if not 0)."""
    try:
        status, body = fetch(server.port, path)
    except (Fault, OSError) as error:
        status, body = error, b""
    if status == 200 and wanted in (0, len(body)):
        return len(body)
    if not server.is_peer:
        sys.exit(f"benches/run: the device answers {path} with {status}, {len(body)} bytes")
    return None


def turns(run, rows, sizes, count, seconds):
    """The best turn of each row, as it is printed."""
    best = {}
    for _ in range(TURNS):
        for server, name, path in rows:
            if sizes[name] is None:
                best[name] = f"{'not offered':>11}"
                continue
            if isinstance(best.get(name), str):
                continue
            try:
                result = run(server.port, path, count, seconds)
                if result[2] and not server.is_peer:
                    raise Fault(f"{result[2]} socket errors")
                best[name] = max(best.get(name, (0, 0, 0)), result)
            except Fault as fault:
                if not server.is_peer:
                    sys.exit(f"benches/run: not all requests were answered: {fault}")
                best[name] = f"{'failed':>11} ({fault})"
    return {name: text(result) for name, result in best.items()}


def text(result):
    """A result as it is printed."""
    if isinstance(result, str):
        return result
    rate, latency, errors = result
    return f"{rate:11.0f} {latency:8.2f}" + (f"  {errors} connections ended with an error" if errors else "")
