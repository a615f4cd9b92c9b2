"""Recurrent, causal cleaning of game pictures. See README.md for where to start."""
