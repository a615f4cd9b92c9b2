"""One method on one input: the row that everything else is told from, and its file."""

import csv
import io
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from temporal_clean.errors import TemporalCleanError
from temporal_clean.files import write_whole

__all__ = ["Row", "read_rows", "write_rows"]

# One setting of each swept family stands in the tables: those of the study that came before
# (its 'peers that run on a CPU'), chosen there and not on these clips. The plots have them all.
SHOWN = (
    "input",
    "Gaussian 0.6",
    "tmix 3",
    "hqdn3d 8",
    "DIS accumulation 0.5",
    "DIS accumulation + blur 0.4",
    "DIS accumulation, no gate 0.3",
    "motion-compensated average 3",
    "MDegrain3 400",
)
TEXTS = ("kind", "clip", "rendering", "peer", "family", "setting", "causal", "exact_flow")


@dataclass(frozen=True)
class Row:
    """``figures`` by name (None where there is none): those of METRICS, and besides them

    ``cut_0`` to ``cut_2``, PSNR in dB of the frame at a cut and of the two after it, ``e_warp_own``
    of the reference itself, and ``ms``, milliseconds a frame of the method as it ran here, in
    torch, on one thread.
    """

    kind: str
    clip: str
    rendering: str
    peer: str
    family: str
    setting: str
    causal: bool
    exact_flow: bool
    figures: Mapping[str, float | None]

    @property
    def group(self) -> tuple[str, str]:
        """Where the input comes from: a key of GROUPS."""
        return self.kind, self.rendering

    @property
    def is_shown(self) -> bool:
        """Whether the row stands in the tables: what is not swept, and one setting of the rest."""
        return self.peer in SHOWN or not self.setting


def write_rows(rows: Iterable[Row], path: Path) -> None:
    """Write a CSV file with a line for each row, whole or not at all."""
    rows = list(rows)
    names = list(dict.fromkeys(name for row in rows for name in row.figures))
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([*TEXTS, *names])
    for row in rows:
        known = [getattr(row, name) for name in TEXTS]
        values = [row.figures.get(name) for name in names]
        writer.writerow([*known, *("" if v is None else f"{v:.6g}" for v in values)])
    write_whole(path, text.getvalue().encode())


def read_rows(path: Path) -> list[Row]:
    """The rows that :func:`write_rows` wrote.

    Raises :class:`TemporalCleanError` if the file cannot be read or is not such a table.
    """
    try:
        table = list(csv.DictReader(io.StringIO(path.read_text(encoding="utf-8"))))
        return [_row(line) for line in table]
    except (OSError, KeyError, ValueError) as error:
        raise TemporalCleanError(
            f"{path} is not a table of the protocol ({error}): run it again"
        ) from error


def _row(line: Mapping[str, str]) -> Row:
    kind, clip, rendering, peer, family, setting, causal, exact = (line[name] for name in TEXTS)
    figures = {
        name: float(value) if value else None for name, value in line.items() if name not in TEXTS
    }
    return Row(
        kind, clip, rendering, peer, family, setting, causal == "True", exact == "True", figures
    )
