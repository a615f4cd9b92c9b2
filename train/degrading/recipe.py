"""A recipe: the steps of one rendering, its seed, and their form in clip.json."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

import torch
from jaxtyping import Float, Shaped
from torch import Generator, Tensor

from temporal_clean.errors import TemporalCleanError
from temporal_clean.train.degrading import steps
from temporal_clean.train.degrading.picture import Overlay
from temporal_clean.train.degrading.scene import Scene
from temporal_clean.train.degrading.steps import Render, Step

__all__ = ["Recipe", "degrade"]

_RECORDS: dict[str, type[Render] | type[Step]] = {
    kind.step: kind
    for kind in (getattr(steps, name) for name in steps.__all__)
    if kind not in (Render, Step)
}


@dataclass(frozen=True)
class Recipe:
    """How one rendering is made of a master: a render, what follows it, and a seed.

    The same recipe makes the same frames of the same master. A recipe that ends below the
    screen's size is enlarged bilinearly, as a monitor would.
    """

    name: str
    render: Render
    steps: tuple[Step, ...] = ()
    seed: int = 0

    def to_json(self) -> dict[str, Any]:
        """``{"name", "seed", "steps": [{"step": "sample", "scale": 0.5, ...}, ...]}``."""
        rows = [{"step": s.step} | _plain(s) for s in (self.render, *self.steps)]
        return {"name": self.name, "seed": self.seed, "steps": rows}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> "Recipe":
        """The inverse; parameters left out keep their defaults.

        Raises :class:`TemporalCleanError` that names the step or parameter that is not known.
        """
        rows = data.get("steps") or [{}]
        render, *rest = [_record(row) for row in rows]
        if not isinstance(render, Render) or any(isinstance(s, Render) for s in rest):
            raise TemporalCleanError(
                "a recipe begins with one 'sample' or 'clean' step and has no second; these steps "
                f"are {', '.join(str(row.get('step')) for row in rows)}: reorder them"
            )
        later = tuple(s for s in rest if isinstance(s, Step))
        return cls(str(data.get("name", "")), render, later, int(data.get("seed", 0)))


def _plain(record: Render | Step) -> dict[str, Any]:
    """Parameters as JSON has them: tuples become lists."""
    pairs = asdict(record).items()  # pyright: ignore[reportArgumentType]
    return {name: list(value) if isinstance(value, tuple) else value for name, value in pairs}


def _record(row: Mapping[str, Any]) -> Render | Step:
    name, kind = row.get("step"), _RECORDS.get(str(row.get("step")))
    if kind is None:
        raise TemporalCleanError(
            f"there is no step {name!r}: the steps are {', '.join(sorted(_RECORDS))}"
        )
    known = {f.name for f in fields(kind)}  # pyright: ignore[reportArgumentType]
    if unknown := sorted(set(row) - known - {"step"}):
        raise TemporalCleanError(
            f"step {name!r} has no {', '.join(unknown)}: its parameters are "
            f"{', '.join(sorted(known)) or 'none'}"
        )
    values = {key: tuple(v) if isinstance(v, list) else v for key, v in row.items()}
    return kind(**{key: v for key, v in values.items() if key != "step"})


def degrade(
    master: Shaped[Tensor, "time 3 rows columns"],
    factor: int,
    recipe: Recipe,
    *,
    overlay: Overlay | None = None,
    reference: Float[Tensor, "time 3 height width"] | None = None,
    motion: Float[Tensor, "time 2 height width"] | None = None,
) -> Float[Tensor, "time 3 height width"]:
    """Frames as ``recipe`` shows them, in [0, 1], of the screen's size.

    ``master`` (uint8, or float32 in [0, 1]) is ``factor`` times the screen's size; factor 1 takes
    any good recording. ``overlay`` is drawn after the upscaler and before what happens to the
    finished picture (8 bits, chroma, compression). ``reference`` and ``motion`` (from each frame to
    the one before, pixels of the screen) save their making where they are known.
    """
    scene = Scene(master, factor, reference, motion)
    picture = recipe.render.render(scene, _generator(recipe.seed, 0))
    drawn = overlay is None
    for index, step in enumerate(recipe.steps, start=1):
        if step.after_hud:
            picture = picture.at_screen_size()
            if overlay is not None and not drawn:
                picture, drawn = picture.filtered(overlay.over(picture.frames)), True
        picture = step.apply(picture, scene, _generator(recipe.seed, index))
    picture = picture.at_screen_size()
    return picture.frames if drawn or overlay is None else overlay.over(picture.frames)


def _generator(seed: int, index: int) -> Generator:
    """Random numbers of one step: independent of how many the steps before it drew."""
    # 2^32 / golden ratio spreads neighbouring seeds (Knuth, TAOCP 3, 6.4).
    return torch.Generator().manual_seed((seed * 64 + index) * 2654435769 % 2**63)
