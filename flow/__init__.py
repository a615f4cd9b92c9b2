"""Optical flow: a light network, warping, checks, and other flows behind one record."""
