"""Surprise: a fixed basis, an honest density, and no look at what is to be predicted."""

from collections.abc import Callable
from types import SimpleNamespace

import pytest
import torch
from torch import Tensor
from torch.distributions import Laplace

from temporal_clean.models import PatchTokens, SpatialSurprise, TemporalSurprise, luma, surprise
from temporal_clean.models.surprise import TOKEN_DIMENSIONS


@pytest.fixture
def density(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """Keeps the tokens, mean and log scale of the latest density."""
    seen = SimpleNamespace()
    laplace = surprise._laplace

    def remember(tokens: Tensor, mean: Tensor, log_scale: Tensor) -> surprise.Surprise:
        seen.tokens, seen.mean, seen.log_scale = tokens, mean, log_scale
        return laplace(tokens, mean, log_scale)

    monkeypatch.setattr(surprise, "_laplace", remember)
    return seen


def spatial(seed: int = 0) -> SpatialSurprise:
    """With the position biases away from their zeros, as after training."""
    torch.manual_seed(seed)
    module = SpatialSurprise(channels=12, heads=2)
    torch.nn.init.normal_(module.attention.position_bias)
    return module


class TestPatchTokens:
    def test_no_dimension_repeats_another(self) -> None:
        """Luma's functions are orthogonal, and colour adds what luma does not hold."""
        light = torch.nn.functional.normalize(PatchTokens().light.flatten(1), dim=1)
        assert torch.allclose(light @ light.T, torch.eye(64), atol=1e-5)
        pixels = torch.eye(3 * 8 * 8).view(-1, 3, 8, 8)
        rows = (PatchTokens()(pixels) - PatchTokens()(torch.zeros(1, 3, 8, 8))).flatten(1)
        rows = torch.nn.functional.normalize(rows, dim=0)
        assert rows.shape == (3 * 8 * 8, TOKEN_DIMENSIONS)
        assert torch.linalg.svdvals(rows.double()).min() > 0.1

    def test_grey_gives_zero(self) -> None:
        tokens = PatchTokens()(torch.full((1, 3, 16, 24), 0.5))
        assert tokens.shape == (1, TOKEN_DIMENSIONS, 2, 3)
        assert tokens.abs().max() < 1e-4

    def test_luma_is_kept_whole(self, texture: Callable[..., Tensor]) -> None:
        """Luma can be put together again from the tokens: nothing is lost."""
        module = PatchTokens()
        picture = texture(1, 16, 16)
        dual = module.light / module.light.square().sum(dim=(1, 2, 3), keepdim=True)
        again = torch.nn.functional.conv_transpose2d(module(picture)[:, :64], dual, stride=8) + 0.5
        assert torch.allclose(again, luma(picture), atol=1e-5)

    def test_each_patch_by_itself(self, texture: Callable[..., Tensor]) -> None:
        picture = texture(2, 24, 24)
        other = picture.clone()
        other[..., 8:16, 16:24] = 0.0
        change = (PatchTokens()(other) - PatchTokens()(picture)).abs().amax(dim=1)[0]
        assert change.nonzero().tolist() == [[1, 2]]


class TestSpatialSurprise:
    @pytest.mark.parametrize(("row", "column"), [(0, 0), (3, 4), (7, 7), (8, 10)])
    def test_nothing_of_a_patch_reaches_its_own_prediction(
        self, density: SimpleNamespace, texture: Callable[..., Tensor], row: int, column: int
    ) -> None:
        module, tokens = spatial(), PatchTokens()
        picture = texture(3, 72, 88)
        other = picture.clone()
        patch = other[..., 8 * row : 8 * row + 8, 8 * column : 8 * column + 8]
        patch.copy_(torch.rand(patch.shape, generator=torch.manual_seed(1)))
        with torch.no_grad():
            before = module(tokens(picture))
            mean, log_scale = density.mean, density.log_scale
            after = module(tokens(other))
        changed = (density.mean - mean).abs().amax(dim=1)[0]
        changed_scale = (density.log_scale - log_scale).abs().amax(dim=1)[0]
        assert changed[row, column] == 0
        assert changed_scale[row, column] == 0
        assert after.nats[0, 0, row, column] != before.nats[0, 0, row, column]
        # Its neighbours were predicted with its help, or it would be no conditional density.
        rows, columns = slice(max(row - 1, 0), row + 2), slice(max(column - 1, 0), column + 2)
        assert (changed[rows, columns] == 0).sum() == 1
        assert (changed_scale[rows, columns] == 0).sum() == 1

    def test_nor_by_way_of_gradients(self, density: SimpleNamespace) -> None:
        tokens = torch.randn(1, TOKEN_DIMENSIONS, 9, 10, generator=torch.manual_seed(2))
        tokens.requires_grad_()
        spatial()(tokens)
        for row, column in [(0, 9), (4, 5), (8, 0)]:
            prediction = density.mean[..., row, column].sum()
            prediction = prediction + density.log_scale[..., row, column].sum()
            (gradient,) = torch.autograd.grad(prediction, tokens, retain_graph=True)
            assert gradient[..., row, column].abs().max() == 0
            assert gradient.abs().max() > 0

    def test_learns_to_be_surprised_by_what_is_broken(self, texture: Callable[..., Tensor]) -> None:
        module, tokens = spatial(), PatchTokens()
        smooth = torch.cat([texture(seed, wavelengths=(24.0, 120.0)) for seed in range(9)])
        smooth = smooth + 0.02 * torch.randn(smooth.shape, generator=torch.manual_seed(3))
        pictures, unseen = smooth[:8], smooth[8:]
        optimiser = torch.optim.Adam(module.parameters(), lr=1e-2)
        losses = []
        for _ in range(40):
            loss = module(tokens(pictures)).nats.mean()
            losses.append(loss.item())
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
        assert losses[-1] < losses[0] - 0.5
        unseen[0, :, 32:40, 24:32] += 0.3 * (torch.rand(3, 8, 8) - 0.5)
        with torch.no_grad():
            nats = module(tokens(unseen)).nats[0, 0]
        broken = nats[4, 3].item()
        nats[4, 3] = -torch.inf
        assert broken > nats.max().item() + 1.0


class TestTemporalSurprise:
    def test_untrained_it_expects_the_history(self) -> None:
        torch.manual_seed(6)
        module = TemporalSurprise(channels=8)
        history = torch.randn(2, TOKEN_DIMENSIONS, 5, 6)
        doubt = torch.rand(2, 1, 5, 6)
        with torch.no_grad():
            same = module(history, history, doubt)
            other = module(history + 0.25, history, doubt)
        assert same.residual.abs().max() == 0
        assert torch.allclose(same.nats, torch.tensor(2.0).log().expand(2, 1, 5, 6))
        assert torch.allclose(other.residual, torch.tensor(0.25), atol=1e-6)

    def test_the_prediction_never_sees_the_frame(self, density: SimpleNamespace) -> None:
        torch.manual_seed(7)
        module = TemporalSurprise(channels=8)
        torch.nn.init.normal_(module.predict.weight)
        tokens, history = torch.randn(2, 1, TOKEN_DIMENSIONS, 5, 6)
        tokens.requires_grad_()
        history.requires_grad_()
        module(tokens, history, torch.rand(1, 1, 5, 6))
        prediction = density.mean.sum() + density.log_scale.square().sum()
        from_frame, from_history = torch.autograd.grad(
            prediction, [tokens, history], allow_unused=True
        )
        assert from_frame is None
        assert from_history.abs().max() > 0


@pytest.mark.parametrize("kind", ["spatial", "temporal"])
def test_nats_are_the_likelihood_of_a_laplace_density(kind: str, density: SimpleNamespace) -> None:
    torch.manual_seed(8)
    tokens, history = torch.randn(2, 2, TOKEN_DIMENSIONS, 6, 7)
    with torch.no_grad():
        if kind == "spatial":
            result = spatial()(tokens)
        else:
            module = TemporalSurprise(channels=8)
            torch.nn.init.normal_(module.predict.weight)
            result = module(tokens, history, torch.rand(2, 1, 6, 7))
        # The scale is limited to what fp16 can bear.
        scale = density.log_scale.clamp(-5.0, 3.0).exp()
        expected = -Laplace(density.mean, scale).log_prob(tokens).mean(dim=1, keepdim=True)
    assert torch.allclose(result.nats, expected, rtol=1e-4, atol=1e-5)
    residual = ((tokens - density.mean) / scale).clamp(-8, 8)
    assert torch.allclose(result.residual, residual, rtol=1e-4, atol=1e-5)
    assert density.log_scale.std() > 0.1
