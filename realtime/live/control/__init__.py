"""A running session, steered from another terminal: ``temporal-clean live --control toggle``."""

from temporal_clean.realtime.live.control.client import Session, command_line, send, sessions
from temporal_clean.realtime.live.control.requests import (
    SETTINGS,
    parse_request,
    parse_words,
)
from temporal_clean.realtime.live.control.server import ControlServer

__all__ = [
    "SETTINGS",
    "ControlServer",
    "Session",
    "command_line",
    "parse_request",
    "parse_words",
    "send",
    "sessions",
]
