"""One self-contained HTML page that compares the same frames of two or more videos.

Read ``page.py`` first; ``clips.py`` reads and checks the videos, ``stills.py`` decides how the
frames are stored in the page, ``assembly.py`` fills ``assets/compare.html`` and
``assets/viewer``, which the evaluation's report shares, with what ``viewing.py`` tells them.
"""

from temporal_clean.compare.page import ComparisonPage, write_comparison
from temporal_clean.compare.stills import QUALITIES, Fidelity

__all__ = ["QUALITIES", "ComparisonPage", "Fidelity", "write_comparison"]
