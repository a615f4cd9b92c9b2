"""Energy of what wavers along the motion, by temporal frequency."""

import torch
from jaxtyping import Float
from torch import Tensor

__all__ = ["BANDS", "band_energies", "covered_bands", "detrended"]

# In Hz, above the first and up to the second. The eye's sensitivity to flicker peaks at 5 to 15 Hz
# in daylight and falls on both sides (de Lange, JOSA 48, 1958; Robson, JOSA 56, 1966).
BANDS: dict[str, tuple[float, float]] = {
    "flicker_low": (0.0, 6.0),
    "flicker_mid": (6.0, 15.0),
    "flicker_high": (15.0, float("inf")),
}


def detrended(values: Float[Tensor, "time *places"]) -> Float[Tensor, "time *places"]:
    """Each place's values less the straight line that fits them best: what changes slowly."""
    time = torch.arange(len(values), device=values.device, dtype=values.dtype)
    time = (time - time.mean()).view(-1, *(1,) * (values.ndim - 1))
    values = values - values.mean(dim=0)
    slope = (values * time).sum(dim=0) / time.square().sum()
    return values - slope * time


def covered_bands(length: int, frame_rate: float) -> tuple[str, ...]:
    """The bands of which a window of ``length`` frames has at least one frequency."""
    frequencies = _frequencies(length, frame_rate)[1:]
    return tuple(
        name
        for name, (above, upto) in BANDS.items()
        if any(above < frequency <= upto for frequency in frequencies)
    )


def band_energies(
    values: Float[Tensor, "time *places"], frame_rate: float
) -> dict[str, Float[Tensor, "*places"]]:
    """Mean square of what wavers in each covered band, in the values' squared units.

    The line is taken off, a Hann window tapers the ends (Welch, IEEE TAE 15, 1967, scaled by the
    window's power), and the spectrum is summed: a sine of amplitude A in a band gives A^2 / 2. The
    window spreads a line over its neighbours, a sixth of the energy to each side: near a
    band's edge some falls across. One cycle a window and slower is partly taken for the line.
    """
    length = len(values)
    taper = torch.hann_window(length, device=values.device, dtype=values.dtype)
    tapered = detrended(values) * taper.view(-1, *(1,) * (values.ndim - 1))
    power = torch.fft.rfft(tapered, dim=0).abs().square() / (length * taper.square().sum())
    # Every frequency but zero and the highest of an even length stands for two of the spectrum.
    power[1 : (length + 1) // 2] *= 2.0
    energies = {}
    for name in covered_bands(length, frame_rate):
        above, upto = BANDS[name]
        inside = [above < f <= upto for f in _frequencies(length, frame_rate)]
        # What little the taper leaks to zero belongs to the slowest.
        inside[0] = above == 0.0
        energies[name] = power[torch.tensor(inside, device=values.device)].sum(dim=0)
    return energies


def _frequencies(length: int, frame_rate: float) -> list[float]:
    # Rounded, so that 15.000000001 Hz of 59.94 x ... does not change its band.
    return [round(k * frame_rate / length, 6) for k in range(length // 2 + 1)]
