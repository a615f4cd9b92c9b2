"""Live use: a game's window is captured, cleaned, and shown over the game while it is played."""
