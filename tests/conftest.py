"""Shapes are checked while testing; tests that need torch skip where it is missing."""

import math
import re
import sys
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

if TYPE_CHECKING:
    from torch import Tensor

TORCH_SIDE = ("torch", "jaxtyping", "beartype")
INSTALL = "needs torch, jaxtyping and beartype: pip install 'temporal-clean[test]'"
IMPORTS_TORCH = re.compile(r"^(import|from) torch\b", re.MULTILINE)
# Whose annotations are checked at run time: in tests only, never in the hot path.
CHECKED = [f"temporal_clean.{name}" for name in ("flow", "models", "recurrent", "history")]

HAS_TORCH_SIDE = all(find_spec(name) for name in TORCH_SIDE)


def _is_exporting(_: Any) -> bool:
    return "torch" in sys.modules and sys.modules["torch"].compiler.is_exporting()


if HAS_TORCH_SIDE:
    from jaxtyping import config, install_import_hook

    # Before any test module imports them: what is imported already stays unchecked.
    install_import_hook(CHECKED, "beartype.beartype")
    # While torch exports, sizes are symbols, and comparing them would make them constants.
    type(config).jaxtyping_disable = property(_is_exporting)


class SkippedModule(pytest.Module):
    """A test module in whose place the install line is shown."""

    def collect(self) -> list[pytest.Item]:
        pytest.skip(INSTALL, allow_module_level=True)


def pytest_pycollect_makemodule(
    module_path: Path, parent: pytest.Collector
) -> pytest.Module | None:
    """Test modules that import torch are skipped without it, not failed."""
    if HAS_TORCH_SIDE or not IMPORTS_TORCH.search(module_path.read_text(encoding="utf-8")):
        return None
    return SkippedModule.from_parent(parent, path=module_path)


@pytest.fixture(scope="session")
def texture() -> Callable[..., "Tensor"]:
    """Makes textured pictures that can be looked at from any sub-pixel place."""
    return _texture


def _texture(
    seed: int,
    height: int = 64,
    width: int = 64,
    x: float = 0.0,
    y: float = 0.0,
    wavelengths: tuple[float, float] = (8.0, 80.0),
) -> "Tensor":
    """(1, 3, height, width) in [0.1, 0.9]: coloured waves, the view moved by (x, y) pixels."""
    import torch

    rng = np.random.default_rng(seed)
    waves = 24
    wavelength = np.exp(rng.uniform(*np.log(wavelengths), waves))
    angle = rng.uniform(0, math.pi, waves)
    phase = rng.uniform(0, 2 * math.pi, (3, waves)) * 0.2 + rng.uniform(0, 2 * math.pi, waves)
    columns, rows = np.arange(width) + x, np.arange(height)[:, None] + y
    across = np.cos(angle)[:, None, None] * columns + np.sin(angle)[:, None, None] * rows
    turns = 2 * math.pi * across / wavelength[:, None, None]
    size = wavelength**0.5 / np.sqrt(wavelength.sum())
    picture = np.einsum("w,cwij->cij", size, np.sin(turns + phase[:, :, None, None]))
    return torch.from_numpy(0.5 + 0.4 * np.tanh(1.5 * picture)).float().unsqueeze(0)
