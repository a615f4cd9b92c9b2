"""Where clean frames go: one protocol, an adapter for each system."""
