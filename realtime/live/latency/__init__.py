"""How long a frame takes from the game's window to the screen, measured from outside.

A window shows numbered frames (``source``), a live session cleans it, and a process of its own
reads the numbers off the screen (``reader``); ``analysis`` compares the two records.
"""
