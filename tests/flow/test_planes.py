"""Taking channels apart gives what chunk gives."""

import torch
from hypothesis import given
from hypothesis import strategies as st

from temporal_clean.flow.planes import taken_apart


@given(parts=st.integers(1, 4), channels=st.integers(1, 3), side=st.integers(1, 5))
def test_parts_are_chunks(parts: int, channels: int, side: int) -> None:
    x = torch.arange(2 * parts * channels * side * (side + 1), dtype=torch.float32)
    x = x.view(2, parts * channels, side, side + 1)
    for interleaved in (x, x.contiguous(memory_format=torch.channels_last)):
        taken = taken_apart(interleaved, parts)
        assert len(taken) == parts
        assert all(torch.equal(a, b) for a, b in zip(taken, x.chunk(parts, dim=1), strict=True))
