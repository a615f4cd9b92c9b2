"""Any ptlflow model by name, with weights from a local file, behind our Flow record.

For comparison and as a teacher. ptlflow (https://github.com/hmorimitsu/ptlflow, Apache 2.0) is
large and slow to import, so it is imported when a model is loaded and not before. Nothing is
ever downloaded here, and the licence of the weights is shown: many are for research only.
"""

import difflib
import importlib
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from temporal_clean.flow.consistency import inconsistency
from temporal_clean.flow.record import Flow

__all__ = ["ExternalFlow", "load_external"]

# What the authors' pages say of their weights, by family: "rapidflow" is rapidflow_it1 too.
LICENCES = {
    "rapidflow": "academic and research only",
    "fastflownet": "research only",
    "sea_raft": "not specified (code BSD-3)",
    "raft_small": "not specified (code BSD-3)",
}
UNKNOWN_LICENCE = "unknown: check the authors' page"

# Models of ptlflow 0.4.2 that fail with two frames, and how many they take.
MORE_FRAMES = {"memfof": 3, "streamflow": 4}

# Below it RAFT's correlation pyramid ends in a single cell: raft_small answers NaN and
# sea_raft_s fails. fastflownet, dicl and vcn want two to four cells of their coarsest level
# (each tried untrained at sizes from 16 to 256).
MINIMUM_SIZE = 128
MINIMUM_CELLS = 4

# Farther than any round trip tolerates, and small enough to be squared.
FAR = 1e6


class ExternalFlow:
    """A ptlflow model that estimates flow as FlowNetwork and dis_flow do.

    ``model`` takes ``{"images": batch 2 3 height width}`` in BGR and [0, 1], and gives
    ``{"flows": batch 1 2 height width}`` in pixels from the first image to the second.
    ``licence`` is what is known of its weights; frames smaller than ``minimum_size`` are padded.
    """

    def __init__(self, model: nn.Module, name: str, licence: str = UNKNOWN_LICENCE) -> None:
        self.model = model.eval()
        self.name = name
        self.licence = licence
        # dpflow names no stride: it has as many levels as the picture asks for.
        stride = getattr(model, "output_stride", None) or 1
        self.minimum_size = max(MINIMUM_SIZE, MINIMUM_CELLS * stride)

    def estimate(
        self,
        frame: Float[Tensor, "batch 3 height width"],
        previous: Float[Tensor, "batch 3 height width"],
    ) -> Flow:
        """Flow from ``frame`` to ``previous`` (RGB in [0, 1]), any size, fp32, without gradient.

        The model follows the frames to their device and runs twice: doubt is the
        forward-backward check of its two flows. The ``occs`` or ``confs`` that a few models
        add are left aside: each sees occlusion or error, not both, in units of its own
        (maskflownet_s learns them with no target), so models would not compare.
        """
        self.model.to(frame.device)
        with torch.inference_mode():
            forward, backward = self._motion(frame, previous), self._motion(previous, frame)
            # NaN passes every comparison of the check: it becomes no motion, and certain doubt.
            broken = ~forward.isfinite().all(dim=1, keepdim=True)
            forward = forward.masked_fill(broken, 0.0)
            # A backward flow that is not finite returns nowhere.
            backward = backward.nan_to_num(nan=FAR, posinf=FAR, neginf=-FAR)
            doubt = inconsistency(forward, backward).maximum(broken.float())
        # Copies made outside are ordinary tensors, which autograd takes as constants.
        return Flow(forward.clone(), doubt.clone())

    def _motion(self, source: Tensor, target: Tensor) -> Tensor:
        """Where ``source``'s pixels lie in ``target``, as the model sees it."""
        height, width = source.shape[-2:]
        # The models pad or scale to their stride themselves, and undo it; not below the minimum.
        missing = (0, max(0, self.minimum_size - width), 0, max(0, self.minimum_size - height))
        pair = [F.pad(x.float(), missing, mode="replicate").flip(1) for x in (source, target)]
        motion = self.model({"images": torch.stack(pair, dim=1)})["flows"][:, 0]
        return motion[..., :height, :width].float()


def load_external(
    name: str, weights: str | Path | None = None, *, random_weights: bool = False
) -> ExternalFlow:
    """The ptlflow model ``name`` with the weights of a local ptlflow checkpoint.

    ``random_weights=True``, instead of a file, is for measuring speed and export: such a flow
    means nothing. Warns with the licence of the weights. Raises ImportError without ptlflow, and
    ValueError or FileNotFoundError, with what to do, for anything else that does not fit.
    """
    if random_weights and weights is not None:
        raise ValueError(f"give {weights} or random_weights=True, not both")
    if weights is None and not random_weights:
        raise ValueError(
            f"{name!r} needs a file with its weights, and nothing is downloaded: get one from its "
            "authors or from ptlflow's model page and give its path (random_weights=True builds "
            "it untrained, to measure speed or export)"
        )
    if weights is not None and not Path(weights).is_file():
        raise FileNotFoundError(f"no weights file at {weights}")
    ptlflow = _ptlflow()
    _check_name(name, ptlflow.get_model_names())
    if name in MORE_FRAMES:
        raise ValueError(
            f"{name!r} takes {MORE_FRAMES[name]} frames at once; a flow here is between two"
        )
    licence = _licence(name)
    warnings.warn(f"{name}: licence of the weights: {licence}", stacklevel=2)
    with _no_downloads():
        model = _build(ptlflow, name)
        if weights is not None:
            _restore(ptlflow, model, name, Path(weights))
    return ExternalFlow(model, name, licence)


def _ptlflow() -> ModuleType:
    try:
        return importlib.import_module("ptlflow")
    except ImportError as failure:
        raise ImportError(
            f"flow models by name need ptlflow: pip install 'temporal-clean[flow]' ({failure})"
        ) from failure


def _check_name(name: str, names: list[str]) -> None:
    if name in names:
        return
    close = difflib.get_close_matches(name.lower(), names, n=5)
    hint = f"close to it: {', '.join(close)}" if close else f"it has: {', '.join(names)}"
    raise ValueError(f"ptlflow has no model {name!r}; {hint}")


def _licence(name: str) -> str:
    for family, licence in LICENCES.items():
        if name == family or name.startswith(f"{family}_"):
            return licence
    return UNKNOWN_LICENCE


def _build(ptlflow: ModuleType, name: str) -> nn.Module:
    try:
        return ptlflow.get_model(name)
    except Exception as failure:
        # Whatever a model lacks (cupy, a compiled part, a third-party folder), it says here.
        raise ValueError(f"ptlflow cannot build {name!r} here: {failure}") from failure


def _restore(ptlflow: ModuleType, model: nn.Module, name: str, weights: Path) -> None:
    try:
        # An absolute path to an existing file is never taken for a checkpoint's name.
        ptlflow.restore_model(model, str(weights.resolve()))
    except Exception as failure:
        raise ValueError(
            f"{weights} does not fit {name!r}: expected a ptlflow checkpoint of that model "
            f"({failure})"
        ) from failure


@contextmanager
def _no_downloads() -> Iterator[None]:
    """Refuse torch.hub's downloads: some models ask for a backbone's weights while built."""

    def refuse(url: str, *_: object, **__: object) -> None:
        raise ConnectionRefusedError(f"it wants to download {url}; nothing is downloaded here")

    original = torch.hub.download_url_to_file
    torch.hub.download_url_to_file = refuse
    try:
        yield
    finally:
        torch.hub.download_url_to_file = original
