"""The protocol's pictures: Pareto plots of each group, crops and space-time slices."""

import io
from collections.abc import Sequence
from pathlib import Path
from textwrap import wrap

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from temporal_clean.errors import TemporalCleanError
from temporal_clean.evaluation.peers import Peer
from temporal_clean.evaluation.protocol.material import Material, load
from temporal_clean.evaluation.protocol.summary import Summary
from temporal_clean.files import write_whole

__all__ = ["SLICE_ROWS", "close_ups", "pareto_plot"]

# Marks of what is not swept: our models whole and in parts, and what knows the exact flow.
MARKS = {"full": "*", "full, exact flow": "D", "spatial-only": "s", "fusion-only": "^"}
OWN_COLORS = ("crimson", "black", "darkorange", "teal")
# Flicker above this (per cent) is out of the picture, and named at its foot.
CEILING = 40.0
NOTE_WIDTH = 200
# A slice's pixels are twice as wide as the frame's and four times as high, a crop's four times
# as wide and high.
SLICE_ROWS, SLICE_COLUMNS, SLICE_SCALE = 32, 160, 2
CROP_ROWS, CROP_SCALE = 40, 4
CROP_COLUMNS = SLICE_COLUMNS * SLICE_SCALE // CROP_SCALE
# Of captions, in pixels: the column that names a line's input, and a letter.
CAPTION, LETTER = 150, 8
WEBP_QUALITY = 95


def pareto_plot(group: Sequence[Summary], title: str, file: Path) -> None:
    """Sharp against MCflick, and Ghost against MCflick: swept methods as lines, ours as stars.

    Down is less flicker; Sharp is right at 1, Ghost at 0. Every point is a mean over clips.
    """
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot as plt

    usable = [one for one in group if one.flicker]
    inside = [one for one in usable if 100 * _flicker(one) <= CEILING]
    figure, axes = plt.subplots(1, 2, figsize=(14, 6), layout="constrained")
    swept = dict.fromkeys(one.family for one in inside if one.setting)
    colors = {family: plt.get_cmap("tab10")(number) for number, family in enumerate(swept)}
    for axis, name, right in zip(axes, ("sharp", "ghost"), (1.0, 0.0), strict=True):
        axis.axvline(right, color="0.6", linewidth=1, linestyle=":")
        known = [one for one in inside if name in one.values]
        for family, color in colors.items():
            _draw_swept(axis, family, [one for one in known if one.family == family], name, color)
        _draw_single(axis, [one for one in known if not one.setting], name)
        axis.set_xlabel("Sharp (1 is right)" if name == "sharp" else "Ghost (0 is right)")
        axis.set_ylabel("MCflick against the input, %")
        axis.grid(alpha=0.3)
    axes[1].legend(fontsize=8, loc="center left", bbox_to_anchor=(1.0, 0.5))
    outside = [f"{one.peer} {100 * _flicker(one):+.0f} %" for one in usable if one not in inside]
    figure.suptitle(title)
    if outside:
        note = f"above the picture: {', '.join(outside)}"
        figure.supxlabel("\n".join(wrap(note, NOTE_WIDTH)), fontsize=8)
    content = io.BytesIO()
    figure.savefig(content, format="png", dpi=110)
    plt.close(figure)
    write_whole(file, content.getvalue())


def _flicker(one: Summary) -> float:
    return one.flicker.mean if one.flicker else 0.0


def _draw_swept(axis, family: str, members: Sequence[Summary], name: str, color) -> None:
    x = [one.values[name].mean for one in members]
    y = [100 * _flicker(one) for one in members]
    axis.plot(x, y, marker="o", markersize=4, color=color, label=family)
    for one, place in zip(members, zip(x, y, strict=True), strict=True):
        axis.annotate(one.setting, place, fontsize=7, xytext=(3, 3), textcoords="offset points")


