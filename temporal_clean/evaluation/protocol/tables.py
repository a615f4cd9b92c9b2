"""The protocol's tables, as Markdown."""

from collections.abc import Sequence

from temporal_clean.evaluation.protocol.rows import Row
from temporal_clean.evaluation.protocol.summary import (
    UNTOUCHED,
    Summary,
    at_sharpness,
    difference,
    relative_flicker,
)
from temporal_clean.evaluation.results import Interval

__all__ = ["cut_table", "identity_table", "matched_table", "method_table", "scene_table"]

COLUMNS = ("method", "PSNR", "tPSNR", "MCflick", "E_warp", "tOF", "Sharp", "Ghost")
COLUMNS += ("PSNR disoccluded", "PSNR HUD", "JOD", "ms p50", "p95")
# The strongest classical method, beside the models in the table of scenes.
CLASSICAL = "DIS accumulation + blur 0.4"
# Whose settings are swept, so that they can be told at any sharpness.
SWEPT = ("Gaussian", "hqdn3d", "DIS accumulation", "DIS accumulation + blur")


def method_table(group: Sequence[Summary]) -> str:
    """A line a method at its one shown setting; own parts and upper bounds below."""
    lines = [_line(one, group) for one in group if one.is_shown]
    return _markdown(COLUMNS, lines)


def _line(one: Summary, group: Sequence[Summary]) -> list[str]:
    first = one.peer == "input"
    marks = ("" if one.causal else " (not causal)") + (" (upper bound)" if one.exact_flow else "")
    own = one.values.get("e_warp_own")

    def change(name: str) -> str:
        found = one.values.get(name) if first else one.changes.get(name)
        return _value(found, "{:.2f}" if first else "{:+.2f}", interval=name == "psnr")

    flicker = _value(one.values.get("mcflick"), "{:.2f}")
    if not first:
        flicker = _value(one.flicker, "{:+.0%}", interval=True)
    warp = _value(one.values.get("e_warp"), "{:.2f}")
    if first and own:
        warp += f" (reference {own.mean:.2f})"
    return [
        one.peer + marks,
        change("psnr"),
        change("tpsnr"),
        flicker,
        warp,
        _value(one.values.get("tof"), "{:.2f}"),
        _value(one.values.get("sharp"), "{:.2f}"),
        _value(one.values.get("ghost"), "{:+.2f}"),
        change("disoccluded_psnr"),
        change("hud_psnr"),
        _value(one.values.get("jod"), "{:.2f}"),
        *(["", ""] if first or not one.milliseconds else [f"{ms:.0f}" for ms in one.milliseconds]),
    ]


def matched_table(group: Sequence[Summary]) -> str:
    """MCflick of the swept methods at the sharpness of each of our whole models."""
    lines = []
    for ours in group:
        if ours.family != "full" or not ours.flicker:
            continue
        sharp = ours.values["sharp"].mean
        others = [_at(group, family, sharp) for family in SWEPT]
        lines.append([ours.peer, f"{sharp:.2f}", f"{ours.flicker.mean:+.0%}", *others])
    return _markdown(("model", "Sharp", "MCflick", *SWEPT), lines)


def _at(group: Sequence[Summary], family: str, sharp: float) -> str:
    # The input is every family's mildest setting.
    members = [one for one in group if one.family == family or one.peer == "input"]
    found = at_sharpness(members, sharp)
    return "not reached" if found is None else f"{found:+.0%}"


def scene_table(rows: Sequence[Row], kind: str, rendering: str, models: Sequence[str]) -> str:
    """Scene by scene: what each whole model changes, beside the classical accumulation."""
    group = [row for row in rows if row.group == (kind, rendering)]
    peers = [CLASSICAL] if any(row.peer == CLASSICAL for row in group) else []
    peers += models
    lines = []
    for clip in dict.fromkeys(row.clip for row in group if row.clip != UNTOUCHED):
        by_peer = {row.peer: row for row in group if row.clip == clip}
        before = by_peer["input"]
        cells = [", ".join(_figure(before, name) for name in ("psnr", "mcflick", "sharp"))]
        cells += [_changes(before, by_peer[peer]) for peer in peers]
        lines.append([clip, *cells])
    return _markdown(("clip", "input: PSNR, MCflick, Sharp", *peers), lines)


def _changes(before: Row, after: Row) -> str:
    parts = []
    if (gain := difference(after, before, "psnr")) is not None:
        parts.append(f"{gain:+.2f} dB")
    if (share := relative_flicker(after, before)) is not None:
        parts.append(f"{share:+.0%}")
    parts.append(_figure(after, "sharp"))
    if after.figures.get("ghost") is not None:
        parts.append(_figure(after, "ghost", "{:+.2f}"))
    return ", ".join(parts)


def _figure(row: Row, name: str, form: str = "{:.2f}") -> str:
    value = row.figures.get(name)
    return "" if value is None else form.format(value)


def cut_table(rows: Sequence[Row]) -> str:
    """PSNR in dB at a hard cut and in the two frames after it."""
    found = [row for row in rows if row.figures.get("cut_0") is not None]
    names = ("cut_0", "cut_1", "cut_2")
    lines = [
        [row.peer, row.rendering, *(_figure(row, name) for name in names)]
        for row in found
        if row.is_shown
    ]
    return _markdown(("method", "input", "at the cut", "one after", "two after"), lines)


def identity_table(rows: Sequence[Row]) -> str:
    """The scene with nothing wrong: how near each method leaves it."""
    lines = [
        [
            row.peer,
            _figure(row, "psnr", "{:.1f}"),
            _figure(row, "mcflick", "{:.3f}"),
            _figure(row, "sharp", "{:.3f}"),
        ]
        for row in rows
        if row.clip == UNTOUCHED and row.rendering == "harsh"
        if row.is_shown and row.peer != "input"
    ]
    return _markdown(("method", "PSNR", "MCflick", "Sharp"), lines)


def _value(found: Interval | None, form: str, interval: bool = False) -> str:
    if found is None:
        return ""
    text = form.format(found.mean)
    if interval and found.low is not None and found.high is not None:
        text += f" ({form.format(found.low)} to {form.format(found.high)})"
    return text


def _markdown(header: Sequence[str], lines: Sequence[Sequence[str]]) -> str:
    rule = ["---"] + ["---:"] * (len(header) - 1)
    return "\n".join("| " + " | ".join(cells) + " |" for cells in (header, rule, *lines))
