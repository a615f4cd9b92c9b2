"""Larger models begun from smaller trained ones: what is added answers nothing at first."""

from dataclasses import replace

import torch
from torch import Tensor

from temporal_clean.recurrent import CleanerConfig, RecurrentCleaner

__all__ = ["can_grow", "grow"]


def can_grow(small: CleanerConfig, large: CleanerConfig) -> bool:
    """Whether ``large`` differs only by more channels at 1/2 or by numbers of convolutions.

    Other sizes reorder channels within concatenations, heads of attention or phases.
    """
    wide_enough = 0 < small.spatial.half <= large.spatial.half
    return wide_enough and _fixed_part(small) == _fixed_part(large)


def _fixed_part(config: CleanerConfig) -> CleanerConfig:
    """The configuration with all that may grow at its least."""
    spatial = replace(
        config.spatial, half=1, stem_convolutions=0, decoder_convolutions=0, half_convolutions=0
    )
    fusion = replace(config.fusion, convolutions=0, half_convolutions=0)
    return replace(config, spatial=spatial, fusion=fusion)


@torch.no_grad()
def grow(model: RecurrentCleaner, small: RecurrentCleaner) -> str:
    """Put the weights of ``small`` into the larger ``model``, and say in a line what was done.

    The function stays: added residual convolutions are zero, added channels go nowhere yet but
    see their inputs, so that training takes them up at once (Net2Net, Chen et al., ICLR 2016).
    Convolutions that ``model`` has fewer of are left out, and their part of the function with them.
    Needs :func:`can_grow` of the two configurations.
    """
    theirs, ours = small.state_dict(), model.state_dict()
    added, widened = 0, 0
    for name, tensor in ours.items():
        given = theirs.get(name)
        if given is None:
            tensor.zero_()
            added += 1
        elif given.shape == tensor.shape:
            tensor.copy_(given)
        else:
            _widen(tensor, given)
            widened += 1
    dropped = len(theirs.keys() - ours.keys())
    return f"grown from a smaller model: {widened} tensors widened, {added} new, {dropped} dropped"


def _widen(tensor: Tensor, given: Tensor) -> None:
    """``given`` in the first channels; new outputs keep their fresh weights, new inputs get 0."""
    outputs = len(given)
    if given.dim() > 1:
        tensor[:outputs, given.shape[1] :] = 0.0
        tensor[:outputs, : given.shape[1]] = given
    else:
        tensor.zero_()
        tensor[:outputs] = given
