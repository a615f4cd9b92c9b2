"""Live use on Windows: windows, monitors, Direct3D and hotkeys. Not run yet: docs/WINDOWS.md."""
