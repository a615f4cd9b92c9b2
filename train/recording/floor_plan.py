"""The floor plan of a Doom map as a grid of places to stand on, and ways through it."""

import heapq
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Bool, Float

__all__ = ["FloorPlan", "Sector"]

CELL = 20.0  # map units; corridors of 64 keep at least one row of cells clear of both walls
RADIUS = 19.0  # the player's is 16; the rest is for the grid's coarseness
STEP = 24.0  # the highest step that a Doom player climbs
BODY = 56.0  # a Doom player's height
COMFORT = 56.0  # ways keep this distance from walls where there is room

Cell = tuple[int, int]


@dataclass(frozen=True)
class Sector:
    """Floor and ceiling heights of an area, and its edges: x1, y1, x2, y2, blocking (0 or 1)."""

    floor: float
    ceiling: float
    edges: Float[np.ndarray, "edges 5"]

    @classmethod
    def of(cls, sector: Any) -> "Sector":
        """From ViZDoom's record."""
        edges = [(e.x1, e.y1, e.x2, e.y2, float(e.is_blocking)) for e in sector.lines]
        return cls(sector.floor_height, sector.ceiling_height, np.array(edges).reshape(-1, 5))


class FloorPlan:
    """Cells of the map by row (y) and column (x): floor height (NaN outside), doors, clearance."""

    def __init__(self, sectors: Iterable[Sector]) -> None:
        sectors = [sector for sector in sectors if len(sector.edges)]
        edges = np.concatenate([sector.edges for sector in sectors])
        xs, ys = edges[:, [0, 2]], edges[:, [1, 3]]
        self.left, self.bottom = float(xs.min()), float(ys.min())
        self.columns = int((xs.max() - self.left) // CELL) + 1
        self.rows = int((ys.max() - self.bottom) // CELL) + 1
        shape = (self.rows, self.columns)
        self.floor, self.ceiling = np.full(shape, np.nan), np.full(shape, np.nan)
        for sector in sectors:
            self._fill(sector)
        self.door = self.ceiling - self.floor < BODY
        self.clearance = np.full(shape, COMFORT)
        for edge in edges[edges[:, 4] > 0]:
            self._keep_clear(edge)

    def cell(self, x: float, y: float) -> Cell:
        """The cell that holds a place."""
        return int((y - self.bottom) // CELL), int((x - self.left) // CELL)

    def place(self, cell: Cell) -> tuple[float, float]:
        """The centre of a cell: x, y."""
        return self.left + (cell[1] + 0.5) * CELL, self.bottom + (cell[0] + 0.5) * CELL

    @property
    def standable(self) -> Bool[np.ndarray, "rows columns"]:
        """Where a player fits; doors count, shut as they may be."""
        return ~np.isnan(self.floor) & (self.clearance >= RADIUS)

    def block(self, x: float, y: float, radius: float) -> None:
        """Treat the surroundings of a place as wall: something was in the way there."""
        box, gx, gy = self._around(x - radius, y - radius, x + radius, y + radius)
        self.clearance[box][np.hypot(gx - x, gy - y) <= radius] = 0.0

    def ways(self, start: Cell) -> tuple[dict[Cell, float], dict[Cell, Cell]]:
        """Cost (map units, more beside walls) of each cell reached from ``start``, and its
        predecessor on the best way (Dijkstra)."""
        standable = self.standable
        dearness = 1.0 + 2.0 * np.clip(1.0 - self.clearance / COMFORT, 0.0, 1.0)
        costs, before, queue = {start: 0.0}, {}, [(0.0, start)]
        while queue:
            cost, here = heapq.heappop(queue)
            if cost > costs[here]:
                continue
            for there, length in self._neighbours(here):
                if not standable[there] or not self._passable(here, there):
                    continue
                total = cost + length * dearness[there]
                if total < costs.get(there, np.inf):
                    costs[there], before[there] = total, here
                    heapq.heappush(queue, (total, there))
        return costs, before

    def straight(self, x0: float, y0: float, x1: float, y1: float) -> bool:
        """Whether a player can walk the straight line, as far as walls are concerned."""
        steps = max(2, int(np.hypot(x1 - x0, y1 - y0) / (0.5 * CELL)))
        part = np.linspace(0.0, 1.0, steps)[1:]
        rows = ((y0 + part * (y1 - y0) - self.bottom) // CELL).astype(int)
        columns = ((x0 + part * (x1 - x0) - self.left) // CELL).astype(int)
        inside = (rows >= 0) & (rows < self.rows) & (columns >= 0) & (columns < self.columns)
        return bool(inside.all() and self.standable[rows, columns].all())

    def _neighbours(self, cell: Cell) -> Iterable[tuple[Cell, float]]:
        row, column = cell
        for down in (-1, 0, 1):
            for right in (-1, 0, 1):
                inside = 0 <= row + down < self.rows and 0 <= column + right < self.columns
                if (down or right) and inside:
                    yield (row + down, column + right), CELL * (2**0.5 if down and right else 1.0)

    def _passable(self, here: Cell, there: Cell) -> bool:
        if self.floor[there] - self.floor[here] > STEP:
            return False
        room = min(self.ceiling[here], self.ceiling[there])
        room -= max(self.floor[here], self.floor[there])
        return bool(room >= BODY or self.door[here] or self.door[there])

    def _fill(self, sector: Sector) -> None:
        """Write a sector's heights into the cells whose centres its edges enclose (even-odd)."""
        x1, y1, x2, y2, _ = sector.edges.T
        low, high = np.minimum(y1, y2).min(), np.maximum(y1, y2).max()
        left, right = np.minimum(x1, x2).min(), np.maximum(x1, x2).max()
        box, gx, gy = self._around(left, low, right, high)
        inside = np.zeros(gx.shape, bool)
        for ax, ay, bx, by in zip(x1, y1, x2, y2, strict=True):
            if ay != by:
                crosses = (ay > gy) != (by > gy)
                inside ^= crosses & (gx < ax + (gy - ay) * (bx - ax) / (by - ay))
        self.floor[box][inside] = sector.floor
        self.ceiling[box][inside] = sector.ceiling

    def _keep_clear(self, edge: Float[np.ndarray, "5"]) -> None:
        """Lower the clearance of the cells near a blocking edge to their distance from it."""
        x1, y1, x2, y2 = (float(value) for value in edge[:4])
        left, right, low, high = min(x1, x2), max(x1, x2), min(y1, y2), max(y1, y2)
        reach = (left - COMFORT, low - COMFORT, right + COMFORT, high + COMFORT)
        box, gx, gy = self._around(*reach)
        length = max((x2 - x1) ** 2 + (y2 - y1) ** 2, 1e-9)
        along = np.clip(((gx - x1) * (x2 - x1) + (gy - y1) * (y2 - y1)) / length, 0.0, 1.0)
        distance = np.hypot(gx - x1 - along * (x2 - x1), gy - y1 - along * (y2 - y1))
        self.clearance[box] = np.minimum(self.clearance[box], distance)

    def _around(
        self, left: float, low: float, right: float, high: float
    ) -> tuple[tuple[slice, slice], np.ndarray, np.ndarray]:
        """The cells of a box of map units, as an index, and the centres' x and y."""
        (row0, column0), (row1, column1) = self.cell(left, low), self.cell(right, high)
        rows = slice(max(row0, 0), max(row1 + 1, 0))
        columns = slice(max(column0, 0), max(column1 + 1, 0))
        ys = self.bottom + (np.arange(self.rows)[rows] + 0.5) * CELL
        xs = self.left + (np.arange(self.columns)[columns] + 0.5) * CELL
        return (rows, columns), *np.meshgrid(xs, ys)
