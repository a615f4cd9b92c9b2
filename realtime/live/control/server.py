"""The session's side of the control: answers every line, and lives on whatever comes."""

import contextlib
import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from temporal_clean.errors import TemporalCleanError
from temporal_clean.realtime.live.control.channels import (
    Channel,
    Listener,
    Way,
    runtime_folder,
    system_way,
)
from temporal_clean.realtime.live.control.client import sweep
from temporal_clean.realtime.live.control.requests import LONGEST_REQUEST, answer, refusal

__all__ = ["ControlServer"]

# Clients at a time. People need one; more are refused so that they cannot pile up threads.
MOST_CLIENTS = 32


class ControlServer:
    """Answers the same user's requests until stopped.

    ``handle`` gets checked requests (see ``requests``), on a thread of the server's, and gives
    what stands in the answer; it raises :class:`TemporalCleanError` to refuse.
    """

    def __init__(
        self,
        handle: Callable[[dict[str, Any]], dict[str, Any]],
        folder: Path | None = None,
        way: Way | None = None,
    ) -> None:
        self.handle = handle
        self.folder, self.way = folder, way or system_way()
        self.listener: Listener | None = None
        self.threads: list[threading.Thread] = []
        self.talks: dict[int, Channel] = {}
        self.lock = threading.Lock()

    @property
    def path(self) -> Path:
        """The file by which this session is found."""
        return (self.folder or runtime_folder()) / f"{os.getpid()}{self.way.suffix}"

    def start(self) -> None:
        """Listen; raises :class:`TemporalCleanError` if that is impossible."""
        sweep(self.path.parent, self.way)
        if self.path.exists():
            raise TemporalCleanError(f"this process already answers at '{self.path}'")
        self.listener = self.way.listen(self.path)
        self._thread(self._accept, "control")

    def stop(self) -> None:
        """Hang up on everyone and end all threads. Idempotent."""
        listener, self.listener = self.listener, None
        if listener is None:
            return
        listener.close()
        self.threads.pop(0).join()  # the one that accepts: nobody new from here on
        with self.lock:
            for channel in self.talks.values():
                channel.hang_up()
        for thread in self.threads:
            thread.join()
        self.threads.clear()

    def _thread(self, work: Callable[..., None], name: str, *arguments: Any) -> None:
        thread = threading.Thread(target=work, name=name, args=arguments, daemon=True)
        self.threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        listener = self.listener
        while listener and (channel := listener.accept()):
            self.threads[1:] = [thread for thread in self.threads[1:] if thread.is_alive()]
            with self.lock:
                full = len(self.talks) >= MOST_CLIENTS
                if not full:
                    self.talks[id(channel)] = channel
            if full:
                with contextlib.suppress(OSError):
                    channel.send(refusal("too many clients at once: try again"))
                channel.close()
            else:
                self._thread(self._talk, "control client", channel)

    def _talk(self, channel: Channel) -> None:
        try:
            while (line := channel.receive(LONGEST_REQUEST)) is not None:
                channel.send(answer(line, self.handle))
        except TemporalCleanError as error:  # too long, too late, no key: told, then hung up on
            with contextlib.suppress(OSError):
                channel.send(refusal(str(error)))
        except OSError:  # the client has gone before its answer
            pass
        finally:
            with self.lock:
                del self.talks[id(channel)]
            channel.close()
