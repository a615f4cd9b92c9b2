"""The protocol's pictures: Pareto plots of each group, and space-time slices."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from temporal_clean.evaluation.peers import Peer
from temporal_clean.evaluation.protocol.material import Material
from temporal_clean.evaluation.protocol.summary import Summary

__all__ = ["pareto_plot", "slices_plot"]

SWEPT_MARK, OWN_MARK, BOUND_MARK = "o", "*", "D"
SLICE_ROWS, SLICE_COLUMNS, ENLARGED = 32, 160, 2


def pareto_plot(group: Sequence[Summary], title: str, file: Path) -> None:
    """Sharp against MCflick, and Ghost against MCflick: swept methods as lines, ours as stars.

    Down is less flicker; Sharp is right at 1, Ghost at 0. Every point is a mean over clips.
    """
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot as plt

    figure, axes = plt.subplots(1, 2, figsize=(13, 5.2), layout="constrained")
    usable = [one for one in group if one.flicker or one.peer == "input"]
    families = dict.fromkeys(one.family for one in usable)
    colors = {family: plt.get_cmap("tab20")(number) for number, family in enumerate(families)}
    for axis, name, right in zip(axes, ("sharp", "ghost"), (1.0, 0.0), strict=True):
        axis.axvline(right, color="0.6", linewidth=1, linestyle=":")
        for family in families:
            members = [one for one in usable if one.family == family and name in one.values]
            _draw_family(axis, family, members, name, colors[family])
        axis.set_xlabel("Sharp (1 is right)" if name == "sharp" else "Ghost (0 is right)")
        axis.set_ylabel("MCflick against the input, %")
        axis.grid(alpha=0.3)
    axes[1].legend(fontsize=7.5, loc="center left", bbox_to_anchor=(1.0, 0.5))
    figure.suptitle(title)
    figure.savefig(file, dpi=110)
    plt.close(figure)


def _draw_family(axis, family: str, members: Sequence[Summary], name: str, color) -> None:
    x = [one.values[name].mean for one in members]
    y = [100.0 * (one.flicker.mean if one.flicker else 0.0) for one in members]
    if members and members[0].setting:
        axis.plot(x, y, marker=SWEPT_MARK, markersize=4, color=color, label=family)
        for one, place in zip(members, zip(x, y, strict=True), strict=True):
            axis.annotate(one.setting, place, fontsize=6, xytext=(3, 3), textcoords="offset points")
        return
    for one, place in zip(members, zip(x, y, strict=True), strict=True):
        whole = one.family == "full"
        mark = BOUND_MARK if one.exact_flow else OWN_MARK if whole else "s"
        size = 15 if whole else 6
        face = "none" if one.exact_flow else color
        axis.plot(
            *place, marker=mark, markersize=size, color=color, mfc=face, ls="", label=one.peer
        )


def slices_plot(
    materials: Sequence[Material], peers: Sequence[Peer], file: Path, names: Sequence[str]
) -> None:
    """Space-time slices, time running down: a row of pixels in every frame, side by side.

    A line for each input; the columns are ``names``: ``reference``, or a method. The row is the
    one whose pixels flicker most in the input, relative to the reference.
    """
    import cv2

    by_name = {peer.name: peer for peer in peers}
    lines = []
    for material in materials:
        loaded = material.load()
        error = (loaded.frames - loaded.reference).diff(dim=0).square().mean(dim=(0, 1))
        row = int(error.mean(dim=1).argmax())
        places = np.convolve(error[row].numpy(), np.ones(SLICE_COLUMNS), "valid")
        first = int(places.argmax())
        cells = [_caption(f"{material.name}, {material.rendering}", 150, SLICE_ROWS * ENLARGED * 2)]
        for name in names:
            clip = loaded.reference
            if name != "reference":
                clip = by_name[name].run(loaded.frames, loaded.motion)
            view = clip[:SLICE_ROWS, :, row, first : first + SLICE_COLUMNS]
            pixels = (view.permute(0, 2, 1).numpy() * 255).round().astype(np.uint8)
            cells.append(pixels.repeat(2 * ENLARGED, 0).repeat(ENLARGED, 1))
        lines.append(_joined(cells, axis=1))
    width = SLICE_COLUMNS * ENLARGED
    header = [_caption("", 150, 24), *(_caption(name, width, 24) for name in names)]
    sheet = _joined([_joined(header, axis=1), *lines], axis=0)
    if not cv2.imwrite(str(file), sheet[..., ::-1]):
        raise OSError(f"{file} could not be written")


def _caption(text: str, width: int, height: int) -> NDArray[np.uint8]:
    import cv2

    place = np.full((height, width, 3), 255, np.uint8)
    for number, part in enumerate(text.split(", ")):
        at = (4, 16 + 18 * number)
        cv2.putText(place, part, at, cv2.FONT_HERSHEY_SIMPLEX, 0.42, (30, 30, 30), 1, cv2.LINE_AA)
    return place


def _joined(cells: Sequence[NDArray[np.uint8]], axis: int) -> NDArray[np.uint8]:
    """Cells with a white gap between them."""
    shape = list(cells[0].shape)
    shape[axis] = 4
    gap = np.full(shape, 255, np.uint8)
    return np.concatenate([part for cell in cells for part in (gap, cell)][1:], axis=axis)
