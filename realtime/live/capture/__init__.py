"""Where live frames come from: one protocol, an adapter for each system and source."""