def _draw_single(axis, members: Sequence[Summary], name: str) -> None:
    models = list(dict.fromkeys(one.peer.split(" ")[0] for one in members if one.family in MARKS))
    for one in members:
        own = one.family in MARKS
        color = OWN_COLORS[models.index(one.peer.split(" ")[0]) % 4] if own else "tab:blue"
        axis.plot(
            one.values[name].mean,
            100 * _flicker(one),
            marker=MARKS.get(one.family, "P"),
            markersize=16 if one.family == "full" else 8,
            color=color,
            mfc="none" if one.exact_flow else color,
            ls="",
            label=one.peer,
        )


def close_ups(
    materials: Sequence[Material], peers: Sequence[Peer], file: Path, names: Sequence[str]
) -> None:
    """Crops of the last frame, and below each the space-time slice there, time running down.

    A pair of lines for each input; the columns are ``names``: ``reference``, or a method. A slice
    is a row of pixels in every frame: the one that flickers most in the input, relative to the
    reference.
    """
    import cv2

    by_name = {peer.name: peer for peer in peers}
    lines = []
    for material in materials:
        loaded = load([material])[0]
        error = (loaded.frames - loaded.reference).diff(dim=0).square().mean(dim=(0, 1))
        row = int(error.mean(dim=1).argmax())
        places = np.convolve(error[row].numpy(), np.ones(SLICE_COLUMNS), "valid")
        first = int(places.argmax())
        tall = 2 * SLICE_SCALE * min(SLICE_ROWS, len(loaded.frames))
        words = f"{material.name}, {material.rendering}"
        crops = [_caption(words, CAPTION, CROP_ROWS * CROP_SCALE)]
        slices = [_caption("", CAPTION, tall)]
        for name in names:
            clip = loaded.reference
            if name != "reference":
                clip = by_name[name].run(loaded.frames, loaded.motion)
            clip = clip[:SLICE_ROWS]
            crops.append(_enlarged(_crop(clip[-1], row, first), CROP_SCALE, CROP_SCALE))
            view = clip[:, :, row, first : first + SLICE_COLUMNS].transpose(0, 1)
            slices.append(_enlarged(view, 2 * SLICE_SCALE, SLICE_SCALE))
        lines += [_joined(crops, axis=1), _joined(slices, axis=1)]
    width = SLICE_COLUMNS * SLICE_SCALE
    header = [_caption("", CAPTION, 24), *(_caption(name, width, 24) for name in names)]
    sheet = _joined([_joined(header, axis=1), *lines], axis=0)
    done, content = cv2.imencode(
        ".webp", sheet[..., ::-1], [cv2.IMWRITE_WEBP_QUALITY, WEBP_QUALITY]
    )
    if not done:
        raise TemporalCleanError(f"'{file}' cannot be drawn")
    write_whole(file, content.tobytes())


def _crop(frame: Tensor, row: int, first: int) -> Tensor:
    """Around the middle of a slice, within the frame."""
    height, width = frame.shape[-2:]
    top = min(max(row - CROP_ROWS // 2, 0), height - CROP_ROWS)
    left = min(first + (SLICE_COLUMNS - CROP_COLUMNS) // 2, width - CROP_COLUMNS)
    return frame[:, top : top + CROP_ROWS, left : left + CROP_COLUMNS]


def _enlarged(picture: Tensor, down: int, across: int) -> NDArray[np.uint8]:
    """(3, rows, columns) in [0, 1] to bytes, each pixel a block."""
    pixels = (picture.permute(1, 2, 0).numpy() * 255).round().astype(np.uint8)
    return pixels.repeat(down, 0).repeat(across, 1)


def _caption(text: str, width: int, height: int) -> NDArray[np.uint8]:
    import cv2

    place = np.full((height, width, 3), 255, np.uint8)
    for number, part in enumerate(wrap(text, width // LETTER)):
        at = (4, 16 + 18 * number)
        cv2.putText(place, part, at, cv2.FONT_HERSHEY_SIMPLEX, 0.42, (30, 30, 30), 1, cv2.LINE_AA)
    return place


def _joined(cells: Sequence[NDArray[np.uint8]], axis: int) -> NDArray[np.uint8]:
    """Cells with a white gap between them."""
    shape = list(cells[0].shape)
    shape[axis] = 4
    gap = np.full(shape, 255, np.uint8)
    return np.concatenate([part for cell in cells for part in (gap, cell)][1:], axis=axis)
