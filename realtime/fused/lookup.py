"""One pixel's lookup in the past as vector instructions, which no compiler finds in plain loops."""

from typing import Any

from llvmlite import ir
from numba.core import types
from numba.extending import intrinsic

__all__ = ["look_up"]

FOUR = ir.VectorType(ir.FloatType(), 4)
FAST = ("fast",)


def _look_up(
    typing_context, colours, luma, first, line, across, down, right_taps, down_taps, x, out
):
    """Colours bilinearly, with luma's cubic lookup in the place of their own luma's bilinear.

    colours: (pixels x 4) red, green, blue and luma; luma: (pixels); ``first`` is the pixel to the
    upper left, ``line`` the pixels of a row, ``across`` and ``down`` how far it lies from there;
    taps: four for each x; out: four numbers for each x.
    """

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        lookup = _Lookup(context, builder, signature, arguments)
        lookup.write()
        return context.get_dummy_value()

    signature = types.void(colours, luma, first, line, across, down, right_taps, down_taps, x, out)
    return signature, generate


look_up: Any = intrinsic(_look_up)


class _Lookup:
    def __init__(self, context: Any, builder: Any, signature: Any, arguments: Any) -> None:
        self.builder = builder
        values = [
            context.make_array(kind)(context, builder, value).data
            if isinstance(kind, types.Array)
            else value
            for kind, value in zip(signature.args, arguments, strict=True)
        ]
        self.colours, self.luma, self.first, self.line, self.across, self.down = values[:6]
        self.right, self.below, self.x, self.out = values[6:]

    def write(self) -> None:
        builder = self.builder
        place = builder.mul(self.x, self._whole(4))
        upper, lower = self.first, builder.add(self.first, self.line)
        across, down = self._spread(self.across), self._spread(self.down)
        top = self._between(self._pixel(upper, 0), self._pixel(upper, 1), across)
        bottom = self._between(self._pixel(lower, 0), self._pixel(lower, 1), across)
        smooth = self._between(top, bottom, down)

        weights = self._load(self.below, place)
        row = builder.sub(builder.sub(self.first, self.line), self._whole(1))
        sums = None
        for tap in range(4):
            product = self._times(self._load(self.luma, row), self._lane(weights, tap))
            sums = product if sums is None else builder.fadd(sums, product, flags=FAST)
            row = builder.add(row, self.line)
        sums = self._times(sums, self._load(self.right, place))
        for order in ((2, 3, 0, 1), (1, 0, 3, 2)):
            sums = builder.fadd(sums, self._shuffle(sums, order), flags=FAST)
        gain = builder.fsub(sums, self._lane(smooth, 3), flags=FAST)
        result = builder.fadd(smooth, gain, flags=FAST)
        builder.store(result, self._address(self.out, place), align=4)

    def _pixel(self, row: Any, shift: int) -> Any:
        index = self.builder.add(row, self._whole(shift))
        return self._load(self.colours, self.builder.mul(index, self._whole(4)))

    def _between(self, first: Any, second: Any, share: Any) -> Any:
        step = self._times(self.builder.fsub(second, first, flags=FAST), share)
        return self.builder.fadd(first, step, flags=FAST)

    def _times(self, first: Any, second: Any) -> Any:
        return self.builder.fmul(first, second, flags=FAST)

    def _load(self, pointer: Any, index: Any) -> Any:
        return self.builder.load(self._address(pointer, index), align=4, typ=FOUR)

    def _address(self, pointer: Any, index: Any) -> Any:
        return self.builder.bitcast(self.builder.gep(pointer, [index]), FOUR.as_pointer())

    def _spread(self, number: Any) -> Any:
        vector = self.builder.insert_element(
            ir.Constant(FOUR, ir.Undefined), number, ir.Constant(ir.IntType(32), 0)
        )
        return self._lane(vector, 0)

    def _lane(self, vector: Any, lane: int) -> Any:
        return self._shuffle(vector, (lane,) * 4)

    def _shuffle(self, vector: Any, order: tuple[int, ...]) -> Any:
        mask = ir.Constant(ir.VectorType(ir.IntType(32), 4), list(order))
        return self.builder.shuffle_vector(vector, vector, mask)

    def _whole(self, number: int) -> Any:
        return ir.Constant(self.first.type, number)
