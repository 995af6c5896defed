"""Helpers of the black-box tests that drive a device from outside: a process, its serial line, its web server."""

from .case import DeviceCase, Peer, echo
from .device import Device, StartFailed, binary, free_port
from .rest import Rest
from .serial import Console, FramingError, Machine, Response

__all__ = [
    "DeviceCase",
    "Peer",
    "echo",
    "Console",
    "Device",
    "FramingError",
    "Machine",
    "Response",
    "Rest",
    "StartFailed",
    "binary",
    "free_port",
]
