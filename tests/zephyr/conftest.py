"""Shared by the tests of the Zephyr builds: the folder of the build, and a free port.

Twister gives the build's folder with --build-dir. Without Twister:
OPENZENTRI_BUILD=build pytest tests/zephyr/test_native_sim.py
"""

import os
import socket
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests" / part) for part in ("transcripts", "blackbox", "hosts")]


@pytest.fixture(scope="session")
def build(request):
    """The folder that `west build` has filled."""
    given = request.config.getoption("--build-dir", default=None) or os.environ.get("OPENZENTRI_BUILD")
    if not given:
        pytest.skip("no build: give --build-dir or OPENZENTRI_BUILD")
    return Path(given).resolve()


@pytest.fixture
def free_port():
    """A port of the loopback interface that is free now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
