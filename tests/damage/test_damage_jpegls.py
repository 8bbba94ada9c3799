"""CharLS is never given what it may not return from, or what makes it write past its output."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import imagecodecs
import numpy as np
import pytest

from fastdcm.errors import CodestreamError, UnsupportedError
from tests.conftest import ROOT
from tests.unit.codecs.decoding import decoded, header_of
from tests.unit.codestream import streams

EOI = b"\xff\xd9"
#: Decodes damaged streams, with end markers and without; says how many were read and how many refused.
_CHILD = """
import random
from tests.damage.outcomes import outcome
from tests.damage.subjects import subjects

chance, counts = random.Random(7), {}
for number in range(1500):
    subject = chance.choice(subjects()["JPEG-LS"])
    stream = bytearray(subject.stream)
    first = chance.randrange(len(stream) // 10, len(stream) - 2)
    if number % 3 == 0:
        del stream[first:]
    elif number % 3 == 1:
        stream[first : len(stream) - 2] = bytes(chance.randrange(0, 300))
    else:
        for _ in range(chance.randint(1, 4)):
            stream[chance.randrange(len(stream) // 10, len(stream) - 2)] = chance.randrange(256)
    found = outcome(subject, [bytes(stream), chance.choice([b"", subject.end])])
    counts[found] = counts.get(found, 0) + 1
print(counts["error"], sum(counts.values()))
"""


def test_damaged_streams_end() -> None:
    """In a process that can be ended: a loop of CharLS holds on to its thread."""
    done = subprocess.run(
        [sys.executable, "-c", _CHILD], cwd=ROOT, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    errors, total = map(int, done.stdout.split())
    assert total == 1500
    assert errors > 1000


@pytest.mark.parametrize("behind", [b"", b"\0", b"\xff", b"\xff\xd9", b"\xff\xd8" + bytes(40)])
def test_the_data_ends_with_the_end_marker(behind: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    array = streams.image(19, 23)
    stream = bytes(imagecodecs.jpegls_encode(array))
    given: list[bytes] = []
    real = imagecodecs.jpegls_decode

    def decode(data: bytes, *arguments: Any, **options: Any) -> Any:
        given.append(data)
        return real(data, *arguments, **options)

    monkeypatch.setattr(imagecodecs, "jpegls_decode", decode)
    found, _ = decoded(stream + behind, header_of(array, "jpeg-ls"), decoder="library")
    assert np.array_equal(found.array, array)
    assert given[-1] == stream
    assert all(data.endswith(EOI) for data in given)


def scans(stream: bytes) -> list[int]:
    """Where the SOS markers of a stream of `streams.by_plane` are."""
    found, at = [], stream.find(b"\xff\xda")
    while at >= 0:
        found.append(at)
        at = stream.find(b"\xff\xda", at + 1)
    return found


@pytest.fixture
def no_library(monkeypatch: pytest.MonkeyPatch) -> None:
    def called(*arguments: object, **options: object) -> None:
        raise AssertionError("the library was called")

    monkeypatch.setattr(imagecodecs, "jpegls_decode", called)


@pytest.mark.usefixtures("no_library")
@pytest.mark.parametrize("scan", [0, 1, 2])
@pytest.mark.parametrize("interleave", [1, 2])
def test_interleave_mode_of_one_component(scan: int, interleave: int) -> None:
    """CharLS would write three samples where one belongs, behind the output in the last scan."""
    array = streams.image(19, 23, samples=3)
    stream = bytearray(streams.by_plane(array))
    stream[scans(bytes(stream))[scan] + 8] = interleave
    with pytest.raises(CodestreamError, match=f"1 components has interleave mode {interleave}"):
        decoded(bytes(stream), header_of(array, "jpeg-ls"))


@pytest.mark.usefixtures("no_library")
def test_several_components_without_interleaving() -> None:
    array = streams.image(19, 23, samples=3)
    stream = bytearray(imagecodecs.jpegls_encode(array))
    stream[scans(bytes(stream))[0] + 12] = 0
    with pytest.raises(CodestreamError, match="3 components has interleave mode 0"):
        decoded(bytes(stream), header_of(array, "jpeg-ls"))


@pytest.mark.usefixtures("no_library")
def test_scans_in_another_order() -> None:
    """CharLS fills the planes in the order of the scans, whatever components they name."""
    array = streams.image(19, 23, samples=3)
    stream = bytearray(streams.by_plane(array))
    first, second, _ = scans(bytes(stream))
    stream[first + 5], stream[second + 5] = 2, 1
    found, _ = decoded(bytes(stream), header_of(array, "jpeg-ls"))
    assert np.array_equal(found.array, array[..., [1, 0, 2]])
    with pytest.raises(UnsupportedError, match="in another order"):
        decoded(bytes(stream), header_of(array, "jpeg-ls"), decoder="library")
