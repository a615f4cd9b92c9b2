"""Windowed attention: against the definition, blind to itself where asked, at any grid size."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from temporal_clean.models.attention import TransformerBlock, WindowAttention

WINDOW = 4


def attention(shift: bool = False, hide_self: bool = False, heads: int = 2) -> WindowAttention:
    torch.manual_seed(0)
    module = WindowAttention(8, heads, window=WINDOW, shift=shift, hide_self=hide_self)
    torch.nn.init.normal_(module.position_bias)
    return module


def window_of(module: WindowAttention, row: int, column: int) -> tuple[int, int]:
    return (row + module.offset) // WINDOW, (column + module.offset) // WINDOW


def naive(module: WindowAttention, queries: Tensor, keys: Tensor, hide_self: bool) -> Tensor:
    """One token after another; places of a window beyond the picture have zero keys and values."""
    _, channels, height, width = queries.shape
    size = channels // module.heads
    query = module.query(queries)[0]
    key, value = module.key_value(keys)[0].chunk(2)
    mixed = torch.zeros_like(query)
    table = module.position_bias.view(2 * WINDOW - 1, 2 * WINDOW - 1, module.heads)
    for row in range(height):
        for column in range(width):
            top, left = (i * WINDOW - module.offset for i in window_of(module, row, column))
            for head in range(module.heads):
                mine = slice(head * size, (head + 1) * size)
                logits, values = [], []
                for r in range(top, top + WINDOW):
                    for c in range(left, left + WINDOW):
                        if hide_self and (r, c) == (row, column):
                            continue
                        inside = 0 <= r < height and 0 <= c < width
                        k = key[mine, r, c] if inside else torch.zeros(size)
                        values.append(value[mine, r, c] if inside else torch.zeros(size))
                        bias = table[row - r + WINDOW - 1, column - c + WINDOW - 1, head]
                        logits.append(query[mine, row, column] @ k / size**0.5 + bias)
                weights = torch.stack(logits).softmax(dim=0)
                mixed[mine, row, column] = weights @ torch.stack(values)
    return module.project(mixed[None])


@pytest.mark.parametrize("hide_self", [False, True])
@pytest.mark.parametrize("shift", [False, True])
@pytest.mark.parametrize(("height", "width"), [(4, 8), (5, 3)])
def test_is_attention_by_the_book(shift: bool, hide_self: bool, height: int, width: int) -> None:
    module = attention(shift, hide_self)
    queries, keys = torch.randn(2, 1, 8, height, width, generator=torch.manual_seed(1))
    with torch.no_grad():
        expected = naive(module, queries, keys, hide_self)
        assert torch.allclose(module(queries, keys), expected, atol=1e-5)


@pytest.mark.parametrize("shift", [False, True])
@pytest.mark.parametrize(("row", "column"), [(0, 0), (3, 6), (8, 10)])
def test_a_hidden_token_does_not_see_itself(shift: bool, row: int, column: int) -> None:
    module = attention(shift, hide_self=True)
    queries, keys = torch.randn(2, 1, 8, 9, 11, generator=torch.manual_seed(2))
    other = keys.clone()
    other[..., row, column] = 30.0
    with torch.no_grad():
        change = (module(queries, other) - module(queries, keys)).abs().amax(dim=1)[0]
    assert change[row, column] == 0
    for r in range(9):
        for c in range(11):
            together = window_of(module, r, c) == window_of(module, row, column)
            if (r, c) != (row, column):
                assert (change[r, c] > 1e-4) == together


def test_unhidden_tokens_do_see_themselves() -> None:
    module = attention()
    queries, keys = torch.randn(2, 1, 8, 4, 4, generator=torch.manual_seed(3))
    other = keys.clone()
    other[..., 1, 1] = 30.0
    with torch.no_grad():
        assert (module(queries, other) - module(queries, keys))[..., 1, 1].abs().max() > 1e-3


@settings(max_examples=20, deadline=None)
@given(
    height=st.integers(1, 19),
    width=st.integers(1, 19),
    shift=st.booleans(),
    hide_self=st.booleans(),
)
def test_takes_any_grid_of_tokens(height: int, width: int, shift: bool, hide_self: bool) -> None:
    tokens = torch.randn(2, 8, height, width, generator=torch.manual_seed(4))
    module = attention(shift, hide_self)
    with torch.no_grad():
        both = module(tokens, tokens)
        assert both.shape == tokens.shape
        assert both.isfinite().all()
        assert torch.allclose(both[1:], module(tokens[1:], tokens[1:]), atol=1e-6)


@pytest.mark.parametrize("shift", [False, True])
def test_transformer_block_keeps_the_shape_and_joins_tokens(shift: bool) -> None:
    torch.manual_seed(5)
    block = TransformerBlock(12, heads=3, shift=shift)
    tokens = torch.randn(2, 12, 9, 13)
    other = tokens.clone()
    other[1, :, 2, 2] += 5.0 * torch.randn(12)
    with torch.no_grad():
        change = (block(other) - block(tokens)).abs().amax(dim=1)
    assert change.shape == (2, 9, 13)
    assert change[0].max() == 0
    # Windows of 8: the first one ends at token 7, or at token 3 when shifted by half a window.
    last = 3 if shift else 7
    assert change[1, : last + 1, : last + 1].min() > 0
    assert change[1, last + 1 :].max() == 0
    assert change[1, :, last + 1 :].max() == 0
