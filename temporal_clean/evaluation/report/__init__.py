"""The evaluation's report: one self-contained page with figures, curves, frames and crops.

Read ``page.py`` first. ``shown.py`` reads the frames that go on the page, ``figures.py`` makes the
tables and curves, ``worst.py`` and ``slices.py`` find the places worth a look, ``stills.py`` turns
them into pictures. The page is ``assets/report.html``, around the viewer that
``temporal_clean.compare`` shares with it.
"""

from temporal_clean.evaluation.report.page import ReportPage, check_report, write_report

__all__ = ["ReportPage", "check_report", "write_report"]
