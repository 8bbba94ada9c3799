"""The JPEG-LS kernels stay inside their arrays, whatever the bytes, and say what does not fit."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from fastdcm.kernels import jpegls as kernels
from fastdcm.kernels import jpegls_tables as tables
from tests.checked import printed_with_checks

#: Decodes random and damaged scans with the same source and numba's checks of bounds.
CHECKED = """
import random
from fastdcm.kernels import jpegls as kernels
from fastdcm.kernels.jpegls_tables import tables
from fastdcm.codestream import jpeg, jpegls
from tests.fuzz.jpegls import made

codes = set()

def run(data, starts, ends, interval, by_sample, coding, columns, components, first, stride, rows, wide):
    pixels = np.zeros(rows * columns * stride, (np.uint8, np.uint16)[wide])
    nothing = np.zeros(0, (np.uint16, np.uint8)[wide])
    code, whole, _ = kernels.decode_scan(
        data, starts, ends, interval, by_sample,
        *tables(coding.near, coding.maxval, (coding.t1, coding.t2, coding.t3), coding.reset),
        *kernels.work(int((ends - starts).max()), columns, components), columns, components, first, stride,
        *((nothing, pixels) if wide else (pixels, nothing)),
    )
    assert code != kernels.WRONG and 0 <= whole <= rows
    codes.add(code)

chance = random.Random(3)
for number in range(300):
    one = made(5, number)
    header = jpeg.parse(one.stream)
    coding = jpegls.codings(one.stream, header)[0]
    scan = header.scans[0]
    for damage in range(6):
        data = np.frombuffer(one.stream, np.uint8).copy()
        end = scan.end
        if damage == 1:
            end = chance.randint(scan.start, scan.end)
        elif damage == 2:
            data[chance.randrange(scan.start, len(data))] ^= 1 << chance.randrange(8)
        elif damage > 2:
            kinds = [range(256), [0xFF, 0x7F, 0x80, 0], [0], [0xFF]]
            data[scan.start :] = [chance.choice(kinds[damage - 3 + number % 2]) for _ in data[scan.start :]]
        parts = [(scan.start, end)]
        if damage == 0:
            parts = jpegls.intervals(one.stream, scan)
        starts, ends = np.ascontiguousarray(np.array(parts, np.int64).T)
        interval = scan.restart_interval or header.rows
        count = len(scan.components)
        run(data, starts, ends, interval, scan.spectral_end == 2, coding, header.columns, count, 0,
            len(header.components), header.rows, header.precision > 8)
print(sorted(codes))
"""


def test_nothing_is_read_or_written_outside() -> None:
    codes = printed_with_checks(CHECKED).strip()
    assert codes == str([kernels.WHOLE, kernels.CUT, kernels.DAMAGED, kernels.LEFT_OVER])


def possible() -> dict[str, Any]:
    """The arguments for two lines of three samples, flat."""
    coding, initial, quantized = tables.tables(0, 255, (3, 7, 21), 64)
    codes, contexts, gradients, lines = kernels.work(2, 3, 1)
    return {
        "data": np.array([0xFF, 0x7F], np.uint8), "starts": np.array([0]), "ends": np.array([2]),
        "interval": 2, "by_sample": False, "coding": coding, "initial": initial, "quantized": quantized,
        "codes": codes, "contexts": contexts, "gradients": gradients, "lines": lines, "columns": 3,
        "components": 1, "first": 0, "stride": 1, "narrow": np.zeros(6, np.uint8),
        "wide": np.zeros(0, np.uint16),
    }  # fmt: skip


def changed(array: Any, field: int, value: int) -> Any:
    array = array.copy()
    array[field] = value
    return array


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("starts", lambda old: np.array([-1])),
        ("starts", lambda old: np.array([3])),
        ("starts", lambda old: np.array([0, 1])),
        ("ends", lambda old: np.array([3])),
        ("interval", lambda old: 0),
        ("coding", lambda old: old[:-1].copy()),
        ("coding", lambda old: changed(old, tables.MAXVAL, 65536)),
        ("coding", lambda old: changed(old, tables.MAXVAL, 254)),
        ("coding", lambda old: changed(old, tables.NEAR, -1)),
        ("coding", lambda old: changed(old, tables.STEP, 3)),
        ("coding", lambda old: changed(old, tables.RANGE, 65537)),
        ("coding", lambda old: changed(old, tables.BITS, 17)),
        ("coding", lambda old: changed(old, tables.LIMIT, 65)),
        ("coding", lambda old: changed(old, tables.LIMIT, 20)),
        ("initial", lambda old: old[:-1].copy()),
        ("quantized", lambda old: old[:-1].copy()),
        ("codes", lambda old: old[:-1].copy()),
        ("contexts", lambda old: old[:-1].copy()),
        ("gradients", lambda old: old[:-1].copy()),
        ("lines", lambda old: old[:-1].copy()),
        ("columns", lambda old: 0),
        ("columns", lambda old: 4),
        ("components", lambda old: 0),
        ("components", lambda old: 2),
        ("first", lambda old: -1),
        ("first", lambda old: 1),
        ("stride", lambda old: 256),
        ("narrow", lambda old: old[:-1].copy()),
    ],
)
def test_arguments_that_do_not_fit(name: str, change: Any) -> None:
    arguments = possible()
    assert kernels.decode_scan(*arguments.values())[0] != kernels.WRONG
    arguments[name] = change(arguments[name])
    assert kernels.decode_scan(*arguments.values())[0] == kernels.WRONG
