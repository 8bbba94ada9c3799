"""Our own decoder of JPEG in several scans, given what is cut or damaged, and arrays that do not fit."""

from __future__ import annotations

import random
from typing import Any

import numpy as np
import pytest

from fastdcm.codecs.decoders import jpeg as chooser
from fastdcm.codecs.jpeg_scans import decode as module
from fastdcm.codecs.jpeg_scans.headers import refusal
from fastdcm.codestream import jpeg, jpeg_entropy
from fastdcm.errors import CodestreamError, UnsupportedError
from fastdcm.kernels import jpeg_pixels as pixels
from fastdcm.kernels import kept_pixels
from fastdcm.kernels import several_scans as scans
from fastdcm.kernels.jpeg_pixels import WHOLE, WRONG
from tests.checked import printed_with_checks
from tests.payoffs import Fixed
from tests.unit.codecs.decoding import decoded as by_frame
from tests.unit.codecs.decoding import header_of
from tests.unit.codecs.sequential import encoded, library
from tests.unit.codecs.several import PROGRESSIVE, any_stream, colour, damaged_scan, decoded, gray, planes
from tests.unit.codecs.test_codecs_jpeg_lossless import content


@pytest.fixture(autouse=True)
def compiled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chooser, "_SEVERAL", Fixed(True))
    monkeypatch.setattr(chooser, "_DEEP", Fixed(True))
    monkeypatch.setattr(jpeg_entropy, "_PAYOFF", Fixed(True))


