"""Speaks the structured protocol of OpenZentri (`docs/structured-protocol.md`) over a serial line or TCP."""

from .client import Client, Closed, Event, LogLine, NetworkState, NoAnswer, Response, StreamState
from .line import Line, open_serial, open_tcp
from .stream import Stream

__all__ = [
    "Client",
    "Closed",
    "Event",
    "Line",
    "LogLine",
    "NetworkState",
    "NoAnswer",
    "Response",
    "Stream",
    "StreamState",
    "open_serial",
    "open_tcp",
]
