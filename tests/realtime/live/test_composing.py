"""The shown picture: what a mask keeps is the game's own, at any strength and under the split."""

from pathlib import Path

import numpy as np
import pytest

from temporal_clean.errors import TemporalCleanError
from temporal_clean.keeping import Keep
from temporal_clean.realtime.live.building import CleanPicture
from temporal_clean.realtime.live.composing import compose
from temporal_clean.realtime.live.look import Look
from temporal_clean.realtime.live.options import LiveOptions
from temporal_clean.realtime.live.pathways import pathway_for
from temporal_clean.realtime.live.profiles import Profile, load_profile, save_profile
from temporal_clean.realtime.live.session import run_live


@pytest.mark.parametrize("captured", ["bgra8", "rgba16f"])
@pytest.mark.parametrize("look", [Look(), Look(strength=0.5), Look(split=True)])
def test_kept_pixels_are_shown_as_captured(captured: str, look: Look) -> None:
    random = np.random.default_rng(1)
    pathway = pathway_for(captured, hdr_shown=True, white_nits=None)
    picture = random.integers(0, 200, (64, 96, 4), dtype=np.uint8)
    if captured == "rgba16f":
        picture = (picture / 100.0).astype(np.float16)
    seen = pathway.see(picture)
    made = CleanPicture(seen, np.zeros_like(seen), 0.01)
    mask = np.zeros((64, 96), bool)
    mask[10:20, 60:90] = True

    plain = compose(pathway, picture, made, look, [])
    kept = compose(pathway, picture, made, look, [], Keep(mask))
    assert np.array_equal(kept[mask], picture[mask])
    assert np.array_equal(kept[~mask], plain[~mask])
    assert not np.array_equal(plain[mask], picture[mask])


def test_a_profile_remembers_the_mask(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("tomli_w", reason="needs tomli-w: pip install 'temporal-clean[live]'")
    monkeypatch.setenv("TEMPORAL_CLEAN_PROFILES", str(tmp_path))
    mask = tmp_path / "hud.png"
    mask.write_bytes(b"a picture")
    save_profile("tux", Profile(window="Tux", keep=str(mask)))
    assert load_profile("tux").over().keep == str(mask)


def test_a_missing_mask_is_told_before_anything_opens() -> None:
    options = LiveOptions(source="pattern", keep="nowhere.png")
    with pytest.raises(TemporalCleanError, match=r"nowhere\.png"):
        run_live(options, lambda line: pytest.fail(f"opened: {line}"))
