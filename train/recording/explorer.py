"""A scripted player that explores a Doom map: walks ways through it, looks round, fights.

It moves as people do, not as a random policy does: it picks a place seldom visited, follows a way
there, turns smoothly and at varying speed, with a slowly wandering hand, glances aside while
walking on, pauses, strafes and shoots at enemies. All of it follows from the seed.

Units are Doom's: map units, degrees (counter-clockwise), tics of 1/35 s.
"""

from collections import Counter, deque
from dataclasses import dataclass

import numpy as np

from temporal_clean.train.recording.floor_plan import Cell, FloorPlan

__all__ = ["Explorer", "Move", "Sight"]

VISIT = 6  # cells of the floor plan a side of the squares whose visits are counted
LOOKAHEAD = 9  # cells of the way ahead that the player looks at
PATIENCE = 40  # tics without getting anywhere until the way is given up


@dataclass(frozen=True)
class Sight:
    """One tic of the player: place, heading, and the bearing of the nearest visible enemy
    against the heading (degrees, left positive; None without one)."""

    x: float
    y: float
    angle: float
    enemy: float | None = None


@dataclass(frozen=True)
class Move:
    """Input of one tic: ``forward``, ``side`` (Doom's units: 25 walks, 50 runs; right positive),
    ``turn`` (degrees, left positive), ``pitch`` (to approach; degrees, up positive)."""

    forward: float = 0.0
    side: float = 0.0
    turn: float = 0.0
    pitch: float = 0.0
    attack: bool = False
    use: bool = False


