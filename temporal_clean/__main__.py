"""``python -m temporal_clean``: the command line."""

from temporal_clean.commands import main

main()
