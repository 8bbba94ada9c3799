"""The forward DCT and quantization of sixteen blocks (ITU-T T.81 A.3.3, A.3.4), in vectors of 16 bits.

Of loops, LLVM makes vectors of 32-bit numbers: half as many at a time, and products that take twice as long.
So this is written in LLVM's language, by `llvmlite.ir`. It runs on any processor; where it can, LLVM makes
one instruction of the sum of two products of 16 bits (PMADDWD), and of the upper half of a product (PMULHUW).

The DCT is the one that libjpeg calls "islow", after Loeffler, Ligtenberg and Moschytz (1989), in integers:
rows first, kept with two bits more, then columns. All that it adds fits into 16 bits, but sums of products.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from fastdcm.kernels import machine_code
from fastdcm.kernels.inlined import made_by
from fastdcm.kernels.jpeg_layout import LANES, SIXTEEN, ZIGZAG

# Constants of the DCT with 13 fractional bits.
_0_298, _0_390, _0_541, _0_765, _0_899, _1_175 = 2446, 3196, 4433, 6270, 7373, 9633
_1_501, _1_847, _1_961, _2_053, _2_562, _3_072 = 12299, 15137, 16069, 16819, 20995, 25172
#: The levels of eight samples are shifted by 128 each (A.3.1), which only their sum knows of.
_LEVELS = 8 * 128
#: Which number of the zigzag sequence each position has.
_NUMBERS = ZIGZAG.argsort().tolist()


def _in_vectors(write: Callable[..., None]) -> Any:
    """What a function writes in LLVM's language: its arrays are addresses there."""
    from numba.core import types
    from numba.extending import intrinsic

    def build(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        addresses = [
            context.make_array(kind)(context, builder, value).data
            for kind, value in zip(signature.args[:-1], values[:-1], strict=True)
        ]
        write(_Code(builder), *addresses, values[-1])
        return context.get_dummy_value()

    def typed(_typing: Any, samples: Any, quotients: Any, coefficients: Any, filled: Any, first: Any) -> Any:
        return types.void(samples, quotients, coefficients, filled, first), build

    return intrinsic(typed)


class _Code:
    """What is written: operations of vectors of sixteen numbers of 16 bits, and of halves with 32."""

    def __init__(self, builder: Any) -> None:
        from llvmlite import ir

        self._builder, self._ir = builder, ir
        self.short = ir.VectorType(ir.IntType(16), SIXTEEN)
        self._long = ir.VectorType(ir.IntType(32), SIXTEEN // 2)
        self._wide = ir.VectorType(ir.IntType(32), SIXTEEN)
        self._index = ir.IntType(64)
        self.zero = ir.Constant(self._index, 0)

    def splat(self, kind: Any, *values: int) -> Any:
        """A vector of the same few numbers again and again."""
        return self._ir.Constant(kind, list(values) * (kind.count // len(values)))

    def at(self, address: Any, index: Any, more: int, kind: Any) -> Any:
        """Where item ``index + more`` is, as the address of a vector."""
        builder = self._builder
        place = builder.gep(address, [builder.add(index, self._ir.Constant(self._index, more))])
        return builder.bitcast(place, self._ir.PointerType(kind))

    def load(self, address: Any, index: Any, more: int) -> Any:
        loaded = self._builder.load(self.at(address, index, more, self.short))
        loaded.align = 2
        return loaded

    def store(self, value: Any, address: Any, index: Any, more: int) -> None:
        self._builder.store(value, self.at(address, index, more, self.short)).align = 2

    def samples(self, address: Any, index: Any, more: int) -> list[Any]:
        """The eight samples of each of sixteen blocks that lie next to each other."""
        two = self._ir.VectorType(self._ir.IntType(16), SIXTEEN // 2)
        blocks = []
        for number in range(0, SIXTEEN // 2, 2):
            low, high = (
                self._builder.load(self.at(address, index, more + 8 * (number + half), two))
                for half in (0, SIXTEEN // 2)
            )
            low.align = high.align = 1
            # In each half, samples of two blocks: those of one place next to each other.
            blocks.append(self._shuffled(low, high, [part + place for place in range(4) for part in (0, 4)]))
        # Then those of four blocks, and of eight.
        first, second = (self._woven(blocks[number], blocks[number + 1], 2) for number in (0, 2))
        pairs = [pair for a, b in zip(first, second, strict=True) for pair in self._woven(a, b, 4)]
        found = []
        for pair in pairs:
            found.append(self._builder.and_(pair, self.splat(self.short, 255)))
            found.append(self._builder.lshr(pair, self.splat(self.short, 8)))
        return found

    def _woven(self, a: Any, b: Any, size: int) -> tuple[Any, ...]:
        """Groups of ``size`` numbers of both in turn: those of the lower quarters, and of the upper ones."""
        quarter = SIXTEEN // 4
        return tuple(
            self._shuffled(
                a,
                b,
                [
                    side * SIXTEEN + first + number
                    for first in range(start, start + quarter, size)
                    for side in (0, 1)
                    for number in range(size)
                ],
            )
            for start in (0, quarter)
        )

    def _shuffled(self, a: Any, b: Any, half: list[int]) -> Any:
        """Numbers of two vectors, and the same of their upper halves."""
        places = half + [place + SIXTEEN // 2 for place in half]
        kind = self._ir.VectorType(self._ir.IntType(32), len(places))
        return self._builder.shuffle_vector(a, b, self._ir.Constant(kind, places))

    def times(self, index: Any, number: int) -> Any:
        return self._builder.mul(index, self._ir.Constant(self._index, number))

    def add(self, a: Any, b: Any) -> Any:
        return self._builder.add(a, b)

    def sub(self, a: Any, b: Any) -> Any:
        return self._builder.sub(a, b)

    def plus(self, a: Any, number: int) -> Any:
        return self._builder.add(a, self.splat(a.type, number))

    def left(self, a: Any, bits: int) -> Any:
        return self._builder.shl(a, self.splat(a.type, bits))

    def right(self, a: Any, bits: int) -> Any:
        return self._builder.ashr(a, self.splat(a.type, bits))

    def pairs(self, a: Any, b: Any) -> tuple[Any, ...]:
        """Numbers of ``a``, those of ``b`` behind them: of the lower quarters of a vector, and the upper."""
        return self._woven(a, b, 1)

    def sums(self, pairs: tuple[Any, ...], first: int, second: int) -> tuple[Any, Any]:
        """first * a + second * b of pairs."""
        return self._sum(pairs[0], first, second), self._sum(pairs[1], first, second)

    def _sum(self, pairs: Any, first: int, second: int) -> Any:
        ir, builder = self._ir, self._builder
        extended = builder.sext(builder.bitcast(pairs, self.short), self._wide)
        products = builder.mul(extended, self.splat(self._wide, first, second), flags=("nsw",))
        nothing = ir.Constant(self._wide, ir.Undefined)
        even, odd = (
            builder.shuffle_vector(
                products, nothing, ir.Constant(self._long, [2 * lane + part for lane in range(SIXTEEN // 2)])
            )
            for part in range(2)
        )
        return builder.add(even, odd)

    def rounded(self, sums: tuple[Any, Any], bits: int) -> Any:
        """Sums / 2^bits, halves upwards, as one vector."""
        lower, upper = (self.right(self.plus(each, 1 << bits - 1), bits) for each in sums)
        if machine_code.has("avx2"):
            # LLVM does not know that nothing is cut off.
            return self._called("llvm.x86.avx2.packssdw", self.short, lower, upper)
        lower, upper = (self._builder.bitcast(each, self.short) for each in (lower, upper))
        return self._shuffled(lower, upper, [*range(0, 8, 2), *range(SIXTEEN, SIXTEEN + 8, 2)])

    def _called(self, name: str, result: Any, *values: Any) -> Any:
        ir, module = self._ir, self._builder.module
        kind = ir.FunctionType(result, [value.type for value in values])
        return self._builder.call(module.globals.get(name) or ir.Function(module, kind, name), values)

    def _upper(self, a: Any, b: Any) -> Any:
        """The upper 16 bits of products of numbers without sign."""
        return self._called(
            f"llvm.umul.fix.v{SIXTEEN}i16", self.short, a, b, self._ir.Constant(self._ir.IntType(32), 16)
        )

    def marked(self, marks: Any, a: Any, bit: int) -> Any:
        """``marks`` with a bit where ``a`` is not zero."""
        builder = self._builder
        found = builder.sext(builder.icmp_unsigned("!=", a, self.splat(self.short, 0)), self.short)
        return builder.or_(marks, builder.and_(found, self.splat(self.short, 1 << bit)))

    def quotient(self, size: Any, half: Any, factor: Any, shift: Any) -> Any:
        """(size + half) / step, cut: see `fastdcm.codecs.encoders.baseline.Coding`."""
        return self._upper(self._upper(self.add(size, half), factor), shift)

    def flip(self, a: Any, signs: Any) -> Any:
        """-a where ``signs`` is -1, a where it is 0."""
        return self.sub(self._builder.xor(a, signs), signs)


def _dct(code: _Code, values: list[Any], bits: int) -> list[Any]:
    """A DCT of eight values, times sqrt(8): 0 and 4 as they are, the others divided by 2^bits."""
    d0, d1, d2, d3, d4, d5, d6, d7 = values
    tmp0, tmp7 = code.add(d0, d7), code.sub(d0, d7)
    tmp1, tmp6 = code.add(d1, d6), code.sub(d1, d6)
    tmp2, tmp5 = code.add(d2, d5), code.sub(d2, d5)
    tmp3, tmp4 = code.add(d3, d4), code.sub(d3, d4)
    tmp10, tmp13 = code.add(tmp0, tmp3), code.sub(tmp0, tmp3)
    tmp11, tmp12 = code.add(tmp1, tmp2), code.sub(tmp1, tmp2)
    even = code.pairs(tmp12, tmp13)
    out2 = code.sums(even, _0_541, _0_541 + _0_765)
    out6 = code.sums(even, _0_541 - _1_847, _0_541)
    z = code.pairs(code.add(tmp4, tmp6), code.add(tmp5, tmp7))
    z3 = code.sums(z, _1_175 - _1_961, _1_175)
    z4 = code.sums(z, _1_175, _1_175 - _0_390)
    outer, inner = code.pairs(tmp4, tmp7), code.pairs(tmp5, tmp6)
    out7 = _both(code, code.sums(outer, _0_298 - _0_899, -_0_899), z3)
    out1 = _both(code, code.sums(outer, -_0_899, _1_501 - _0_899), z4)
    out5 = _both(code, code.sums(inner, _2_053 - _2_562, -_2_562), z4)
    out3 = _both(code, code.sums(inner, -_2_562, _3_072 - _2_562), z3)
    out1, out2, out3, out5, out6, out7 = (
        code.rounded(each, bits) for each in (out1, out2, out3, out5, out6, out7)
    )
    return [code.add(tmp10, tmp11), out1, out2, out3, code.sub(tmp10, tmp11), out5, out6, out7]


def _both(code: _Code, a: tuple[Any, Any], b: tuple[Any, Any]) -> tuple[Any, Any]:
    return code.add(a[0], b[0]), code.add(a[1], b[1])


@made_by(_in_vectors)
def transformed_sixteen(
    code: _Code, samples: Any, quotients: Any, coefficients: Any, filled: Any, first: Any
) -> None:
    """Quantized coefficients of sixteen blocks, as `fastdcm.kernels.jpeg_blocks.transformed` has them.

    first: the first block of the samples, and of what is written.
    """
    rows = []
    start = code.times(first, 8)
    for row in range(8):
        out = _dct(code, code.samples(samples, start, 8 * LANES * row), 11)
        out[0] = code.left(code.plus(out[0], -_LEVELS), 2)
        out[4] = code.left(out[4], 2)
        rows.append(out)
    marks = [code.splat(code.short, 0)] * 4
    for column in range(8):
        out = _dct(code, [row[column] for row in rows], 15)
        for row in (0, 4):
            out[row] = code.right(code.plus(out[row], 2), 2)
        for row, value in enumerate(out):
            number = _NUMBERS[8 * row + column]
            half, factor, shift = (
                code.load(quotients, code.zero, SIXTEEN * (3 * number + each)) for each in range(3)
            )
            signs = code.right(value, 15)
            quotient = code.quotient(code.flip(value, signs), half, factor, shift)
            marks[number >> 4] = code.marked(marks[number >> 4], quotient, number & 15)
            code.store(code.flip(quotient, signs), coefficients, first, LANES * number)
    for group, value in enumerate(marks):
        code.store(value, filled, first, LANES * group)
