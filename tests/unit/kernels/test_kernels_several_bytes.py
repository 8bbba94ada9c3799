"""Several bytes at once: what machine code does is what Python says, with vectors and without."""

from __future__ import annotations

import random
import re
from typing import Any

import numpy as np
import pytest

from fastdcm.kernels import inlined, machine_code, several_bytes
from fastdcm.kernels.coded_bytes import PADDING, unstuffed
from fastdcm.kernels.jit import Kernel, kernel
from fastdcm.kernels.several_bytes import BLOCK, copy_bytes, equal_bytes, four_bytes
from tests.checked import printed_with_checks

_DATA = "Array(uint8, 1, 'C', readonly=True)"


def walk(data, position, end, coded, answer):  # type: ignore[no-untyped-def]
    answer[0], answer[1] = unstuffed(data, position, end, coded)


def four(coded, place):  # type: ignore[no-untyped-def]
    return four_bytes(coded, place)


def equal(data, position, value):  # type: ignore[no-untyped-def]
    return equal_bytes(data, position, value)


def copy(data, position, kept, coded, place):  # type: ignore[no-untyped-def]
    copy_bytes(data, position, kept, coded, place)


@pytest.fixture(scope="module")
def walked() -> Kernel:
    return kernel(f"void({_DATA}, uint64, uint64, uint8[::1], uint64[::1])")(walk)


def expected(data: bytes, start: int, end: int) -> tuple[bytes, int]:
    """The bytes up to a marker, and the position of its last byte, by a regular expression."""
    found = re.match(rb"(?s)((?:[^\xff]|\xff+\x00)*)(\xff*)", data[start:end])
    assert found is not None
    return re.sub(rb"\xff+\x00", b"\xff", found[1]), start + found.end()


@pytest.mark.parametrize("filled", [0.01, 0.1, 0.5])
def test_intervals_come_without_stuffed_bytes(walked: Kernel, filled: float) -> None:
    chance = random.Random(filled)
    markers = 0
    for _ in range(600):
        parts: list[bytes] = []
        for _ in range(chance.randrange(300)):
            rare = [b"\xff\xff\x00", b"\xff\xd3"][: chance.randrange(3)]
            stuffed = chance.choice([b"\xff\x00"] * 20 + rare)
            parts.append(stuffed if chance.random() < filled else bytes([chance.randrange(255)]))
        data = b"".join(parts) + chance.choice([b"", b"\xff\xd9", b"\xff\xd9" + bytes(80), b"\xff"])
        start = chance.randrange(len(data) + 1)
        end = chance.randint(start, len(data))
        coded, answer = np.full(end - start + PADDING + 8, 7, np.uint8), np.zeros(2, np.uint64)
        walked(np.frombuffer(data, np.uint8), start, end, coded, answer)
        wanted, position = expected(data, start, end)
        count = len(wanted)
        assert (bytes(coded[:count]), int(answer[0])) == (wanted, count)
        assert int(answer[1]) == position
        assert not coded[count : count + PADDING].any()
        assert (coded[-8:] == 7).all()
        markers += position < end
    assert markers > 20


@pytest.mark.parametrize("vectors", [True, False])
def test_machine_code_does_what_python_says(vectors: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    if not vectors:
        monkeypatch.setattr(machine_code, "has", lambda _feature: False)
        made = inlined.made_by(several_bytes._copy)(copy_bytes.py_func)
        monkeypatch.setitem(globals(), "copy_bytes", made)
    compiled: list[Any] = [
        kernel("uint32(uint8[::1], uint32)")(four),
        kernel(f"uint64({_DATA}, uint64, uint8)")(equal),
        kernel(f"void({_DATA}, uint64, uint64, uint8[::1], uint64)")(copy),
    ]
    chance = np.random.default_rng(3)
    for number in range(50):
        data = chance.choice(np.array([0, 1, 127, 128, 254, 255], np.uint8), 200)
        place = int(chance.integers(0, 200 - BLOCK))
        kept = int(chance.integers(0, 1 << 64, dtype=np.uint64)) if number % 5 else (1 << BLOCK) - 1
        assert compiled[0](data, place) == int.from_bytes(data[place : place + 4].tobytes(), "big")
        for value in (0, 128, 255):
            found = compiled[1](data, place, value)
            assert found == sum(1 << bit for bit in range(BLOCK) if data[place + bit] == value)
        coded = np.full(200, 9, np.uint8)
        compiled[2](data, place, kept, coded, 5)
        bits = [bit for bit in range(BLOCK) if kept >> bit & 1]
        assert (coded[5 : 5 + len(bits)] == data[[place + bit for bit in bits]]).all()
        assert (coded[:5] == 9).all()
        assert (coded[5 + BLOCK :] == 9).all()


CHECKED = """
import numpy as np
from fastdcm.kernels.jit import kernel
from tests.unit.kernels.test_kernels_several_bytes import copy, equal, four

data = np.arange(70, dtype=np.uint8)
for name, function, signature, arguments in (
    ("four", four, "uint32(uint8[::1], uint32)", (data, 67)),
    ("equal", equal, "uint64(uint8[::1], uint64, uint8)", (data, 7, 1)),
    ("copy", copy, "void(uint8[::1], uint64, uint64, uint8[::1], uint64)", (data, 0, 0, data, 70)),
):
    try:
        kernel(signature)(function)(*arguments)
    except Exception as error:
        print(name, type(error).__name__)
"""


def test_indices_are_checked_where_others_are() -> None:
    found = printed_with_checks(CHECKED).split()
    assert found[::2] == ["four", "equal", "copy"]
    assert set(found[1::2]) <= {"IndexError", "RuntimeError"}
