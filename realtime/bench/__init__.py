"""Measuring speed: engines beside peers in one run, and what a graph must cost on named devices."""
