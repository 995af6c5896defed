"""TLS by Mbed TLS on Zephyr's simulated board: the tests of the Linux process against OpenSSL (tests/blackbox/test_tls.py)."""

import re
import subprocess

import pytest

import test_tls
from test_tls import Clients, Https, Requests, setUpModule  # pytest runs them from here

from test_tls_request import Requests as SigningRequests

__all__ = ["Clients", "Https", "Requests", "Servers", "SigningRequests", "setUpModule"]


class Servers(test_tls.Servers):
    """Adds what Mbed TLS can do and rustls cannot."""

    def test_clients_with_less_room(self):
        """max_fragment_length (RFC 6066, 4)."""
        with subprocess.Popen(
            ["openssl", "s_client", "-connect", f"127.0.0.1:{self.port}", "-tls1_2", "-maxfraglen", "1024",
             "-msg"],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        ) as client:
            handle = self.eventually(self.client_stream)
            self.line.ok(f"write {handle} 5000", b"x" * 5000)
            self.line.ok(f"close {handle}")
            seen = client.communicate(timeout=20)[0].decode(errors="replace")
        sizes = [int(high + low, 16) for high, low in re.findall(r"RecordHeader .*\n +17 03 03 (..) (..)", seen)]
        self.assertGreaterEqual(len(sizes), 5)
        # Besides the data: a type and the authentication tag.
        self.assertLessEqual(max(sizes), 1024 + 32)


@pytest.fixture(autouse=True)
def simulated_board(build, monkeypatch):
    """Uses the simulated board as the device of those tests."""
    monkeypatch.setenv("OPENZENTRI_NATIVE_SIM", str(build / "zephyr" / "zephyr.exe"))
