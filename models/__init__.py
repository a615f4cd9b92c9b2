"""The spatial cleaner with its surprise, and the fusion network."""
