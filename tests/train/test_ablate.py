"""Every part can be taken out of a trained model, and each is missed somewhere."""

import pytest
import torch

from temporal_clean import assets
from temporal_clean.checkpoint import load_checkpoint
from temporal_clean.evaluation import reference_motion
from temporal_clean.evaluation.protocol.material import Loaded
from temporal_clean.recurrent import RecurrentCleaner
from temporal_clean.train.ablate import VARIANTS, run_variant
from temporal_clean.video import open_input

FRAMES = 4


@pytest.fixture(scope="module")
def model() -> RecurrentCleaner:
    return load_checkpoint("fast")


@pytest.fixture(scope="module")
def loaded() -> Loaded:
    """A corner of the bundled clip."""
    planes = []
    for name in ("native.mkv", "reference.mkv"):
        with open_input(assets.DEMO_CLIP / name, start=1.0) as reader:
            pixels = [
                torch.from_numpy(f.pixels) for f, _ in zip(reader, range(FRAMES), strict=False)
            ]
        planes.append(torch.stack(pixels).permute(0, 3, 1, 2)[..., :128, :160].float() / 255.0)
    return Loaded(planes[0], planes[1], reference_motion(planes[1]), None)


@pytest.fixture(scope="module")
def whole(model: RecurrentCleaner, loaded: Loaded) -> torch.Tensor:
    return run_variant(model, "whole", loaded)


@pytest.mark.parametrize("name", [name for name in VARIANTS if name != "whole"])
def test_a_variant_runs_and_says_something_else(
    name: str, model: RecurrentCleaner, loaded: Loaded, whole: torch.Tensor
) -> None:
    changed = run_variant(model, name, loaded)
    assert changed.shape == whole.shape
    assert changed.isfinite().all()
    assert not torch.equal(changed, whole)
    assert torch.equal(run_variant(model, "whole", loaded), whole)
