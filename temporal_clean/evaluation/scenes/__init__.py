"""Synthetic clips with exact flow, exact occlusion and a 64-sample reference.

A scene is a stack of textured planes. Each plane has for every frame one homography from the
screen to its texels (placing.py), so that flow between frames and what hides what are known
exactly, and any number of samples of a pixel can be taken from one definition (sampling.py).
Read layers.py first, then moving.py for how a scene is laid out.
"""

from temporal_clean.evaluation.scenes.catalogue import SCENES, Scene, render_scene
from temporal_clean.evaluation.scenes.clip import SceneClip

__all__ = ["SCENES", "Scene", "SceneClip", "render_scene"]
