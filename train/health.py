"""Signs that training has collapsed, as it did in prototypes: gates, masks and features stuck."""

from collections.abc import Mapping

from temporal_clean.errors import TemporalCleanError

__all__ = ["Health"]

# What a healthy statistic lies within. Gates are bounded to 0.02 to 0.98: nearer than this to a
# bound everywhere, they no longer learn.
LIMITS: dict[str, tuple[float, float]] = {
    "mask": (0.03, 1.01),
    "weight": (0.03, 0.97),
    "doubt": (0.001, 0.97),
    "hidden saturated": (-0.01, 0.9),
}
# Steps in a row: a single odd batch is no collapse.
PATIENCE = 200


class Health:
    """Counts how long each statistic has been out of its limits."""

    def __init__(self, patience: int = PATIENCE) -> None:
        self.patience = patience
        self.sick: dict[str, int] = {}

    def check(self, statistics: Mapping[str, float], finite: bool) -> None:
        """One step's statistics, and whether its gradient was finite.

        Raises :class:`TemporalCleanError` once anything has been wrong for ``patience`` steps.
        """
        wrong = {} if finite else {"the gradient": "not finite"}
        for name, (least, most) in LIMITS.items():
            if name in statistics and not least < statistics[name] < most:
                wrong[name] = f"{statistics[name]:.3g}, not within {least:g} to {most:g}"
        self.sick = {name: self.sick.get(name, 0) + 1 for name in wrong}
        for name, steps in self.sick.items():
            if steps >= self.patience:
                raise TemporalCleanError(
                    f"training has collapsed: {name} was {wrong[name]} for {steps} steps; go back "
                    "to the checkpoint before with a lower learning rate or other data"
                )
