"""Self-attention within square windows of tokens, on tensors of at most four dimensions.

The 4-D limit keeps the graph convertible to ncnn. Windows may reach past the picture, so the token
grid need not be a multiple of the window: padding has zero keys and values, a resting place that
adds nothing. (A mask against it would be a constant of 25 MB in the graph at 1080p.)
"""

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

__all__ = ["TransformerBlock", "WindowAttention"]

# Added to a logit it makes the weight exactly zero after softmax, in fp16 too.
NEVER = -30000.0


class WindowAttention(nn.Module):
    """Multi-head attention of ``queries`` over ``keys`` inside the same window.

    ``hide_self`` forbids each token to see itself. ``shift`` moves the window grid by half a
    window, so that alternate blocks join what others separate (Swin, Liu et al., ICCV 2021).
    """

    relative: Tensor
    hidden: Tensor

    def __init__(
        self,
        channels: int,
        heads: int,
        window: int = 8,
        shift: bool = False,
        hide_self: bool = False,
    ) -> None:
        super().__init__()
        self.heads, self.window = heads, window
        self.offset = window // 2 if shift else 0
        self.query = nn.Conv2d(channels, channels, kernel_size=1)
        self.key_value = nn.Conv2d(channels, 2 * channels, kernel_size=1)
        self.project = nn.Conv2d(channels, channels, kernel_size=1)
        self.position_bias = nn.Parameter(torch.zeros((2 * window - 1) ** 2, heads))
        self.register_buffer("relative", _relative_positions(window), persistent=False)
        hidden = torch.eye(window**2) * NEVER if hide_self else torch.zeros(window**2, window**2)
        self.register_buffer("hidden", hidden, persistent=False)

    def forward(
        self,
        queries: Float[Tensor, "batch channels height width"],
        keys: Float[Tensor, "batch channels height width"],
    ) -> Float[Tensor, "batch channels height width"]:
        height, width = queries.shape[-2:]
        q = self._windows(self.query(queries))
        k, v = self._windows(self.key_value(keys)).chunk(2, dim=-1)
        mixed = F.scaled_dot_product_attention(
            self._heads(q), self._heads(k), self._heads(v), attn_mask=self._bias().to(q.dtype)
        )
        mixed = mixed.transpose(1, 2).reshape(q.shape)
        return self.project(self._picture(mixed, height, width))

    def _bias(self) -> Tensor:
        """Logits added for relative position and for hidden tokens: 1 heads tokens tokens."""
        tokens = self.window**2
        bias = self.position_bias[self.relative].reshape(tokens, tokens, self.heads)
        return (bias.permute(2, 0, 1) + self.hidden).unsqueeze(0)

    def _windows(self, x: Tensor) -> Tensor:
        """(batch, channels, height, width) to (batch x windows, tokens, channels), padded."""
        size = self.window
        batch, channels, height, width = x.shape
        rows, columns = self._count(height), self._count(width)
        right, bottom = columns * size - width - self.offset, rows * size - height - self.offset
        x = F.pad(x, (self.offset, right, self.offset, bottom)).permute(0, 2, 3, 1)
        x = x.reshape(batch * rows, size, columns, size * channels).transpose(1, 2)
        return x.reshape(batch * rows * columns, size * size, channels)

    def _picture(self, x: Tensor, height: int, width: int) -> Tensor:
        """The inverse of ``_windows``."""
        size, channels = self.window, x.shape[-1]
        rows, columns = self._count(height), self._count(width)
        x = x.reshape(-1, columns, size, size * channels).transpose(1, 2)
        x = x.reshape(-1, rows * size, columns * size, channels).permute(0, 3, 1, 2)
        first = self.offset
        return x[:, :, first : first + height, first : first + width]

    def _count(self, length: int) -> int:
        return (length + self.offset + self.window - 1) // self.window

    def _heads(self, x: Tensor) -> Tensor:
        windows, tokens, channels = x.shape
        return x.reshape(windows, tokens, self.heads, channels // self.heads).transpose(1, 2)


class TransformerBlock(nn.Module):
    """Attention then a two-layer perceptron, each added to its input after normalisation."""

    def __init__(self, channels: int, heads: int, shift: bool, expansion: int = 2) -> None:
        super().__init__()
        self.before_attention = ChannelNorm(channels)
        self.attention = WindowAttention(channels, heads, shift=shift)
        self.before_perceptron = ChannelNorm(channels)
        self.widen = nn.Conv2d(channels, expansion * channels, kernel_size=1)
        self.narrow = nn.Conv2d(expansion * channels, channels, kernel_size=1)

    def forward(
        self, tokens: Float[Tensor, "batch channels height width"]
    ) -> Float[Tensor, "batch channels height width"]:
        normal = self.before_attention(tokens)
        tokens = tokens + self.attention(normal, normal)
        return tokens + self.narrow(F.gelu(self.widen(self.before_perceptron(tokens))))


class ChannelNorm(nn.Module):
    """Layer normalisation of each token over its channels (Ba et al., 2016)."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(channels)

    def forward(self, x: Tensor) -> Tensor:
        return self.norm(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)


def _relative_positions(window: int) -> Tensor:
    """Row of the position table for each (query, key) pair of a window, flattened."""
    axis = torch.arange(window)
    positions = torch.stack(torch.meshgrid(axis, axis, indexing="ij"), dim=-1).reshape(-1, 2)
    difference = positions[:, None] - positions[None] + window - 1
    return (difference[..., 0] * (2 * window - 1) + difference[..., 1]).reshape(-1)
