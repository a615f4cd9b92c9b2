"""Numbers that the kernels share with the step's definition, which imports torch and these do not.

A test compares each with its original.
"""

from temporal_clean.realtime.fused.compiling import F

# models/neighbourhood.py
LUMA = (F(0.2126), F(0.7152), F(0.0722))
CLIP_DEVIATIONS = F(1.9)

# flow/lucas_kanade.py
SCALE = F(8.0)
SHARE, LEAST_TEXTURE = F(0.05), F(0.016)
FARTHEST_STEP = F(1.0)
SOLVES = 2

# flow/propagation.py
NEIGHBOUR_DISTANCE = 4
CANDIDATES = 6
DECISION = F(20.0)
OF_SLOPES, LEAST_CONTRAST = F(0.7), F(2.0 / 255.0 * 8.0)

# flow/regularization.py
FILTER_DISTANCE = 2
FARTHEST_APART = F(4.0)

# models/phases.py
LOWEST_GATE, HIGHEST_GATE = F(0.02), F(0.98)
