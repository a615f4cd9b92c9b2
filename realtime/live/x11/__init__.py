"""X11 behind captures, presenters and hotkeys: the server, windows, shared memory, key grabs."""
