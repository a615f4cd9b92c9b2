"""A screen for games on a machine that has none: Xvfb."""

import os
import select
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

from temporal_clean.errors import TemporalCleanError

__all__ = ["virtual_display"]

# Xvfb answers within a second; a loaded machine may take longer.
START_SECONDS = 60.0
# What a game may leave between two connections: SuperTuxKart opens the display twice.
IDLE_SECONDS = 20


@contextmanager
def virtual_display(width: int, height: int) -> Iterator[str]:
    """Start Xvfb with room for a window of ``width`` x ``height``; yields ``DISPLAY``'s value.

    For one game: the server ends soon after its last client, so it does not long outlive a recorder
    that was killed. It picks a free number itself, so any number of them run at once. Raises
    :class:`TemporalCleanError` if it does not come up.
    """
    number, answer = os.pipe()
    command = ["Xvfb", "-displayfd", str(answer), "-nolisten", "tcp"]
    # With a delay since X.Org 21.1.
    command += ["-terminate", str(IDLE_SECONDS), "-screen", "0", f"{width}x{height}x24"]
    quiet = subprocess.DEVNULL
    try:
        server = subprocess.Popen(
            command, pass_fds=[answer], stdin=quiet, stdout=quiet, stderr=quiet
        )
    except FileNotFoundError:
        os.close(number)
        raise TemporalCleanError("Xvfb is missing: apt-get install xvfb") from None
    finally:
        os.close(answer)
    try:
        yield f":{_read_number(number)}"
    finally:
        os.close(number)
        server.terminate()
        server.wait()


def _read_number(pipe: int) -> int:
    """The display's number, a line that Xvfb writes once it is ready."""
    ready, _, _ = select.select([pipe], [], [], START_SECONDS)
    text = os.read(pipe, 16) if ready else b""
    if not text.strip().isdigit():
        raise TemporalCleanError(
            "expected Xvfb to start, but it did not; "
            "try 'Xvfb :99 -screen 0 640x480x24' to see what it says"
        )
    return int(text)
