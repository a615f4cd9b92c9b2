"""How good a picture is: figures that compare an output with its reference."""

from temporal_clean.evaluation.fidelity import psnr, sharp

__all__ = ["psnr", "sharp"]
