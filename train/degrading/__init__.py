"""Degraded renderings of a master: what games put on the screen, step by step."""

from temporal_clean.train.degrading.drawing import draw_recipe
from temporal_clean.train.degrading.grids import reference, sample
from temporal_clean.train.degrading.picture import Overlay
from temporal_clean.train.degrading.recipe import Recipe, degrade
from temporal_clean.train.degrading.recipes import RECIPES

__all__ = ["RECIPES", "Overlay", "Recipe", "degrade", "draw_recipe", "reference", "sample"]
