"""temporal-clean cost"""

from typing import Annotated

import tyro

__all__ = ["cost"]


def cost(
    models: Annotated[tuple[str, ...], tyro.conf.Positional] = ("fast", "quality"),
    /,
) -> None:
    """Print multiply-accumulates a pixel and parameters of each part of a model. Needs torch.

    Example: temporal-clean cost fast quality

    Args:
        models: fast, quality or paths of checkpoints.
    """
    from temporal_clean.checkpoint import load_checkpoint
    from temporal_clean.commands.progress import say
    from temporal_clean.cost import count_cost

    say(f"{'model':<10}{'part':<10}{'MAC/pixel':>12}{'GMAC at 1080p':>16}{'parameters':>12}")
    for model in models:
        for part in count_cost(load_checkpoint(model)):
            gigas = part.macs_per_pixel * 1920 * 1080 / 1e9
            say(
                f"{model:<10}{part.part:<10}{part.macs_per_pixel:>12.0f}{gigas:>16.2f}"
                f"{part.parameters:>12}"
            )
