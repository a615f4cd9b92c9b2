"""temporal-clean live"""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from temporal_clean.errors import TemporalCleanError
from temporal_clean.files import require_writable, write_whole

if TYPE_CHECKING:
    from temporal_clean.realtime.live.options import LiveOptions

__all__ = ["live"]


def live(
    window: str | None = None,
    pid: int | None = None,
    pick: bool = False,
    monitor: int | None = None,
    source: str | None = None,
    loop: bool = False,
    model: str | None = None,
    engine: str | None = None,
    adaptive: bool = True,
    strength: float | None = None,
    keep: Path | None = None,
    min_fps: float | None = None,
    fps_cap: float | None = None,
    duration: float | None = None,
    presenter: Literal["auto", "overlay", "window", "gl", "none"] = "auto",
    hud: bool = False,
    split: bool = False,
    force_sdr: bool = False,
    white_nits: float | None = None,
    cursor: bool = False,
    record: Path | None = None,
    stats: Path | None = None,
    profile: str | None = None,
    save_profile: str | None = None,
    control: str | None = None,
    measure_latency: bool = False,
    overwrite: bool = False,
) -> None:
    """Clean a game while it is played: its window is captured, cleaned and shown over the game.

    The overlay takes no clicks, keys or focus. Ctrl+Shift and F6 switches cleaning on and off, F7
    splits the picture (F1 and F2 move the divider), F3 and F4 change the strength, F8 shows the
    HUD, F9 hides everything at once.

    Example: temporal-clean live --window SuperTuxKart --model quality --hud

    Args:
        window: A part of the game window's title.
        pid: The process whose window it is.
        pick: Choose the window by clicking it.
        monitor: A whole monitor, counted from 1.
        source: A video file, pattern, or pattern:1280x720@60 (hdr-pattern:... for HDR).
        loop: Play the video file again and again.
        model: fast, quality, or the path of an .onnx graph.
        engine: auto, or one that 'temporal-clean doctor' lists.
        adaptive: Take faster models and half the size inside when the game needs the time.
        strength: 0 leaves the picture as it is, 1 cleans fully.
        keep: A picture, white where the game's own stays, such as over its HUD; 'temporal-clean
            hud-mask' makes one of a recording.
        min_fps: With fewer clean frames a second, cleaning switches itself off until there is time.
        fps_cap: Clean no more frames a second than this.
        duration: Seconds until it ends by itself.
        presenter: overlay (over the game), window or gl (beside it), none (with --record).
        hud: Show engine, rates, times and drops in the picture.
        split: Begin with the A/B split: left as it came, right cleaned.
        force_sdr: Show HDR games in SDR.
        white_nits: The SDR white level of an HDR display.
        cursor: Capture the mouse pointer too.
        record: A video file for what is shown.
        stats: A JSON file for counts, drops and resets by reason, and times.
        profile: A game's saved settings; --window finds them by its title too.
        save_profile: Save the settings given here under this name.
        measure_latency: Show numbered frames, clean them, read them off the screen, and say how
            long that takes; --source pattern:1280x720@60 for another size, --stats for figures and
            a plot beside them (X11).
        control: Tell a running session: toggle, split, panic, status, 'set strength=0.5', ...
        overwrite: Replace files that exist.
    """
    from temporal_clean.commands.progress import say

    if control is not None:
        from temporal_clean.realtime.live.control.client import command_line

        say(command_line(control, pid))
        return
    if stats:
        require_writable(stats, overwrite)
    # What a profile may set is None here unless it was given.
    choices = {
        "window": window,
        "pid": pid,
        "pick": pick or None,
        "monitor": monitor,
        "source": source,
        "model": model,
        "engine": engine,
        "strength": strength,
        # A profile is read from anywhere.
        "keep": None if keep is None else str(keep.absolute()),
        "fps_cap": fps_cap,
        "hud": hud or None,
        "force_sdr": force_sdr or None,
        "white_nits": white_nits,
    }
    if measure_latency:
        choices["source"] = source or "pattern"
    if save_profile is not None:
        say(save_choices(save_profile, choices))
    options = merge(
        profile,
        choices,
        loop=loop,
        adaptive=adaptive,
        min_fps=min_fps,
        duration=duration,
        presenter=presenter,
        split=split,
        cursor=cursor,
        record=record,
        overwrite=overwrite,
    )
    if measure_latency:
        say(measure(options, stats))
        return
    from temporal_clean.realtime.live.session import run_live

    result = run_live(options, say)
    say(summary(result.stats, result.reason))
    if stats:
        write_whole(stats, f"{json.dumps(result.stats, indent=2)}\n".encode())
    if result.error is not None:
        raise TemporalCleanError(f"the session ended early: {result.reason}") from result.error


def measure(options: "LiveOptions", stats: Path | None) -> str:
    """Measure latency; figures go to ``stats`` and a plot beside it. The outcome in words."""
    from importlib.util import find_spec

    from temporal_clean.commands.progress import say
    from temporal_clean.realtime.live.capture.pattern import parse_pattern
    from temporal_clean.realtime.live.latency.measure import measure_latency
    from temporal_clean.realtime.live.latency.plot import histogram_lines, write_plot

    picture = stats.with_suffix(".png") if stats and find_spec("matplotlib") else None
    if picture:
        require_writable(picture, options.overwrite)
    found = measure_latency(options, parse_pattern(options.source or "pattern"), say)
    if stats:
        write_whole(stats, f"{json.dumps(found.record(), indent=2)}\n".encode())
    if picture:
        write_plot(found, picture)
    return "\n".join([*histogram_lines(found), found.summary()])


def merge(profile: str | None, choices: dict[str, Any], **others: Any) -> "LiveOptions":
    """The session's options: the command line before the profile before the defaults."""
    from temporal_clean.commands.progress import say
    from temporal_clean.realtime.live.profiles import Profile, load_profile, matching_profile

    found = Profile()
    if profile is not None:
        found = load_profile(profile)
    elif choices["window"] and (match := matching_profile(choices["window"])):
        name, found = match
        say(f"profile '{name}' (by the window's title)")
    return found.over(**choices, **others)


def save_choices(name: str, choices: dict[str, Any]) -> str:
    """Save what a profile can hold of the command line; says where."""
    from temporal_clean.realtime.live.profiles import Profile, save_profile

    kept = {key: choices[key] for key in vars(Profile()) if key in choices}
    return f"saved profile '{name}': {save_profile(name, Profile(**kept))}"


def summary(stats: dict[str, Any], reason: str) -> str:
    """The session in a line."""
    step, latency = stats["step_ms"]["p50"], stats["latency_ms"]["p50"]
    times = f", step p50 {step:.1f} ms" if step is not None else ""
    times += f", latency p50 {latency:.1f} ms" if latency is not None else ""
    dropped = sum(stats["dropped"].values())
    return (
        f"{reason}: {stats['captured']} captured, {stats['duplicates']} duplicates, "
        f"{stats['cleaned']} cleaned, {stats['shown']} shown, {dropped} dropped{times} "
        f"on {stats['engine'] or 'no engine'}"
    )
