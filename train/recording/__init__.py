"""Recording paired clips from open games, unmodified, on a machine without a graphics card."""
