"""Named renderings: what players choose in a game's settings."""

from temporal_clean.train.degrading.recipe import Recipe
from temporal_clean.train.degrading.steps import (
    Cas,
    Chroma420,
    Clean,
    Compress,
    Fxaa,
    Grain,
    Quantise,
    Rcas,
    Sample,
    Temporal,
    Unsharp,
    Upscale,
)

__all__ = ["MODES", "RECIPES"]

# Render sizes of the quality modes: FSR and DLSS render at 1/1.5, about 1/1.7 and 1/2.
MODES = {"quality": 2.0 / 3.0, "balanced": 0.58, "performance": 0.5}
KERNELS = ("nearest", "bilinear", "bicubic", "lanczos")


def _recipes() -> list[Recipe]:
    native = Sample()
    jittered = Sample(sequence="halton")
    half = Sample(MODES["performance"])
    found = [
        Recipe("clean", Clean()),
        Recipe("native", native),
        Recipe("native-taa", jittered, (Temporal(),)),
        Recipe("native-fxaa", native, (Fxaa(),)),
        Recipe("native-halo", native, (Unsharp(),)),
        Recipe("native-cas", native, (Cas(),)),
        Recipe("native-grain", native, (Grain(), Quantise(dither=True))),
        Recipe("native-420", native, (Chroma420(),)),
        Recipe("native-compressed", native, (Compress(crf=23),)),
        Recipe("native-streamed", native, (Compress(bits_per_pixel=0.1),)),
        Recipe("native-hevc", native, (Compress("hevc", crf=28),)),
        Recipe("clean-compressed", Clean(), (Compress(crf=23),)),
        Recipe("performance-fxaa-fsr1", half, (Fxaa(), Upscale("easu"), Rcas())),
        Recipe(
            "performance-taa-fsr1",
            Sample(MODES["performance"], "halton"),
            (Temporal(upscale=False), Upscale("easu"), Rcas()),
        ),
        Recipe(
            "performance-ghosting",
            Sample(MODES["performance"], "halton"),
            (Temporal(alpha=0.1, clamp=2.5, late=0.1, missing=0.2), Rcas(0.5)),
        ),
    ]
    for mode, scale in MODES.items():
        small = Sample(scale)
        found += [Recipe(f"{mode}-{kernel}", small, (Upscale(kernel),)) for kernel in KERNELS]
        found.append(Recipe(f"{mode}-fsr1", small, (Upscale("easu"), Rcas())))
        found.append(Recipe(f"{mode}-temporal", Sample(scale, "halton"), (Temporal(), Rcas(0.5))))
    return found


# By name; `dataclasses.replace(RECIPES[name], seed=...)` gives another draw of what is random.
RECIPES: dict[str, Recipe] = {recipe.name: recipe for recipe in _recipes()}
