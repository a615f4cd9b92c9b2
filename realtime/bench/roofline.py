"""The least time that a graph can take on a device: an estimate from counts and data sheets.

A step cannot be faster than its multiply-accumulates at the device's full throughput, nor than its
bytes at the full bandwidth (Williams et al., Roofline, CACM 2009). Launching kernels, convolutions
too thin to fill a matrix unit, texture-like reads and clocks below boost are not in it: measured
times are expected to be a multiple. Nothing here was run on these devices.
"""

from dataclasses import asdict, dataclass

from temporal_clean import assets
from temporal_clean.realtime.bench.counting import GraphCost, count_graph
from temporal_clean.realtime.bench.devices import DEVICES, Device
from temporal_clean.realtime.graph import FrameFormat, GraphRequest, fixed_graph

__all__ = ["Floor", "ModelFloors", "arithmetic", "as_json", "floors", "model_floors"]

# What a live game gives, and what graphics cards compute in.
FRAMES: FrameFormat = "bgra8"
PRECISION = "fp16"


@dataclass(frozen=True)
class Floor:
    """Milliseconds on one device: for the products alone, and for bytes counted in three ways."""

    device: str
    compute_ms: float
    least_ms: float
    fused_ms: float
    unfused_ms: float

    @property
    def floor_ms(self) -> float:
        """Nothing that computes this graph in fp16 can be faster."""
        return max(self.compute_ms, self.least_ms)

    @property
    def fused_floor_ms(self) -> float:
        """The floor for an engine that fuses light nodes and keeps nothing in its caches."""
        return max(self.compute_ms, self.fused_ms)

    @property
    def unfused_floor_ms(self) -> float:
        """The floor for an engine that fuses nothing."""
        return max(self.compute_ms, self.unfused_ms)


@dataclass(frozen=True)
class ModelFloors:
    """One model's counts at one size, and its floors."""

    model: str
    width: int
    height: int
    cost: GraphCost
    floors: tuple[Floor, ...]

    @property
    def macs_per_pixel(self) -> float:
        """Of the picture as shown; the networks see it padded to multiples of 16."""
        return self.cost.macs / (self.width * self.height)


def model_floors(model: str, width: int, height: int) -> ModelFloors:
    """Count a model's fp16 graph with BGRA frames in and out, and hold it against each device."""
    graph = assets.graph_path(model, PRECISION).read_bytes()
    cost = count_graph(fixed_graph(graph, GraphRequest(height, width, FRAMES)))
    return ModelFloors(model, width, height, cost, tuple(floors(cost, d) for d in DEVICES))


def floors(cost: GraphCost, device: Device) -> Floor:
    """Operations over throughput, bytes over bandwidth."""
    per_byte = 1e3 / (device.bandwidth * 1e9)
    return Floor(
        device.name,
        2.0 * cost.macs / (device.throughput * 1e12) * 1e3,
        cost.least_bytes * per_byte,
        cost.fused_bytes * per_byte,
        cost.unfused_bytes * per_byte,
    )


def as_json(found: list[ModelFloors]) -> dict:
    """Counts, floors with their arithmetic, and the devices' figures with their sources."""
    return {
        "what": "estimates from counts and data sheets; nothing was run on these devices",
        "frames": f"{FRAMES} in and out, {PRECISION} inside",
        "devices": [asdict(device) for device in DEVICES],
        "models": [_model(one) for one in found],
    }


def _model(one: ModelFloors) -> dict:
    counted = {"macs_per_pixel": round(one.macs_per_pixel), **asdict(one.cost)}
    size = {"model": one.model, "size": f"{one.width}x{one.height}"}
    rows = [
        {
            "device": floor.device,
            "floor_ms": round(floor.floor_ms, 3),
            "fused_floor_ms": round(floor.fused_floor_ms, 3),
            "unfused_floor_ms": round(floor.unfused_floor_ms, 3),
            "arithmetic": arithmetic(one.cost, device, floor),
        }
        for floor, device in zip(one.floors, DEVICES, strict=True)
    ]
    return {**size, "counts": counted, "floors": rows}


def arithmetic(cost: GraphCost, device: Device, floor: Floor) -> str:
    """The division behind a device's figures, in words."""
    kinds = (
        ("least", cost.least_bytes, floor.least_ms),
        ("fused", cost.fused_bytes, floor.fused_ms),
        ("unfused", cost.unfused_bytes, floor.unfused_ms),
    )
    moved = ", ".join(
        f"{name} {moved / 1e6:.0f} MB / {device.bandwidth:g} GB/s = {ms:.3f} ms"
        for name, moved, ms in kinds
    )
    return (
        f"2 x {cost.macs / 1e9:.2f} GMAC / {device.throughput:g} TFLOP/s = "
        f"{floor.compute_ms:.3f} ms; {moved}"
    )
