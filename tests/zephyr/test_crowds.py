"""Crowds of slow clients on Zephyr's simulated board, with the two connections of a small board.

The same crowds as in tests/blackbox/test_slow.py.
"""

import base64
import http.client
import json
import statistics
import time

import pytest
from test_native_sim import JOINED, device, get  # noqa: F401 the fixture is used by its name

from test_slow import BODY, HEAD, MEDIAN, READER, REQUESTS, SILENT, WORST, Crowd

WAYS = {"silent": SILENT, "heads": HEAD, "bodies": BODY, "readers": READER}
ADDRESSES = {"one": ["127.0.0.1"], "many": [f"127.0.0.{last}" for last in range(2, 250)]}
LARGE = 200_000


def store(port, name, content):
    """Puts a file on the device."""
    body = json.dumps({"command": f"file_create {name} {len(content)}", "flags": 4,
                       "data": base64.b64encode(content).decode()})
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    connection.request("POST", "/command", body)
    assert json.loads(connection.getresponse().read())["code"] == 0
    connection.close()


@pytest.mark.parametrize("addresses", ADDRESSES)
@pytest.mark.parametrize("way", WAYS)
def test_an_honest_client_is_served(device, free_port, way, addresses):  # noqa: F811
    """Its requests meet the same limits as with a crowd on Linux."""
    running = device(JOINED | {"http.server.port": free_port, "http.server.max_clients": 2})
    running.until(b"[Associated]\r\n")
    if way == "readers":
        store(free_port, "large.bin", bytes(LARGE))
    times = []
    with Crowd(free_port, WAYS[way], ADDRESSES[addresses]) as crowd:
        for _ in range(REQUESTS):
            start = time.monotonic()
            assert get(free_port, "/command/version")[0] == 200
            times.append(time.monotonic() - start)
            time.sleep(0.1)
    report = f"median {statistics.median(times):.3f} s, worst {max(times):.3f} s, {crowd.came} came"
    print(report)
    assert statistics.median(times) <= MEDIAN, report
    assert max(times) <= WORST, report
