"""temporal-clean demo"""

from pathlib import Path

from temporal_clean.errors import TemporalCleanError

__all__ = ["demo"]


def demo(
    output: Path = Path("demo-output"),
    model: str = "fast",
    engine: str = "auto",
    overwrite: bool = False,
) -> None:
    """Clean the bundled game clip and show what changed. Runs anywhere, takes under a minute.

    Writes the clean video, a side-by-side video, a page with a slider, and one picture with
    crops at 4x.

    Example: temporal-clean demo --output demo-output

    Args:
        output: The folder for the results.
        model: fast, quality, or the path of an .onnx graph or a .safetensors checkpoint.
        engine: auto, or one that 'temporal-clean doctor' lists.
        overwrite: Replace results of an earlier demo.
    """
    from temporal_clean import assets
    from temporal_clean.cleaning import clean_video, load
    from temporal_clean.commands.progress import progress_bar, say
    from temporal_clean.compare import write_comparison
    from temporal_clean.side_by_side import write_crops, write_side_by_side

    if output.exists() and any(output.iterdir()) and not overwrite:
        raise TemporalCleanError(
            f"'{output}' holds files already; add --overwrite, or choose another with --output"
        )
    output.mkdir(parents=True, exist_ok=True)
    source, reference = assets.DEMO_CLIP / "native.mkv", assets.DEMO_CLIP / "reference.mkv"
    clean = output / "clean.mp4"
    with progress_bar("cleaning") as progress:
        result = clean_video(
            source,
            clean,
            cleaner=load(model, engine=engine),
            overwrite=overwrite,
            progress=progress,
        )
    say(f"{result.frames} frames at {result.fps} frames/s on {result.engine}")
    say(f"engine chosen because {result.engine_reason}")
    both = write_side_by_side((source, clean), output / "side-by-side.mp4", overwrite)
    crops = write_crops((source, clean, reference), output / "crops.png", overwrite)
    with progress_bar("page") as progress:
        page = write_comparison(
            [source, clean, reference],
            output / "compare.html",
            labels=["game", "cleaned", "16 samples a pixel"],
            title="temporal-clean demo",
            overwrite=overwrite,
            progress=progress,
        )
    say(f"clean video         {clean}")
    say(f"side by side        {both}")
    say(f"crops at 4x         {crops}")
    say(f"slider in a browser {page.path}")
    say((assets.DEMO_CLIP / "ATTRIBUTION.txt").read_text().strip())
