"""Overlays 60xx (PS3.3 C.9.2, C.9.3): planes of bits, separate and embedded."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pydicom
import pytest
from numpy.typing import NDArray

import fastdcm
from tests.builders import BIG_ENDIAN, EXPLICIT, IMPLICIT, SYNTAXES, Element, encapsulated, image, words

ROWS, COLUMNS = 5, 7
Bits = NDArray[np.bool_]


def _bits(rows: int = ROWS, columns: int = COLUMNS, *, seed: int = 1) -> Bits:
    found: Bits = np.random.default_rng(seed).random((rows, columns)) < 0.5
    return found


def overlay(
    planes: Bits,
    *,
    group: int = 0x6000,
    origin: tuple[int, int] | None = (1, 1),
    frames: str | None = None,
    first: int | None = None,
    vr: str = "OW",
    syntax: str = EXPLICIT,
    origin_vr: str = "SS",
) -> list[Element]:
    """Elements of an overlay whose frames are ``planes``, (rows, columns) or (frames, rows, columns)."""
    rows, columns = planes.shape[-2:]
    packed = np.packbits(planes.reshape(-1), bitorder="little").tobytes()
    packed += b"\0" * (len(packed) % 2)
    if vr == "OW" and syntax == BIG_ENDIAN:
        packed = np.frombuffer(packed, "<u2").byteswap().tobytes()
    base = group << 16
    found = [Element(base | 0x10, "US", rows), Element(base | 0x11, "US", columns)]
    if frames is not None:
        found.append(Element(base | 0x15, "IS", frames))
    found.append(Element(base | 0x40, "CS", "G"))
    if origin is not None:
        pair = [part % 65536 for part in origin] if origin_vr == "US" else list(origin)
        found.append(Element(base | 0x50, origin_vr, pair))
    if first is not None:
        found.append(Element(base | 0x51, "US", first))
    allocation = [Element(base | 0x100, "US", 1), Element(base | 0x102, "US", 0)]
    return [*found, *allocation, Element(base | 0x3000, vr, packed)]


def embedded(position: int, *, allocated: int = 16, group: int = 0x6000) -> list[Element]:
    """Elements of an overlay in a bit of Pixel Data."""
    base = group << 16
    return [
        Element(base | 0x10, "US", ROWS),
        Element(base | 0x11, "US", COLUMNS),
        Element(base | 0x50, "SS", (1, 1)),
        Element(base | 0x100, "US", allocated),
        Element(base | 0x102, "US", position),
    ]


def shown(data: bytes, index: int = 0, **options: Any) -> Bits:
    """Where the overlays of a black image are."""
    with fastdcm.open(data) as found:
        pixels = found.render(index, **{"overlays": True, **options})
        assert not found.render(index).any()  # they are burned in on request only
        assert not found.notices
    covered: Bits = pixels == 255
    assert ((pixels == 0) | covered).all()
    return covered


def _black(extra: list[Element], syntax: str = EXPLICIT, **changes: Any) -> bytes:
    return image(syntax=syntax, rows=ROWS, columns=COLUMNS, extra=extra, **changes)


# The default syntax has no OB (PS3.5 8.1.2).
@pytest.mark.parametrize(
    ("syntax", "vr"),
    [(syntax, vr) for syntax in SYNTAXES for vr in ("OB", "OW") if (syntax, vr) != (IMPLICIT, "OB")],
)
def test_separate(syntax: str, vr: str) -> None:
    plane = _bits()
    data = _black(overlay(plane, vr=vr, syntax=syntax), syntax)
    assert np.array_equal(shown(data), plane)


@pytest.mark.parametrize("syntax", [EXPLICIT, BIG_ENDIAN])
def test_frames_follow_each_other_without_padding(syntax: str) -> None:
    # 35 bits a frame: only the first starts with a word.
    planes = np.stack([_bits(seed=seed) for seed in range(4)])
    data = _black(overlay(planes, frames="4", syntax=syntax), syntax, frames=4)
    for index in range(4):
        assert np.array_equal(shown(data, index), planes[index])
    if syntax == EXPLICIT:
        theirs = pydicom.dcmread(pydicom.filebase.DicomBytesIO(data)).overlay_array(0x6000)
        assert np.array_equal(theirs != 0, planes)


def test_frames_start_at_the_image_frame_origin() -> None:
    planes = np.stack([_bits(seed=seed) for seed in range(2)])
    data = _black(overlay(planes, frames="2", first=2), frames=4)
    assert not shown(data, 0).any()
    assert np.array_equal(shown(data, 1), planes[0])
    assert np.array_equal(shown(data, 2), planes[1])
    assert not shown(data, 3).any()


def test_one_of_the_overlay_plane_module_belongs_to_all_frames() -> None:
    # Without Number of Frames in Overlay; with it, 1 frame is one frame's (C.9.3.1.1).
    data = _black(overlay(_bits()), frames=2)
    assert np.array_equal(shown(data, 1), _bits())
    alone = _black(overlay(_bits(), frames="1"), frames=2)
    assert np.array_equal(shown(alone, 0), _bits())
    assert not shown(alone, 1).any()


@pytest.mark.parametrize("vr", ["SS", "US"])
@pytest.mark.parametrize("origin", [(1, 1), (2, 3), (0, 1), (-1, -3), (4, 6), (-4, 1), (6, 1), (30000, 1)])
def test_the_origin_counts_from_one_and_the_image_clips(origin: tuple[int, int], vr: str) -> None:
    plane = _bits()
    expected = np.zeros((ROWS, COLUMNS), bool)
    for row, column in np.argwhere(plane):
        y, x = row + origin[0] - 1, column + origin[1] - 1
        if 0 <= y < ROWS and 0 <= x < COLUMNS:
            expected[y, x] = True
    assert np.array_equal(shown(_black(overlay(plane, origin=origin, origin_vr=vr))), expected)


def test_larger_and_smaller_than_the_image() -> None:
    large, small = _bits(9, 11), _bits(2, 3)
    assert np.array_equal(shown(_black(overlay(large, origin=(-1, 0)))), large[2:7, 1:8])
    found = shown(_black(overlay(small, origin=(3, 4))))
    assert np.array_equal(found[2:4, 3:6], small)
    assert found.sum() == small.sum()


def test_groups() -> None:
    planes = {group: _bits(seed=group) for group in (0x6000, 0x6002, 0x601E)}
    extra = [element for group, plane in planes.items() for element in overlay(plane, group=group)]
    data = _black(extra)
    assert np.array_equal(shown(data), np.any(list(planes.values()), axis=0))
    assert np.array_equal(shown(data, overlays=False, overlay_groups="6002"), planes[0x6002])
    both = shown(data, overlay_groups=[0x6000, "601e"])
    assert np.array_equal(both, planes[0x6000] | planes[0x601E])
    assert not shown(data, overlay_groups="6004").any()


@pytest.mark.parametrize("representation", [0, 1])
@pytest.mark.parametrize(
    ("stored", "high_bit", "position"), [(12, 11, 12), (12, 11, 15), (12, 15, 0), (8, 11, 3), (8, 11, 12)]
)
@pytest.mark.parametrize("syntax", [EXPLICIT, BIG_ENDIAN])
def test_embedded(stored: int, high_bit: int, position: int, representation: int, syntax: str) -> None:
    plane, low = _bits(), high_bit + 1 - stored
    # Samples of the least value are black; a word holds them and the bit.
    least = 1 << (stored - 1) if representation else 0
    pixels = (plane.astype(np.uint16) << position | least << low).astype("<u2")
    data = _black(
        embedded(position),
        syntax,
        pixels=(pixels.byteswap() if syntax == BIG_ENDIAN else pixels).tobytes(),
        bits=16,
        stored=stored,
        high_bit=high_bit,
        representation=representation,
        center=0.5 if representation else 1 << (stored - 1),
        width=1 << stored,
    )
    assert np.array_equal(shown(data), plane)


def test_embedded_in_each_frame() -> None:
    planes = np.stack([_bits(seed=seed) for seed in range(3)])
    pixels = (planes.astype("<u2") << 15).tobytes()
    data = _black(
        embedded(15), pixels=pixels, bits=16, stored=12, high_bit=11, frames=3, center=2048, width=4096
    )
    for index in range(3):
        assert np.array_equal(shown(data, index), planes[index])


def test_embedded_in_rle() -> None:
    plane = _bits()
    pixels = (plane.astype("<u2") << 14).tobytes()
    # PS3.5 annex G: a segment a byte, the high ones first, each a literal run here.
    segments = []
    for offset in (1, 0):
        part = pixels[offset::2]
        run = bytes([len(part) - 1]) + part
        segments.append(run + b"\0" * (len(run) % 2))
    starts = [64, 64 + len(segments[0])]
    header = b"".join(number.to_bytes(4, "little") for number in [2, *starts]).ljust(64, b"\0")
    data = _black(
        embedded(14),
        "1.2.840.10008.1.2.5",
        pixels=encapsulated([header + b"".join(segments)]),
        bits=16,
        stored=12,
        high_bit=11,
        center=2048,
        width=4096,
    )
    assert np.array_equal(shown(data), plane)


def test_without_data_there_is_no_overlay() -> None:
    assert not shown(_black(embedded(0, allocated=1))).any()


@pytest.mark.parametrize(
    ("elements", "words_of_it"),
    [
        ([*overlay(_bits())[:-1], Element(0x60003000, "OW", b"\1\2")], "has 2 bytes, and 5 are needed"),
        (overlay(_bits(), frames="0"), "Number of Frames in Overlay is '0'"),
        (overlay(_bits(), frames="x"), "Number of Frames in Overlay is 'x'"),
        ([Element(0x60000010, "US", 5), *overlay(_bits())[2:]], "Overlay Columns .6000,0011. is missing"),
        ([Element(0x60000010, "US", 0), *overlay(_bits())[1:]], "Overlay Rows x Overlay Columns is 0 x 7"),
        (embedded(3), "Overlay Bit Position is 3, a bit of the samples"),
    ],
)
def test_what_cannot_be_read_is_left_out_with_a_notice(elements: list[Element], words_of_it: str) -> None:
    data = _black([*elements, *overlay(_bits(seed=3), group=0x6002)], bits=16, stored=12, high_bit=11)
    with fastdcm.open(data) as found:
        pixels = found.render(overlays=True, window=(2048, 4096))
        assert np.array_equal(pixels == 255, _bits(seed=3))
        (notice,) = found.notices
        assert notice.code == "overlay"
        assert notice.message.startswith("overlay 6000 was left out: ")
        assert re.search(words_of_it, notice.message)


def test_no_origin_is_the_first_pixel() -> None:
    with fastdcm.open(_black(overlay(_bits(), origin=None))) as found:
        assert np.array_equal(found.render(overlays=True) == 255, _bits())
        assert [notice.code for notice in found.notices] == ["overlay-origin"]


def test_colors() -> None:
    plane = _bits()
    gray = words(range(35))
    data = image(gray, rows=ROWS, columns=COLUMNS, bits=16, stored=8, high_bit=7, extra=overlay(plane))
    with fastdcm.open(data) as found:
        before = found.render(voi="none")
        half = found.render(voi="none", overlays=True, overlay_color=(128, 128, 128))
        assert half.ndim == 2
        assert np.array_equal(half, np.where(plane, 128, before))
        red = found.render(voi="none", overlays=True, overlay_color="#ff8000")
        assert np.array_equal(red, np.where(plane[..., None], (255, 128, 0), before[..., None]))
        fine = found.render(voi="none", overlays=True, bits=16)
        assert fine.dtype == np.uint16
        assert (fine[plane] == 65535).all()


def test_on_color_images() -> None:
    data = image(bytes(3 * 35), rows=ROWS, columns=COLUMNS, samples=3, extra=overlay(_bits()))
    with fastdcm.open(data) as found:
        pixels = found.render(overlays=True)
    assert np.array_equal(pixels[..., 0] == 255, _bits())
    assert (pixels == pixels[..., :1]).all()


def test_a_large_file_is_read_in_parts(tmp_path: Any) -> None:
    # Above 4 MiB nothing is read at once; the plane has more than a megabyte, which no other value may.
    rows, columns = 3000, 3200
    plane = _bits(rows, columns)
    path = tmp_path / "large.dcm"
    path.write_bytes(image(rows=rows, columns=columns, extra=overlay(plane)))
    with fastdcm.open(path) as found:
        assert np.array_equal(found.render(overlays=True) == 255, plane)


def test_baseline_jpeg_is_not_copied_past_its_overlay() -> None:
    import imagecodecs

    coded = imagecodecs.jpeg8_encode(np.zeros((ROWS, COLUMNS), np.uint8), level=95)
    data = _black(overlay(_bits()), "1.2.840.10008.1.2.4.50", pixels=encapsulated([coded]))
    with fastdcm.open(data) as found:
        assert imagecodecs.jpeg8_decode(found.encode(overlays=True)).max() > 128
        assert imagecodecs.jpeg8_decode(found.encode()).max() < 8