@pytest.mark.parametrize("made", [gray, colour, planes])
def test_every_cut_is_an_error(made: Any) -> None:
    """In any scan, with what follows behind it, an end marker, or nothing."""
    stream = made()
    parsed = jpeg.parse(stream)
    shape = (40, 56) if len(parsed.components) == 1 else (40, 56, 3)
    header = header_of(
        np.zeros(shape, np.uint8), PROGRESSIVE if parsed.process == "progressive" else "baseline"
    )
    for scan in parsed.scans:
        for place in range(scan.start, scan.end, 1 + (scan.end - scan.start) // 60):
            for cut in (stream[:place], stream[:place] + b"\xff\xd9", stream[:place] + stream[scan.end :]):
                with pytest.raises(CodestreamError):
                    by_frame(cut, header, decoder="own")


def test_a_restart_marker_out_of_order_is_no_whole_scan() -> None:
    stream = encoded(content("smooth", (40, 56), 8), 90, progressive=True, restart_marker_blocks=7)
    assert decoded(stream) is not None
    parsed = jpeg.parse(stream)
    for scan in parsed.scans:
        marker = stream.index(b"\xff\xd1", scan.start, scan.end)
        for other in (b"\xff\xd2", b"\xff\xd0"):
            changed = stream[:marker] + other + stream[marker + 2 :]
            assert module.decode(changed, parsed, converted=False) is None


def test_bytes_left_over() -> None:
    """Fewer than eight are as the walk takes them; more are damage."""
    header = header_of(np.zeros((40, 56), np.uint8), PROGRESSIVE)
    scan = jpeg.parse(gray()).scans[1]
    for spare in range(12):
        stream = gray()[: scan.end] + bytes(spare) + gray()[scan.end :]
        if decoded(stream) is None:
            assert spare >= 7
            if spare >= 8:
                with pytest.raises(CodestreamError, match="left over"):
                    by_frame(stream, header)
        else:
            assert spare < 8
            np.testing.assert_array_equal(decoded(stream), library(gray()))


def test_damaged_streams_are_the_librarys_or_errors() -> None:
    outcomes = set()
    for number in range(500):
        kind, stream = damaged_scan(any_stream(number), random.Random(f"damaged {number}"))
        try:
            parsed = jpeg.parse(stream)
            reason = refusal(parsed)
            found = None if reason else module.decode(stream, parsed, converted=len(parsed.components) == 3)
        except (CodestreamError, UnsupportedError):
            outcomes.add("headers")
            continue
        try:
            jpeg_entropy.coverage(stream, parsed)
        except CodestreamError:
            assert found is None, (number, kind)
            outcomes.add("error")
            continue
        if found is not None:
            outcomes.add("decoded")
            np.testing.assert_array_equal(found, library(stream), err_msg=f"{number} {kind}")
    assert {"error", "decoded"} <= outcomes


# Kernels


def arguments() -> tuple[list[Any], list[Any]]:
    """Those of `decode_scans` and of `write_pixels` for a colour stream of 4:2:0."""
    stream = colour()
    parsed = jpeg.parse(stream)
    layout = module._layout(40, 56, parsed.components, True)
    numbers, definitions = module._numbers_of(parsed)
    room = module._Room()
    most = max(scan.end - scan.start for scan in parsed.scans)
    kept = room.kept(layout)
    first = [np.frombuffer(stream, np.uint8), layout.image, numbers, definitions, module._PLACES]
    first += [room.coded(most)[: most + 64 + 280], room.tables, room.state, *kept]
    steps = module.steps_of(stream, parsed)
    second = [layout.image, steps, kept[0], room.rows, room.halves]
    second += [*room.strips(int(layout.image[pixels.ACROSS])), np.empty(40 * 56 * 3, np.uint8)]
    return first, second


def test_arguments_that_do_not_fit_are_refused() -> None:
    first, second = arguments()
    assert scans.decode_scans(*first) == WHOLE
    assert kept_pixels.write_pixels(*second) == WHOLE
    for place in range(1, 10):
        shorter = first[place][:-1]
        assert scans.decode_scans(*first[:place], shorter, *first[place + 1 :]) == WRONG, place
    for place in range(13):
        shorter = second[place][:-1]
        assert kept_pixels.write_pixels(*second[:place], shorter, *second[place + 1 :]) == WRONG, place
    for number, value in [
        (pixels.ACROSS, 0), (pixels.ACROSS, 5), (pixels.ACROSS, 1 << 40), (pixels.DOWN, 0), (pixels.DOWN, 5),
        (pixels.COLUMNS, 0), (pixels.COLUMNS, 65), (pixels.ROWS, 49), (pixels.COMPONENTS, 2),
        (pixels.HORIZONTAL, 3), (pixels.VERTICAL, 3), (pixels.VERTICAL, 0),
    ]:  # fmt: skip
        image = first[1].copy()
        image[number] = value
        assert scans.decode_scans(first[0], image, *first[2:]) == WRONG, (number, value)
        assert kept_pixels.write_pixels(image, *second[1:]) == WRONG, (number, value)
    band = next(at for at in range(0, len(first[2]), scans.SCAN) if first[2][at + 3] >= 3)
    for at, number, value in [
        (0, scans.START, int(first[2][1]) + 1), (0, scans.END, len(first[0]) + 1), (0, scans.INTERVAL, 0),
        (0, scans.KIND, 5), (0, scans.PARTS, 0), (0, scans.PARTS, 4), (0, scans.LOW, 14),
        (0, scans.PART, 3), (0, scans.PART + 1, 1 << 40), (0, scans.PART + 2, len(first[3]) // 272),
        (band, scans.FIRST, 0), (band, scans.LAST, 64), (band, scans.LAST, 0), (band, scans.PARTS, 2),
    ]:  # fmt: skip
        numbers = first[2].copy()
        numbers[at + int(number)] = value
        assert scans.decode_scans(*first[:2], numbers, *first[3:]) == WRONG, (at, number, value)
    places = first[4].copy()
    places[63] = 1 << 20
    assert scans.decode_scans(*first[:4], places, *first[5:]) == WRONG


CHECKED = """
import random
from fastdcm.codecs.jpeg_scans import decode as module
from fastdcm.codecs.jpeg_scans.headers import refusal
from fastdcm.codestream import jpeg
from fastdcm.errors import CodestreamError, UnsupportedError
from tests.unit.codecs.several import any_stream, damaged_scan

outcomes = set()
for number in range(400):
    chance = random.Random(number)
    stream = any_stream(number)
    if chance.random() < 0.7:
        stream = damaged_scan(stream, chance)[1]
    try:
        parsed = jpeg.parse(stream)
        if refusal(parsed):
            continue
        found = module.decode(stream, parsed, converted=len(parsed.components) == 3 and number % 3 > 0)
        outcomes.add("unsure" if found is None else "whole")
    except (CodestreamError, UnsupportedError):
        outcomes.add("headers")
print(*sorted(outcomes))
"""


def test_nothing_is_read_or_written_outside() -> None:
    """Streams of any kind, cut and damaged ones, with numba's checks of bounds."""
    assert {"whole", "unsure"} <= set(printed_with_checks(CHECKED).split())