class Explorer:
    """The player; one instance plays one episode: ``step`` once a tic."""

    def __init__(self, plan: FloorPlan, seed: int) -> None:
        self.plan, self.random = plan, np.random.default_rng(seed)
        # A person's temper, drawn once: pace, fastest turn (degrees a tic), unrest of the hand.
        self.pace = self.random.uniform(22.0, 40.0)
        self.fastest = self.random.uniform(2.0, 4.5)
        self.unrest = self.random.uniform(0.3, 1.0)
        self.visits: Counter[Cell] = Counter()
        self.trail: deque[tuple[float, float]] = deque(maxlen=PATIENCE)
        self.way: list[Cell] = []
        self.tic, self.until, self.mode = 0, 0, "walk"
        self.turn = self.forward = self.side = self.sway = self.pitch = self.glance = 0.0

    def step(self, sight: Sight) -> Move:
        """The input for this tic. The pose must be that after the tic before."""
        here = self.plan.cell(sight.x, sight.y)
        self.visits[square(here)] += 1
        self.trail.append((sight.x, sight.y))
        self._choose_mode(sight)
        if self._stuck():
            self._give_up()
        if not self._follow(sight):
            self.way = self._plan_way(here)
        # The hand's slow unrest: Ornstein-Uhlenbeck walks of heading and pitch, degrees.
        self.sway += -0.03 * self.sway + 0.7 * self.unrest * self.random.normal()
        self.pitch += -0.02 * self.pitch + 0.25 * self.unrest * self.random.normal()
        move = self._act(sight)
        self.tic += 1
        return move

    def _choose_mode(self, sight: Sight) -> None:
        """Walk most of the time; glance aside on the way, stand still or fight for a while."""
        if sight.enemy is not None and self.mode != "fight" and self.random.random() < 0.1:
            self.mode, self.until = "fight", self.tic + int(self.random.integers(35, 90))
        elif self.tic >= self.until:
            names, shares = ("walk", "glance", "still"), (0.6, 0.32, 0.08)
            self.mode = str(self.random.choice(names, p=shares))
            span = {"walk": (60, 160), "glance": (30, 70), "still": (10, 26)}[self.mode]
            self.until = self.tic + int(self.random.integers(*span))
            self.glance = self.random.choice((-1.0, 1.0)) * self.random.uniform(25.0, 65.0)

    def _stuck(self) -> bool:
        """Whether the player wanted to walk and got nowhere."""
        if self.mode == "still" or len(self.trail) < PATIENCE:
            return False
        (x0, y0), (x1, y1) = self.trail[0], self.trail[-1]
        return bool(np.hypot(x1 - x0, y1 - y0) < 30.0)

    def _give_up(self) -> None:
        """Remember that the way is barred just ahead (a locked door, a lift, a barrel)."""
        for cell in self.way[1:4]:
            self.plan.block(*self.plan.place(cell), radius=16.0)
        self.way = []
        self.trail.clear()

    def _follow(self, sight: Sight) -> bool:
        """Drop what is done of the way; False where none is left or the player has left it."""
        ahead = self.way[: 2 * LOOKAHEAD]
        if len(ahead) < 3:
            return False
        gaps = [np.hypot(x - sight.x, y - sight.y) for x, y in map(self.plan.place, ahead)]
        nearest = int(np.argmin(gaps))
        self.way = self.way[nearest:]
        return gaps[nearest] < 100.0 and len(self.way) >= 3

    def _plan_way(self, here: Cell) -> list[Cell]:
        """A way to a place seldom visited and neither near nor very far."""
        costs, before = self.plan.ways(here)
        reached = list(costs)
        choice = self.random.integers(len(reached), size=60)
        candidates = [reached[i] for i in choice]

        def dearth(cell: Cell) -> float:
            return abs(costs[cell] - 1200.0) + 40.0 * min(self.visits[square(cell)], 60)

        way = [min(candidates, key=dearth)]
        while way[-1] in before:
            way.append(before[way[-1]])
        return way[::-1]

    def _act(self, sight: Sight) -> Move:
        way, door = self._bearing(sight), self._held_up(sight)
        pace, gaze, attack = self.pace, way + self.sway, False
        if self.mode == "glance" and not door:
            gaze += self.glance * float(np.sin(np.pi * (self.until - self.tic) / 50.0))
        elif self.mode == "still" or not self.way:
            pace, gaze = 0.0, self.sway
        elif self.mode == "fight" and sight.enemy is not None:
            gaze, pace = sight.enemy + 0.3 * self.sway, 0.5 * self.pace
            attack = abs(sight.enemy) < 5.0 and self.tic % 40 < 28
        # Turning speed follows the error with a lag of a few tics: smooth starts and stops.
        wanted = float(np.clip(0.10 * wrap(gaze), -self.fastest, self.fastest))
        self.turn += 0.22 * (wanted - self.turn)
        # The body goes along the way, whatever the eyes do; slower while it is behind them.
        pace *= 1.0 if abs(way) < 75.0 else 0.35
        self.forward += 0.2 * (pace * float(np.cos(np.radians(way))) - self.forward)
        self.side += 0.2 * (-pace * float(np.sin(np.radians(way))) - self.side)
        use = door and self.tic % 12 == 0
        return Move(self.forward, self.side, self.turn, self.pitch, attack, use)

    def _bearing(self, sight: Sight) -> float:
        """Where the farthest place on the way that a straight walk reaches lies."""
        for cell in self.way[LOOKAHEAD:1:-1]:
            x, y = self.plan.place(cell)
            if self.plan.straight(sight.x, sight.y, x, y):
                break
        else:
            if len(self.way) < 2:
                return 0.0
            x, y = self.plan.place(self.way[min(2, len(self.way) - 1)])
        return wrap(float(np.degrees(np.arctan2(y - sight.y, x - sight.x))) - sight.angle)

    def _held_up(self, sight: Sight) -> bool:
        """Whether a door lies on the way, or something else that may open: the player is slow."""
        if any(self.plan.door[cell] for cell in self.way[:6]):
            return True
        if self.mode == "still" or len(self.trail) < 8:
            return False
        x, y = self.trail[-8]
        return bool(np.hypot(sight.x - x, sight.y - y) < 10.0)


def square(cell: Cell) -> Cell:
    """The square of the record of visits that holds a cell."""
    return cell[0] // VISIT, cell[1] // VISIT


def wrap(angle: float) -> float:
    """The same angle in [-180, 180) degrees."""
    return (angle + 180.0) % 360.0 - 180.0
