"""A plain encoder of JPEG-LS, as ITU-T T.87 words it: for what encoders at hand do not write.

Presets, restart intervals, and scans in any order. Steps and names are those of annex A; nothing is shared
with the decoder that it tests.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]

J = [0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7, 8, 9, 10, 11, 12, 13, 14, 15]


class Presets(NamedTuple):
    """An LSE segment of type 1 (C.2.4.1.1); 0 for the default."""

    maxval: int = 0
    t1: int = 0
    t2: int = 0
    t3: int = 0
    reset: int = 0


class _Bits:
    def __init__(self) -> None:
        self.done = bytearray()
        self.byte, self.room = 0, 8

    def put(self, value: int, count: int) -> None:
        for place in range(count - 1, -1, -1):
            self.room -= 1
            self.byte |= (value >> place & 1) << self.room
            if self.room == 0:
                self._flush()

    def _flush(self) -> None:
        self.done.append(self.byte)
        self.room = 7 if self.byte == 0xFF else 8  # A.1: a zero behind FF
        self.byte = 0

    def end(self) -> bytes:
        if self.room < 8:  # also the byte that FF must have behind it
            self._flush()
        return bytes(self.done)


def defaults(maxval: int, near: int) -> tuple[int, int, int]:
    """C.2.4.1.1.1."""

    def clamp(i: int, j: int) -> int:
        return j if i > maxval or i < j else i

    if maxval >= 128:
        factor = (min(maxval, 4095) + 128) // 256
        t1 = clamp(factor * (3 - 2) + 2 + 3 * near, near + 1)
        t2 = clamp(factor * (7 - 3) + 3 + 5 * near, t1)
        t3 = clamp(factor * (21 - 4) + 4 + 7 * near, t2)
    else:
        factor = 256 // (maxval + 1)
        t1 = clamp(max(2, 3 // factor + 3 * near), near + 1)
        t2 = clamp(max(3, 7 // factor + 5 * near), t1)
        t3 = clamp(max(4, 21 // factor + 7 * near), t2)
    return t1, t2, t3


class _Interval:
    """What is coded between two restart markers: lines of the components of a scan."""

    def __init__(self, components: int, columns: int, near: int, maxval: int, presets: Presets) -> None:
        self.near, self.maxval, self.columns = near, maxval, columns
        default = defaults(maxval, near)
        self.t = [given or other for given, other in zip(presets[1:4], default, strict=True)]
        self.reset = presets.reset or 64
        self.range = (maxval + 2 * near) // (2 * near + 1) + 1
        self.qbpp = 0
        while 1 << self.qbpp < self.range:
            self.qbpp += 1
        bpp = max(2, maxval.bit_length())
        self.limit = 2 * (bpp + max(8, bpp))
        self.A = [max(2, (self.range + 32) // 64)] * 367
        self.B, self.C, self.N, self.Nn = [0] * 365, [0] * 365, [1] * 367, [0] * 367
        self.run_index = [0] * components
        self.above = [[0] * (columns + 2) for _ in range(components)]
        self.bits = _Bits()

    def golomb(self, value: int, k: int, limit: int) -> None:
        """A.5.3."""
        if value >> k < limit - self.qbpp - 1:
            self.bits.put(1, (value >> k) + 1)
            self.bits.put(value & (1 << k) - 1, k)
        else:
            self.bits.put(1, limit - self.qbpp)
            self.bits.put(value - 1, self.qbpp)

    def quantize(self, d: int) -> int:
        """A.3.3."""
        size = abs(d)
        q = (size > self.near) + sum(size >= t for t in self.t)
        return q if d > 0 else -q

    def reduced(self, error: int) -> int:
        """A.4.4, A.4.5: quantized, and modulo RANGE."""
        if self.near:
            sign = 1 if error > 0 else -1
            error = sign * ((abs(error) + self.near) // (2 * self.near + 1))
        if error < 0:
            error += self.range
        if error >= (self.range + 1) // 2:
            error -= self.range
        return error

    def restored(self, predicted: int, error: int) -> int:
        """The sample as decoders have it."""
        step = 2 * self.near + 1
        value = predicted + error * step
        if value < -self.near:
            value += self.range * step
        elif value > self.maxval + self.near:
            value -= self.range * step
        return min(max(value, 0), self.maxval)

    def regular(self, x: int, ra: int, rb: int, rc: int, gradients: list[int]) -> int:
        """A.4 to A.6 of the sample x, whose gradients are quantized; the sample as decoders have it."""
        q = 81 * gradients[0] + 9 * gradients[1] + gradients[2]
        sign = -1 if q < 0 else 1
        q = abs(q)
        if rc >= max(ra, rb):
            predicted = min(ra, rb)
        elif rc <= min(ra, rb):
            predicted = max(ra, rb)
        else:
            predicted = ra + rb - rc
        predicted = min(max(predicted + sign * self.C[q], 0), self.maxval)
        error = self.reduced(sign * (x - predicted))
        restored = self.restored(predicted, sign * error)
        k = 0
        while self.N[q] << k < self.A[q]:
            k += 1
        if self.near == 0 and k == 0 and 2 * self.B[q] <= -self.N[q]:
            mapped = 2 * error + 1 if error >= 0 else -2 * (error + 1)
        else:
            mapped = 2 * error if error >= 0 else -2 * error - 1
        self.golomb(mapped, k, self.limit)
        self.B[q] += error * (2 * self.near + 1)
        self.A[q] += abs(error)
        if self.N[q] == self.reset:
            self.A[q] //= 2
            self.B[q] = self.B[q] // 2 if self.B[q] >= 0 else -((1 - self.B[q]) // 2)
            self.N[q] //= 2
        self.N[q] += 1
        if self.B[q] <= -self.N[q]:
            self.B[q] += self.N[q]
            self.C[q] = max(self.C[q] - 1, -128)
            self.B[q] = max(self.B[q], 1 - self.N[q])
        elif self.B[q] > 0:
            self.B[q] -= self.N[q]
            self.C[q] = min(self.C[q] + 1, 127)
            self.B[q] = min(self.B[q], 0)
        return restored

    def run(self, length: int, component: int, *, ends_line: bool) -> None:
        """A.7.1.2."""
        while length >= 1 << J[self.run_index[component]]:
            self.bits.put(1, 1)
            length -= 1 << J[self.run_index[component]]
            self.run_index[component] = min(self.run_index[component] + 1, 31)
        if not ends_line:
            self.bits.put(length, 1 + J[self.run_index[component]])
        elif length:
            self.bits.put(1, 1)

    def interruption(self, x: int, ra: int, rb: int, component: int, *, kind: int) -> int:
        """A.7.2; ``kind`` is RItype."""
        predicted = ra if kind else rb
        sign = -1 if kind == 0 and ra > rb else 1
        error = self.reduced(sign * (x - predicted))
        restored = self.restored(predicted, sign * error)
        q = 365 + kind
        temp = self.A[q] + self.N[q] // 2 if kind else self.A[q]
        k = 0
        while self.N[q] << k < temp:
            k += 1
        if k == 0 and error > 0:
            flag = 2 * self.Nn[q] < self.N[q]
        else:
            flag = error < 0 and (k != 0 or 2 * self.Nn[q] >= self.N[q])
        mapped = 2 * abs(error) - kind - flag
        self.golomb(mapped, k, self.limit - J[self.run_index[component]] - 1)
        self.Nn[q] += error < 0
        self.A[q] += (mapped + 1 - kind) // 2
        if self.N[q] == self.reset:
            self.A[q] //= 2
            self.N[q] //= 2
            self.Nn[q] //= 2
        self.N[q] += 1
        return restored

    def line(self, samples: list[list[int]], first: int) -> list[list[int]]:
        """A line of one component, or of several by sample; ``first`` is the number of the first of them."""
        near, columns, count = self.near, self.columns, len(samples)
        above = self.above[first : first + count]
        lines = [[b[1]] + [0] * (columns + 1) for b in above]
        for b in above:
            b[columns + 1] = b[columns]
        x = 1
        while x <= columns:
            around = [(r[x - 1], b[x], b[x - 1], b[x + 1]) for r, b in zip(lines, above, strict=True)]
            gradients = [
                [self.quantize(d - b), self.quantize(b - c), self.quantize(c - a)] for a, b, c, d in around
            ]
            if any(map(any, gradients)):
                for each, (ra, rb, rc, _) in enumerate(around):
                    lines[each][x] = self.regular(samples[each][x - 1], ra, rb, rc, gradients[each])
                x += 1
                continue
            start = x
            while x <= columns and all(abs(samples[c][x - 1] - around[c][0]) <= near for c in range(count)):
                for each in range(count):
                    lines[each][x] = around[each][0]
                x += 1
            self.run(x - start, first, ends_line=x > columns)
            if x > columns:
                break
            for each in range(count):
                ra, rb = around[each][0], above[each][x]
                kind = int(count == 1 and abs(ra - rb) <= near)
                lines[each][x] = self.interruption(samples[each][x - 1], ra, rb, first, kind=kind)
            self.run_index[first] = max(self.run_index[first] - 1, 0)
            x += 1
        self.above[first : first + count] = lines
        return [line[1:-1] for line in lines]


def _segment(code: int, body: bytes) -> bytes:
    return bytes([0xFF, code]) + (len(body) + 2).to_bytes(2, "big") + body


def _scan(
    array: Array, near: int, interleave: int, maxval: int, presets: Presets, restart: int
) -> tuple[bytes, Array]:
    """The coded data of a scan, with restart markers, and its samples as decoders have them."""
    rows, columns, count = array.shape
    restored = np.empty_like(array)
    coded = b""
    for number, top in enumerate(range(0, rows, restart or rows)):
        interval = _Interval(count, columns, near, maxval, presets)
        for y in range(top, min(top + (restart or rows), rows)):
            planes = array[y].T.tolist()
            if interleave == 2:
                restored[y] = np.array(interval.line(planes, 0)).T
            else:
                for each, plane in enumerate(planes):
                    restored[y, :, each] = interval.line([plane], each)[0]
        marker = bytes([0xFF, 0xD0 + (number - 1) % 8]) if number else b""
        coded += marker + interval.bits.end()
    return coded, restored


def encode(
    array: Array,
    bits: int,
    *,
    near: int = 0,
    interleave: int = 0,
    presets: Presets | None = None,
    restart: int = 0,
    order: tuple[int, ...] | None = None,
) -> tuple[bytes, Array]:
    """A stream of (rows, columns, components) samples, and the samples that decoders are to have.

    ``restart`` is in lines; ``order`` that of the scans where ``interleave`` is 0.
    """
    rows, columns, count = array.shape
    maxval = presets.maxval if presets and presets.maxval else (1 << bits) - 1
    size = rows.to_bytes(2, "big") + columns.to_bytes(2, "big")
    identifiers = b"".join(bytes([number + 1, 0x11, 0]) for number in range(count))
    stream = b"\xff\xd8" + _segment(0xF7, bytes([bits]) + size + bytes([count]) + identifiers)
    if presets is not None:
        stream += _segment(0xF8, b"\x01" + b"".join(value.to_bytes(2, "big") for value in presets))
    if restart:
        stream += _segment(0xDD, restart.to_bytes(2, "big"))
    restored = np.empty_like(array)
    order = order or tuple(range(count))
    scans: list[tuple[int, ...]] = [order] if interleave else [(number,) for number in order]
    parameters = presets or Presets()
    for components in scans:
        part = np.ascontiguousarray(array[..., components])
        coded, restored[..., components] = _scan(part, near, interleave, maxval, parameters, restart)
        selected = b"".join(bytes([number + 1, 0]) for number in components)
        stream += _segment(0xDA, bytes([len(components)]) + selected + bytes([near, interleave, 0])) + coded
    return stream + b"\xff\xd9", restored
