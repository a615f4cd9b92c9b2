"""Test modules of this folder share ``staged.py``, found beside them."""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parent))
