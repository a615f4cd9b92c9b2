"""The HUD is legible on any picture, and the split shows both sides."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from temporal_clean.errors import TemporalCleanError
from temporal_clean.realtime.live.hud import draw_hud, text_mask
from temporal_clean.realtime.live.split import split


def test_text_reads_as_the_font_has_it() -> None:
    letter = text_mask(("L",), 1)[6:-6, 6:-6]
    rows = letter[letter.any(axis=1)]
    # A capital is 10 pixels high (CAP_HEIGHT of the font): a stem at its left, a foot below.
    assert len(rows) == 10
    assert (rows[:-1].sum(axis=1) == 1).all()
    assert len(set(rows.argmax(axis=1))) == 1
    assert rows[-1].sum() > 5


@pytest.mark.parametrize("level", [0, 128, 255])
@pytest.mark.parametrize(("height", "scale"), [(360, 1), (1439, 1), (1440, 2), (2880, 3)])
def test_text_stands_out_on_any_picture(level: int, height: int, scale: int) -> None:
    picture = np.full((height, 500, 4), level, np.uint8)
    draw_hud(picture, ["step 12.3 ms"])
    mask = text_mask(("step 12.3 ms",), scale)
    panel = picture[8 * scale :, 8 * scale :][: mask.shape[0], : mask.shape[1]]
    ink, ground = panel[mask].astype(int), panel[~mask].astype(int)
    assert ink[:, :3].min() >= 235
    assert ground[:, :3].max() <= 95
    outside = picture[8 * scale + mask.shape[0] :]
    assert (outside == level).all()


@pytest.mark.parametrize("level", [-0.5, 0.0, 1.0, 125.0])
def test_text_stands_out_on_any_hdr_picture(level: float) -> None:
    picture = np.full((200, 300, 4), level, np.float16)
    draw_hud(picture, ["HDR"])
    mask = text_mask(("HDR",), 1)
    panel = picture[8:, 8:][: mask.shape[0], : mask.shape[1]]
    # At least 180 nits on at most 48.
    assert panel[mask][:, :3].min() > 2.25
    assert panel[~mask][:, :3].max() <= 0.6


@given(
    st.lists(st.text(max_size=40), max_size=6),
    st.integers(1, 60),
    st.integers(1, 200),
    st.integers(0, 1),
)
def test_any_text_fits_any_picture(lines: list[str], height: int, width: int, step: int) -> None:
    whole = np.full((height, width + step, 4), 200, np.uint8)
    draw_hud(whole[:, :width], lines)
    assert (whole[:, width:] == 200).all()


def test_a_character_that_the_font_lacks_is_a_question_mark() -> None:
    assert np.array_equal(text_mask(("漢",), 1), text_mask(("?",), 1))
    assert not np.array_equal(text_mask(("Ä",), 1), text_mask(("A",), 1))


@pytest.mark.parametrize("kind", [np.uint8, np.float16])
def test_split_shows_before_left_of_the_line_and_after_right(kind: type) -> None:
    before, after = np.full((4, 10, 4), 3, kind), np.full((4, 10, 4), 7, kind)
    split(before, after, 0.6)
    assert (after[:, :5] == 3).all()
    assert (after[:, 7:] == 7).all()
    assert (after[:, 5, :3] > 2).all()
    assert (after[:, 6, :3] == 0).all()


@pytest.mark.parametrize(("divider", "value"), [(0.0, 7), (1.0, 3), (-1.0, 7), (2.0, 3)])
def test_split_at_the_edges_shows_one_picture_without_a_line(divider: float, value: int) -> None:
    before, after = np.full((4, 10, 4), 3, np.uint8), np.full((4, 10, 4), 7, np.uint8)
    split(before, after, divider)
    assert (after == value).all()


def test_split_refuses_pictures_of_two_sizes() -> None:
    with pytest.raises(TemporalCleanError, match="one size and type"):
        split(np.zeros((4, 4, 4), np.uint8), np.zeros((5, 4, 4), np.uint8), 0.5)
