"""TLS by Mbed TLS on a Cortex-M33 in QEMU: the tests of the Linux process against OpenSSL (tests/blackbox/test_tls.py),
and the memory of a session."""

import re
import urllib.request

import pytest
import test_tls
from test_tls import Clients, Requests, Server, Servers, setUpModule  # pytest runs them from here

__all__ = ["Clients", "Memory", "Requests", "Servers", "setUpModule"]

#: The most bytes of a session: once it is open, and ever.
IDLE, PEAK = 24 * 1024, 45 * 1024


class Memory(test_tls.Case):
    """The heap of Mbed TLS, from /metrics."""

    settings = {"http.server.metrics_enabled": "1"}

    def heap(self):
        """Bytes in use now, and the most ever in use."""
        url = f"http://127.0.0.1:{self.device.http_port}/metrics"
        with urllib.request.urlopen(url, timeout=20) as answer:
            told = dict(re.findall(r'heap_(used|used_most)_bytes\{heap="crypto"\} (\d+)', answer.read().decode()))
        return int(told["used"]), int(told["used_most"])

    def test_a_session(self):
        for version in ("-tls1_2", "-tls1_3"):
            for kind in ("p256", "p384", "rsa"):
                with self.subTest(f"{version} {kind}"), Server(f"server-{kind}", version, "-rev") as server:
                    handle = self.open(server.port)
                    used, most = self.heap()
                    print(f"{version} {kind}: {used} bytes idle, {most} at most until now")
                    self.assertLessEqual(used, IDLE)
                    self.assertLessEqual(most, PEAK)
                    self.line.ok(f"close {handle}")
                    self.eventually(lambda: self.heap()[0] == 0, 10)


@pytest.fixture(autouse=True)
def machine_in_qemu(build, monkeypatch):
    """Uses a machine in QEMU as the device of those tests."""
    monkeypatch.setenv("OPENZENTRI_QEMU", str(build / "zephyr" / "zephyr.elf"))
