"""Pages from the files in ``assets``: put together and made safe."""

import html
import json
import re
from collections.abc import Mapping, Sequence
from importlib.resources import files
from pathlib import Path

from temporal_clean.compare.stills import QUALITIES
from temporal_clean.errors import TemporalCleanError
from temporal_clean.files import require_writable

__all__ = [
    "check_output",
    "check_pictures",
    "fill",
    "picture_scripts",
    "script_safe",
    "size_warning",
    "text_safe",
]

LARGE_PAGE = 50_000_000  # bytes: from here on, opening takes seconds and phones may give up


def check_output(inputs: Sequence[Path], output: Path, overwrite: bool) -> None:
    """Raises ``TemporalCleanError`` unless a page that shows ``inputs`` may become ``output``."""
    if output.resolve() in [path.resolve() for path in inputs]:
        raise TemporalCleanError(f"{output} is one of the videos: choose another output name.")
    require_writable(output, overwrite)


def check_pictures(frames: int, quality: str) -> None:
    """Raises ``TemporalCleanError`` unless so many frames can be stored so."""
    if frames < 1:
        raise TemporalCleanError(f"frames must be 1 or more, but {frames} was given.")
    if quality not in ("auto", *QUALITIES):
        known = ", ".join(("auto", *QUALITIES))
        raise TemporalCleanError(f"quality is one of {known}, but {quality!r} was given.")


def fill(template: str, values: Mapping[str, str]) -> bytes:
    """The page of an asset: its ``{{include file}}`` replaced by files, then its ``{{name}}``.

    The names are replaced in one pass, so that no value is read for names.
    """
    names = re.compile(r"\{\{(" + "|".join(values) + r")\}\}")
    return names.sub(lambda found: values[found[1]], _asset(template)).encode("utf-8", "replace")


def _asset(name: str) -> str:
    text = files("temporal_clean").joinpath("assets", *name.split("/")).read_text("utf-8")
    return re.sub(r"\{\{include (.+?)\}\}", lambda found: _asset(found[1]).rstrip("\n"), text)


def text_safe(text: str) -> str:
    """Text for between tags or inside quotes."""
    return html.escape(text)


def script_safe(facts: object) -> str:
    """JSON that stays inside its script element: no ``</script>`` or ``<!--`` can form.

    Raises ValueError for infinite and undefined numbers, which JSON does not have.
    """
    text = json.dumps(facts, allow_nan=False)
    return text.replace("<", r"\u003c").replace(">", r"\u003e").replace("&", r"\u0026")


def picture_scripts(pictures: Sequence[Sequence[str]], attributes: str = "") -> str:
    """A script element a video, with its pictures' base64, a line a frame."""
    return "\n".join(
        f'<script type="text/plain" class="pictures"{attributes}>\n'
        + "\n".join(texts)
        + "\n</script>"
        for texts in pictures
    )


def size_warning(size: int) -> list[str]:
    """A sentence for the writer of a page that is slow to open; ``size`` in bytes."""
    if size < LARGE_PAGE:
        return []
    return [
        f"The page is {size / 1e6:.0f} MB and slow to open: fewer frames or a lower quality make"
        " it smaller."
    ]
