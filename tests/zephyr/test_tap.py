"""Zephyr's simulated board on TAP interfaces, with Zephyr's own IP stack: the tests of the Linux process on network interfaces
(tests/blackbox/test_lan.py, test_discovery.py), unchanged."""

import pytest

from test_discovery import Names  # pytest runs them from here
from test_lan import SoftAp, Station

__all__ = ["Names", "SoftAp", "Station"]


@pytest.fixture(autouse=True)
def simulated_board(build, monkeypatch):
    """Uses the simulated board as the device of those tests."""
    monkeypatch.setenv("OPENZENTRI_TAP", str(build / "zephyr" / "zephyr.exe"))
