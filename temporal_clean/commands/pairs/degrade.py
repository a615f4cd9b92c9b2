"""temporal-clean pairs degrade"""

from pathlib import Path
from typing import Annotated

import tyro

from temporal_clean.errors import TemporalCleanError

__all__ = ["degrade"]


def degrade(
    source: Annotated[Path, tyro.conf.Positional],
    /,
    recipes: tuple[str, ...] = ("native", "performance-fsr1"),
    random: int = 0,
    seed: int = 0,
    out: Path | None = None,
    frames: int = 60,
    overwrite: bool = False,
) -> None:
    """Make low-quality renderings of clips, as games and upscalers do, from master or reference.

    A clip gets them beside its reference, lossless, each with its steps, parameters and seed in
    clip.json. Any good video is first cut into clips (--out).

    Examples:
      temporal-clean pairs degrade clips/openarena-oa_dm4-s0-f00110 --recipes native quality-fsr1
      temporal-clean pairs degrade best-settings.mp4 --out clips --random 3

    Args:
        source: A clip, a folder of clips, or a video.
        recipes: Names of renderings (see --recipes help), or all.
        random: How many randomly drawn ones besides, as in training.
        seed: Of everything random.
        out: The folder for the clips cut from a video.
        frames: Frames of each clip cut from a video.
        overwrite: Make renderings anew that are there already.
    """
    from temporal_clean.clip import find_clips
    from temporal_clean.commands.progress import say
    from temporal_clean.train.degrading import RECIPES
    from temporal_clean.train.renderings import add_renderings, clips_from_video

    if recipes == ("help",):
        for name, recipe in RECIPES.items():
            say(f"{name:<24} {', '.join(step['step'] for step in recipe.to_json()['steps'])}")
        return
    chosen = choose(recipes, random, seed)
    if source.is_file():
        if out is None:
            raise TemporalCleanError(f"{source} is a video: name a folder for its clips with --out")
        clips = clips_from_video(source, out, frames, overwrite=overwrite)
    elif out is not None:
        raise TemporalCleanError("--out is for videos: clips get their renderings in their folders")
    else:
        clips = iter(find_clips(source))
    for clip in clips:
        for _, file in add_renderings(clip, chosen, overwrite):
            say(f"{file}: {file.stat().st_size / 1e6:.1f} MB")


def choose(names: tuple[str, ...], count: int, seed: int) -> list:
    """The recipes of these names, and ``count`` drawn ones."""
    from dataclasses import replace

    import numpy as np

    from temporal_clean.train.degrading import RECIPES, draw_recipe

    names = tuple(RECIPES) if names == ("all",) else names
    if unknown := [name for name in names if name not in RECIPES]:
        raise TemporalCleanError(
            f"no recipe {', '.join(unknown)}: expected all, or some of {', '.join(RECIPES)}"
        )
    generator = np.random.default_rng(seed)
    drawn = (draw_recipe(generator) for _ in range(count))
    named = [replace(RECIPES[name], seed=seed) for name in names]
    return named + [replace(r, name=f"random-{seed}-{i}") for i, r in enumerate(drawn)]
