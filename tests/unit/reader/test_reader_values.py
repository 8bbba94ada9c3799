"""Values of elements as numbers and text (PS3.5 6.2)."""

from __future__ import annotations

import math
import struct
from typing import Any

import pytest

from fastdcm.errors import DicomError, TruncatedError
from fastdcm.reader.elements import Encoding
from fastdcm.reader.values import Values, swap_words

LITTLE, BIG, IMPLICIT = Encoding(True, True), Encoding(True, False), Encoding(False, True)
TAG = 0x00281050


def values(raw: bytes, vr: bytes = b"", encoding: Encoding = LITTLE) -> Values:
    return Values(encoding, {TAG: (vr, 2, len(raw))}, b"##" + raw)


@pytest.mark.parametrize(
    ("raw", "texts"),
    [
        (b"ABC", ["ABC"]),
        (b" ABC \0", ["ABC"]),
        (b"A \\ B\\\\C ", ["A", "B", "", "C"]),
        (b"", []),
        (b"  ", []),
        (b"\xe4", ["ä"]),
    ],
)
def test_texts(raw: bytes, texts: list[str]) -> None:
    assert list(values(raw).texts(TAG)) == texts


def test_absent() -> None:
    empty = Values(LITTLE, {}, b"")
    assert (empty.raw(TAG), empty.text(TAG), empty.text(TAG, "x")) == (None, "", "x")
    assert (empty.texts(TAG), empty.numbers(TAG), empty.decimals(TAG)) == ((), [], ())
    assert empty.number(TAG, "Rows", 7) == 7
    assert TAG not in empty
    with pytest.raises(DicomError, match=r"Rows \(0028,1050\) is missing"):
        empty.number(TAG, "Rows")


@pytest.mark.parametrize(
    ("raw", "numbers"),
    [
        (b"1", [1.0]),
        (b"-1.5e3\\+2 ", [-1500.0, 2.0]),
        (b" 3 \\ 4", [3.0, 4.0]),
        (b"1,5", [math.nan]),
        (b"\\1", [math.nan, 1.0]),
        (b"1_000", [math.nan]),
        (b"0x10", [math.nan]),
        (b"1e400", [math.inf]),
        (b"nan", [math.nan]),
    ],
)
def test_decimal_strings(raw: bytes, numbers: list[float]) -> None:
    found = values(raw, b"DS").decimals(TAG)
    assert found == pytest.approx(numbers, nan_ok=True)


@pytest.mark.parametrize("encoding", [LITTLE, BIG])
@pytest.mark.parametrize(("vr", "kind"), [(b"FD", "d"), (b"FL", "f")])
def test_binary_floats(encoding: Encoding, vr: bytes, kind: str) -> None:
    raw = struct.pack(encoding.order + 2 * kind, 0.5, -2.25)
    assert values(raw, vr, encoding).decimals(TAG) == [0.5, -2.25]


@pytest.mark.parametrize(("vr", "size"), [(b"FD", 8), (b"FL", 4)])
@pytest.mark.parametrize("off_by", [-1, 1])
def test_binary_floats_of_wrong_length(vr: bytes, size: int, off_by: int) -> None:
    with pytest.raises(DicomError, match=f"{8 * size}-bit floats"):
        values(bytes(size + off_by), vr).decimals(TAG)


@pytest.mark.parametrize(
    ("encoding", "vr", "signed", "expected"),
    [
        (LITTLE, b"US", False, [65535, 1]),
        (LITTLE, b"US", True, [65535, 1]),
        (LITTLE, b"SS", False, [-1, 1]),
        (BIG, b"US", False, [65535, 256]),
        (IMPLICIT, b"", False, [65535, 1]),
        (IMPLICIT, b"", True, [-1, 1]),
        (LITTLE, b"OW", True, [-1, 1]),
    ],
)
def test_numbers(encoding: Encoding, vr: bytes, signed: bool, expected: list[int]) -> None:
    assert values(b"\xff\xff\x01\x00", vr, encoding).numbers(TAG, signed=signed) == expected


@pytest.mark.parametrize("raw", [b"\1", b"\1\2\3"])
def test_odd_numbers(raw: bytes) -> None:
    with pytest.raises(DicomError, match="bytes"):
        values(raw, b"US").numbers(TAG)


@pytest.mark.parametrize("raw", [b"\1", b"\1\2\3\4"])
def test_not_one_number(raw: bytes) -> None:
    with pytest.raises(DicomError, match="one 16-bit value"):
        values(raw, b"US").number(TAG, "Rows")


def test_cut_value() -> None:
    cut = Values(LITTLE, {TAG: (b"DS", 2, 10)}, b"##40")
    calls: list[Any] = [cut.text, cut.decimals, cut.numbers]
    for call in calls:
        with pytest.raises(TruncatedError, match=r"\(0028,1050\) is cut"):
            call(TAG)


@pytest.mark.parametrize(
    ("raw", "swapped"),
    [(b"", b""), (b"a", b"a"), (b"ab", b"ba"), (b"abcde", b"badce"), (b"abcd", b"badc")],
)
def test_swap_words(raw: bytes, swapped: bytes) -> None:
    assert swap_words(raw) == swapped
    assert swap_words(memoryview(raw)) == swapped  # type: ignore[arg-type]
