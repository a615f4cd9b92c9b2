"""Two published video networks and a plain stack of convolutions, written as step graphs.

Weights are random and batch normalisation is folded into the convolutions, as at inference. Both
networks are made causal and kept from doing anything twice, which favours them.
"""

from collections.abc import Callable

import numpy as np
import onnx

from temporal_clean.realtime.bench.nets import StepNet
from temporal_clean.realtime.graph import FRAME_INPUT, padded_size

__all__ = ["PEER_NETS", "REFERENCE_SIZE", "basicvsr", "fastdvdnet", "reference_stack"]

# The reference's own frame, whatever else is measured: 1.5 GMAC.
REFERENCE_SIZE = (270, 480)
FEATURES = 64  # BasicVSR's
# BasicVSR++ of 64 channels has 7 residual blocks a direction (its published configuration);
# BasicVSR has 30.
BLOCKS, FIRST_BLOCKS = 7, 5
LEVELS = 6  # SPyNet's, on sizes that are multiples of 32


def reference_stack(height: int, width: int) -> onnx.ModelProto:
    """Five 3x3 convolutions of 32 channels at half size: a unit of speed for one engine."""
    net = StepNet(*padded_size(height, width), hidden=(32, 2))
    x = net.conv(FRAME_INPUT, 32, "Relu", stride=2)
    x = net.add(x, net.scale(net.remembered("state_hidden"), 0.1))
    for _ in range(5):
        x = net.conv(x, 32, "Relu")
    past = net.scale(net.remembered("state_clean"), 0.1)
    clean = net.add(net.shuffle(net.conv(x, 12)), past)
    return net.model(clean, clean, x)


def fastdvdnet(height: int, width: int) -> onnx.ModelProto:
    """FastDVDnet: Tassano, Delon and Veit, CVPR 2020; five frames, two stages of the same U-Net.

    Published, each output runs the first stage on three triplets of frames; here the results of
    the two earlier triplets are kept, so that a frame costs one U-Net of each stage, not four.
    The output is two frames late, as the network needs two frames after the one that it cleans.
    """
    net = StepNet(*padded_size(height, width), hidden=(9, 1))
    older, newer, oldest = _thirds(net, net.remembered("state_hidden"), 3)
    last = net.remembered("state_clean")
    first = _unet(net, (older, newer, FRAME_INPUT))
    clean = _unet(net, (oldest, last, first))
    return net.model(clean, first, net.cat(newer, FRAME_INPUT, last))


def basicvsr(height: int, width: int) -> onnx.ModelProto:
    """BasicVSR's forward half: Chan et al., CVPR 2021, in the form for equal sizes in and out.

    SPyNet (Ranjan and Black, CVPR 2017) finds the motion, 64 features at a quarter of the size are
    warped, refined by residual blocks and brought to full size by two pixel shuffles; the encoder
    for equal sizes is BasicVSR++'s (Chan et al., CVPR 2022). The half that runs backward through
    time is left out: no live picture can wait for it.
    """
    net = StepNet(*padded_size(height, width), hidden=(FEATURES, 4), motion=(3, 4))
    small = net.height // 4, net.width // 4
    frame = net.shrink(FRAME_INPUT, 4)
    flow = _spynet(net, frame, "state_motion", *small)
    past = net.warp(net.remembered("state_hidden"), flow, *small)
    x = net.conv(FRAME_INPUT, FEATURES, "LeakyRelu", stride=2)
    x = net.conv(x, FEATURES, "LeakyRelu", stride=2)
    x = _residual_blocks(net, x, FIRST_BLOCKS)
    hidden = _residual_blocks(net, net.cat(x, past), BLOCKS)
    x = net.shuffle(net.conv(hidden, 4 * FEATURES))
    x = net.shuffle(net.conv(net.node("LeakyRelu", [x], FEATURES), 4 * FEATURES))
    x = net.conv(net.node("LeakyRelu", [x], FEATURES), FEATURES, "LeakyRelu")
    base = net.add(FRAME_INPUT, net.scale(net.remembered("state_clean"), 0.0))
    clean = net.add(net.conv(x, 3), base)
    return net.model(clean, clean, hidden, frame)


PEER_NETS: dict[str, Callable[[int, int], onnx.ModelProto]] = {
    "FastDVDnet": fastdvdnet,
    "BasicVSR, forward half": basicvsr,
}


def _thirds(net: StepNet, x: str, channels: int) -> tuple[str, str, str]:
    parts = f"{x}_first", f"{x}_second", f"{x}_third"
    net.nodes.append(onnx.helper.make_node("Split", [x], list(parts), axis=1, num_outputs=3))
    net.channels |= dict.fromkeys(parts, channels)
    return parts


def _unet(net: StepNet, frames: tuple[str, str, str]) -> str:
    """FastDVDnet's block: three frames, each with a noise map, to the middle one without noise."""
    channels = net.constant(np.array([1], np.int64))
    noise = net.node("ReduceMean", [net.scale(FRAME_INPUT, 0.1), channels], 1)
    x = net.cat(*(part for frame in frames for part in (frame, noise)))
    x = net.conv(x, 90, "Relu", groups=3)
    full = net.conv(x, 32, "Relu")
    half = _twice(net, net.conv(full, 64, "Relu", stride=2))
    x = _twice(net, net.conv(half, 128, "Relu", stride=2))
    x = net.add(net.shuffle(net.conv(_twice(net, x), 256)), half)
    x = net.add(net.shuffle(net.conv(_twice(net, x), 128)), full)
    x = net.conv(net.conv(x, 32, "Relu"), 3)
    return net.add(frames[1], net.scale(x, -1.0))


def _twice(net: StepNet, x: str) -> str:
    for _ in range(2):
        x = net.conv(x, net.channels[x], "Relu")
    return x


def _residual_blocks(net: StepNet, x: str, count: int) -> str:
    x = net.conv(x, FEATURES, "LeakyRelu")
    for _ in range(count):
        x = net.add(x, net.scale(net.conv(net.conv(x, FEATURES, "Relu"), FEATURES), 0.3))
    return x


def _spynet(net: StepNet, frame: str, previous: str, height: int, width: int) -> str:
    """Flow at the frames' size: from coarse to fine, each level refines the enlarged last one."""
    least = 1 << (LEVELS - 1)
    rows, columns = (-(-side // least) * least for side in (height, width))
    now, then = [net.resize(frame, rows, columns)], [net.resize(previous, rows, columns)]
    for _ in range(LEVELS - 1):
        now.append(net.shrink(now[-1], 2))
        then.append(net.shrink(then[-1], 2))
    flow = ""
    for level in reversed(range(LEVELS)):
        size = rows >> level, columns >> level
        if flow:
            flow = net.scale(net.resize(flow, *size), 2.0)
        else:
            first_two = [net.constant(np.array([value], np.int64)) for value in (0, 2, 1)]
            flow = net.scale(net.node("Slice", [now[level], *first_two], 2), 0.0)
        seen = net.cat(now[level], net.warp(then[level], flow, *size), flow)
        for channels in (32, 64, 32, 16):
            seen = net.conv(seen, channels, "Relu", size=7)
        flow = net.add(flow, net.conv(seen, 2, size=7))
    return net.resize(flow, height, width)
