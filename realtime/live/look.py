"""How the picture is to look: strength, A/B split and HUD, and the commands that change that."""

from dataclasses import dataclass, replace

from temporal_clean.realtime.live.events import Command

__all__ = ["Look"]

STRENGTH_STEP = 0.1
DIVIDER_STEP = 0.05


@dataclass(frozen=True)
class Look:
    """``strength`` 0..1; left of ``divider`` (a share of the width) lies the game's own picture."""

    strength: float = 1.0
    split: bool = False
    divider: float = 0.5
    hud: bool = False

    def after(self, command: Command) -> "Look":
        """The look once the player has given a command; the same for all other commands."""
        match command:
            case Command.SPLIT:
                return replace(self, split=not self.split)
            case Command.HUD:
                return replace(self, hud=not self.hud)
            case Command.DIVIDER_LEFT:
                return replace(self, divider=_step(self.divider, -DIVIDER_STEP))
            case Command.DIVIDER_RIGHT:
                return replace(self, divider=_step(self.divider, DIVIDER_STEP))
            case Command.STRENGTH_DOWN:
                return replace(self, strength=_step(self.strength, -STRENGTH_STEP))
            case Command.STRENGTH_UP:
                return replace(self, strength=_step(self.strength, STRENGTH_STEP))
        return self


def _step(value: float, step: float) -> float:
    return round(min(max(value + step, 0.0), 1.0), 3)
