"""The protocol: every method on every scene and clip, as tables, plots and docs/RESULTS.md.

``material.py`` is what is shown to the methods, ``run.py`` runs and judges them, ``summary.py``
takes means over clips, ``tables.py`` and ``plots.py`` tell of them, ``document.py`` writes it down.
"""

from temporal_clean.evaluation.protocol.document import write_results
from temporal_clean.evaluation.protocol.material import Material, clip_material, scene_material
from temporal_clean.evaluation.protocol.rows import Row, read_rows, write_rows
from temporal_clean.evaluation.protocol.run import run_protocol

__all__ = [
    "Material",
    "Row",
    "clip_material",
    "read_rows",
    "run_protocol",
    "scene_material",
    "write_results",
    "write_rows",
]
