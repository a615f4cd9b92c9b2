"""Named devices by their published figures, for estimates of what a graph must take on them."""

from dataclasses import dataclass

__all__ = ["DEVICES", "Device"]


@dataclass(frozen=True)
class Device:
    """``bandwidth`` in GB/s; ``throughput`` of fp16 matrices in TFLOP/s, dense, without sparsity.

    A multiply-accumulate is two operations. ``how`` shows where the throughput comes from.
    """

    name: str
    bandwidth: float
    throughput: float
    how: str
    sources: tuple[str, ...]


ADA = (
    "NVIDIA Ada GPU architecture whitepaper, appendix A: RTX 4090, 165.2 TFLOP/s of fp16 with fp32 "
    "accumulation, dense, on 128 multiprocessors at 2.52 GHz, which is 512 a clock each"
)

DEVICES: tuple[Device, ...] = (
    Device(
        "GeForce RTX 4090 Laptop",
        576.0,
        79.4,
        "76 multiprocessors x 512 FLOP a clock (fp16, fp32 accumulation) x 2.04 GHz, its highest "
        "boost clock: a laptop at 140 W states 1.95 GHz, at 80 W 1.46 GHz",
        (
            ADA,
            "NVIDIA, GeForce RTX 40 laptops: 9728 cores (76 x 128), boost 1455 to 2040 MHz",
            "hmc-tech.com/gpu/nvidia-geforce-rtx-4090-laptop-140w: 256 bits at 18 Gbit/s, 576 GB/s",
        ),
    ),
    Device(
        "GeForce RTX 4060",
        272.0,
        30.2,
        "24 multiprocessors x 512 FLOP a clock (fp16, fp32 accumulation) x 2.46 GHz",
        (
            ADA,
            "NVIDIA, GeForce RTX 4060: 3072 cores (24 x 128), boost 2.46 GHz, 128 bits at "
            "17 Gbit/s, 272 GB/s",
        ),
    ),
    Device(
        "Radeon RX 7600",
        288.0,
        43.5,
        "32 compute units x 512 FLOP a clock (fp16 WMMA) x 2.655 GHz, the same as AMD's figure for "
        "fp16 vectors",
        (
            "AMD, Radeon RX 7600: 32 compute units, boost 2655 MHz, 43.5 TFLOP/s of fp16, 128 bits "
            "at 18 Gbit/s, 288 GB/s",
            "fpsbench.com/compare/gpu/amd-radeon-rx-7600-vs-intel-hd-graphics-p4600: the same",
        ),
    ),
    Device(
        "Intel Arc A750",
        512.0,
        117.6,
        "448 XMX engines x 128 FLOP a clock (fp16) x 2.05 GHz",
        (
            "3dcenter.org/news/intel-gibt-die-spezifikationen-von-arc-a580-a750-und-a770-bekannt: "
            "448 XMX, 2050 MHz, 512 GB/s",
            "techpowerup.com/review/intel-arc-a750/2.html: XMX engines of 1024 bits; Intel, Xe-HPG "
            "architecture: 128 fp16 operations a clock each",
        ),
    ),
    Device(
        "Intel NPU 4 (Core Ultra 200V)",
        136.5,
        24.0,
        "half of its 48 TOPS of int8; bandwidth is the whole chip's, 128 bits of LPDDR5X-8533, "
        "shared with processor and graphics",
        (
            "tomshardware.com/pc-components/cpus/"
            "intel-unwraps-lunar-lake-architecture-up-to-68-ipc-gain-for-e-cores-16-ipc-gain-for-"
            "p-cores/5: 48 TOPS, six neural compute engines",
            "Intel, Core Ultra 200V: LPDDR5X-8533, 128 bits",
        ),
    ),
)
