"""Elements are found where they are, in every encoding, whatever surrounds them."""

from __future__ import annotations

import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pydicom
import pytest

from fastdcm.errors import DicomError, FastdcmError, TruncatedError
from fastdcm.reader import scan as scan_module
from fastdcm.reader import sequences as sequences_module
from fastdcm.reader import source as source_module
from fastdcm.reader.elements import DOUBLE_FLOAT_PIXEL_DATA, FLOAT_PIXEL_DATA, WANTED, Encoding
from fastdcm.reader.inflate import InflatedSource
from fastdcm.reader.plain import part_of, pass_plain
from fastdcm.reader.scan import DataSet, scan
from fastdcm.reader.source import MemorySource, open_source
from tests.builders import (
    BIG_ENDIAN,
    DEFLATED,
    EXPLICIT,
    IMPLICIT,
    ITEM_END,
    PIXEL_DATA,
    SEQUENCE_END,
    SYNTAXES,
    UNDEFINED,
    Element,
    delimiter,
    dicom,
    encode,
    encode_for,
    item_head,
    meta,
    module,
)
from tests.conftest import PYDICOM_FILES

NESTED = Element(0x00081140, "SQ", [[Element(0x00081150, "UI", "1.2.3")], []])
#: Rows with a value that stands nowhere else, by which a test sees that it was found.
ROWS = Element(0x00280010, "US", 0x1234)
PIXELS = Element(PIXEL_DATA, "OW", b"\x01\x02\x03\x04")


def found(data: bytes) -> DataSet:
    return scan(MemorySource(data))


def codes(data_set: DataSet) -> list[str]:
    return [notice.code for notice in data_set.notices]


def rows(data_set: DataSet) -> int:
    value = data_set.value(0x00280010)
    assert value is not None
    return int(struct.unpack(data_set.encoding.order + "H", value)[0])


def undefined_sequence(depth: int, *, explicit: bool = True) -> bytes:
    """Sequences in each other, ``depth`` of them, all of undefined length."""
    head = Element(0x00081140, "SQ", b"", length=UNDEFINED)
    start = encode([head], explicit=explicit) + item_head(UNDEFINED)
    return start * depth + (delimiter(ITEM_END) + delimiter(SEQUENCE_END)) * depth


def defined_sequence(depth: int) -> bytes:
    """The same of defined length."""
    heads, inside = [], 0
    for _ in range(depth):
        heads.append(encode([Element(0x00081140, "SQ", b"", length=inside + 8)]) + item_head(inside))
        inside += len(heads[-1])
    return b"".join(reversed(heads))


@pytest.mark.parametrize("syntax", SYNTAXES)
@pytest.mark.parametrize("undefined", [False, True], ids=["defined", "undefined"])
def test_encodings(syntax: str, undefined: bool) -> None:
    nested = Element(NESTED.tag, NESTED.vr, NESTED.value, undefined)
    data_set = found(dicom([Element(0x00080060, "CS", "CT"), nested, ROWS, PIXELS], syntax))
    assert data_set.encoding == Encoding(syntax != IMPLICIT, syntax != BIG_ENDIAN)
    assert data_set.transfer_syntax_uid == syntax
    assert data_set.value(0x00080060) == b"CT"
    assert rows(data_set) == 0x1234
    assert data_set.pixel is not None
    assert data_set.source.read(data_set.pixel[1], data_set.pixel[2]) == b"\x01\x02\x03\x04"
    assert data_set.value(0x00280011) is None
    assert not codes(data_set)


@pytest.mark.parametrize("syntax", [EXPLICIT, IMPLICIT, BIG_ENDIAN])
@pytest.mark.parametrize("preamble", [b"", bytes(128) + b"DICM"], ids=["bare", "preamble"])
def test_without_meta_group(syntax: str, preamble: bytes) -> None:
    first = Element(0x00080005, "CS", "ISO_IR 100")
    data_set = found(preamble + encode_for(syntax, [first, ROWS, PIXELS]))
    if syntax == BIG_ENDIAN or not preamble:
        assert data_set.encoding == Encoding(syntax != IMPLICIT, syntax != BIG_ENDIAN)
    assert rows(data_set) == 0x1234
    assert data_set.transfer_syntax_uid == ""
    assert codes(data_set) == ["no-meta-group" if preamble else "no-preamble"]


def test_meta_group_without_preamble() -> None:
    data_set = found(meta(IMPLICIT) + encode_for(IMPLICIT, [ROWS]))
    assert data_set.transfer_syntax_uid == IMPLICIT
    assert rows(data_set) == 0x1234


def test_dicm_by_chance() -> None:
    """A data set without a preamble, whose 129th byte starts a value 'DICM'."""
    filler = Element(0x00080005, "CS", "x" * (128 - 8 - 8))
    data = encode([filler, Element(0x00080060, "CS", "DICM"), ROWS, PIXELS])
    assert data[128:132] == b"DICM"
    data_set = found(data)
    assert rows(data_set) == 0x1234
    assert data_set.value(0x00080060) == b"DICM"


@pytest.mark.parametrize("off_by", [-20, -2, 2, 1000])
def test_wrong_length_of_the_meta_group(off_by: int) -> None:
    right = len(meta(EXPLICIT)) - 12
    data_set = found(dicom([ROWS, PIXELS], group_length=right + off_by))
    assert rows(data_set) == 0x1234
    assert codes(data_set) == ["meta-group-length"]
    assert f"off by {off_by}" in data_set.notices[0].message


def test_meta_group_of_long_elements() -> None:
    private = [Element(0x00020100, "UI", "1.2"), Element(0x00020102, "OB", bytes(70_000))]
    data_set = found(dicom([ROWS], extra=private))
    assert rows(data_set) == 0x1234
    assert not codes(data_set)


@pytest.mark.parametrize(
    "written", [b"1.2.840.10008.1.2.1", b"1.2.840.10008.1.2.1\0\0\0", b" 1.2.840.10008.1.2.1 "]
)
def test_padded_transfer_syntax(written: bytes) -> None:
    header = encode([Element(0x00020010, "UI", written)])
    data_set = found(bytes(128) + b"DICM" + header + encode([ROWS]))
    assert data_set.transfer_syntax_uid == EXPLICIT
    assert rows(data_set) == 0x1234


@pytest.mark.parametrize("syntax", [EXPLICIT, IMPLICIT, BIG_ENDIAN])
@pytest.mark.parametrize("missing", [None, "", "\0\0"], ids=["absent", "empty", "nul"])
def test_missing_transfer_syntax(syntax: str, missing: str | None) -> None:
    source = Element(0x00020016, "AE", "WRITER")
    header = meta(missing, extra=[source])
    data_set = found(bytes(128) + b"DICM" + header + encode_for(syntax, [ROWS, PIXELS]))
    assert rows(data_set) == 0x1234
    assert codes(data_set) == ["no-transfer-syntax"]


@pytest.mark.parametrize("real", [EXPLICIT, IMPLICIT, BIG_ENDIAN])
@pytest.mark.parametrize("declared", [EXPLICIT, IMPLICIT, BIG_ENDIAN, "1.2.840.10008.1.2.4.50"])
def test_other_encoding_than_declared(real: str, declared: str) -> None:
    first = Element(0x00080005, "CS", "ISO_IR 100")
    body = encode_for(real, [first, ROWS, PIXELS])
    data_set = found(bytes(128) + b"DICM" + meta(declared) + body)
    assert rows(data_set) == 0x1234
    same = real == declared or (real == EXPLICIT and declared.endswith(".50"))
    assert codes(data_set) == ([] if same else ["other-encoding"])


@pytest.mark.parametrize("explicit", [True, False])
def test_depth(explicit: bool) -> None:
    syntax = EXPLICIT if explicit else IMPLICIT
    tail = encode([ROWS], explicit=explicit)
    head = bytes(128) + b"DICM" + meta(syntax)
    assert rows(found(head + undefined_sequence(64, explicit=explicit) + tail)) == 0x1234
    for depth in (65, 100_000):
        with pytest.raises(DicomError, match="more than 64 deep"):
            found(head + undefined_sequence(depth, explicit=explicit) + tail)


def test_depth_of_defined_length() -> None:
    """Sequences that say how long they are need not be entered."""
    data = bytes(128) + b"DICM" + meta(EXPLICIT) + defined_sequence(100_000) + encode([ROWS])
    assert rows(found(data)) == 0x1234


def test_un_of_undefined_length_is_implicit() -> None:
    """PS3.5 6.2.2: inside UN elements have no VR, in explicit encoding too, however deep."""
    inner = encode([Element(0x00091001, "SQ", [[ROWS]], undefined=True)], explicit=False)
    value = item_head(UNDEFINED) + inner + delimiter(ITEM_END) + delimiter(SEQUENCE_END)
    unknown = Element(0x00091000, "UN", value, length=UNDEFINED)
    assert rows(found(dicom([unknown, ROWS]))) == 0x1234
    nested = Element(0x00081140, "SQ", [[unknown]], undefined=True)
    assert rows(found(dicom([nested, ROWS]))) == 0x1234


@pytest.mark.parametrize("syntax", [EXPLICIT, IMPLICIT, BIG_ENDIAN])
def test_what_is_skipped_inside_of_sequences(syntax: str) -> None:
    """Rows inside of a sequence is not the image's, and values that look like delimiters are values."""
    trap = delimiter(SEQUENCE_END) + delimiter(ITEM_END)
    inside = [Element(0x00280010, "US", 7), Element(0x00091002, "OB", trap), Element(0x00091003, "LO", "")]
    outside = [
        Element(0x00081140, "SQ", [inside, [], inside], undefined=True),
        Element(0x00081199, "SQ", [], undefined=True),
        Element(0x00091001, "OB", trap),
        Element(0x00189999, "SQ", [inside]),
    ]
    data_set = found(dicom([*outside, ROWS], syntax))
    assert rows(data_set) == 0x1234
    assert 0x00081150 not in data_set.elements


def test_unknown_and_private_vrs_are_skipped() -> None:
    first = Element(0x00080060, "CS", "CT")
    unknown = [first, Element(0x00091001, "ZZ", b"abcd"), Element(0x00091003, "UT", "t" * 70_000)]
    assert rows(found(dicom([*unknown, ROWS]))) == 0x1234


def test_odd_lengths_are_skipped() -> None:
    odd = [Element(0x00080060, "CS", b"ABC"), Element(0x00091001, "OB", b"12345")]
    data_set = found(dicom([*odd, ROWS]))
    assert data_set.value(0x00080060) == b"ABC"
    assert rows(data_set) == 0x1234


@pytest.mark.parametrize(
    "stray",
    [
        delimiter(SEQUENCE_END),
        delimiter(ITEM_END),
        item_head(0),
        item_head(10) + encode([Element(0x00280010, "US", 7)]),
        item_head(UNDEFINED),
    ],
    ids=["sequence end", "item end", "empty item", "item", "item of undefined length"],
)
def test_stray_items(stray: bytes) -> None:
    data = dicom([Element(0x00080060, "CS", "CT")]) + stray + encode([ROWS])
    data_set = found(data)
    assert rows(data_set) == 0x1234
    assert codes(data_set) == ["stray-item"]


def test_stray_item_that_ends_with_the_file() -> None:
    data_set = found(dicom([ROWS]) + item_head(4) + b"abcd")
    assert rows(data_set) == 0x1234
    assert codes(data_set) == ["stray-item"]


def test_zero_length_items_in_great_number() -> None:
    items = item_head(0) * 200_000 + delimiter(SEQUENCE_END)
    data = dicom([Element(0x00081140, "SQ", items, length=UNDEFINED), ROWS])
    assert rows(found(data)) == 0x1234


LONG = 0xFFFFFF00


@pytest.mark.parametrize(
    ("body", "error", "reason"),
    [
        (
            encode([Element(0x00091001, "OB", b"abcd", length=LONG)]),
            TruncatedError,
            r"\(0009,1001\).*4 follow",
        ),
        (encode([Element(0x00080060, "CS", b"CT", length=300)]), TruncatedError, r"\(0008,0060\).*300"),
        (encode([ROWS])[:-1], TruncatedError, "0028,0010"),
        (encode([ROWS]) + b"\x28\x00\x11", TruncatedError, "3 bytes are no element"),
        (encode([Element(0x00081140, "SQ", b"", length=UNDEFINED)]), TruncatedError, "does not end"),
        (
            encode([Element(0x00081140, "SQ", item_head(UNDEFINED), length=UNDEFINED)]) + encode([ROWS]),
            TruncatedError,
            "does not end",
        ),
        (
            encode([Element(0x00081140, "SQ", item_head(LONG), length=UNDEFINED)]) + encode([ROWS]),
            TruncatedError,
            "declares",
        ),
        (
            encode([Element(0x00081140, "SQ", encode([ROWS]), length=UNDEFINED)]),
            DicomError,
            r"\(0028,0010\) where an item must be",
        ),
        (
            encode([Element(0x00081140, "SQ", item_head(UNDEFINED) + item_head(0), length=UNDEFINED)]),
            DicomError,
            "where an element must be",
        ),
        (encode([ROWS]) + b"\x28\x00\x11\x00\x00\x01\x02\x00\x05\x00\x00\x00", DicomError, "no VR"),
        (item_head(LONG) + encode([ROWS]), DicomError, "fewer follow"),
    ],
    ids=[
        "value past the end",
        "short value past the end",
        "last value cut",
        "element head cut",
        "sequence without end",
        "item without end",
        "item past the end",
        "element for an item",
        "item for an element",
        "no VR",
        "stray item past the end",
    ],
)
def test_damage(body: bytes, error: type[FastdcmError], reason: str) -> None:
    first = [Element(0x00080005, "CS", "ISO_IR 100")]
    with pytest.raises(error, match=reason):
        found(dicom(first) + body)


@pytest.mark.parametrize("cut", [1, 5, 9, 11, 13, 20])
def test_cut_meta_group(cut: int) -> None:
    with pytest.raises(FastdcmError):
        found((bytes(128) + b"DICM" + meta(EXPLICIT))[: 132 + cut])


def test_meta_element_past_the_end() -> None:
    header = encode([Element(0x00020010, "UI", "1.2.840.10008.1.2.1\0", length=999)])
    with pytest.raises(TruncatedError, match=r"\(0002,0010\)"):
        found(bytes(128) + b"DICM" + header)


@pytest.mark.parametrize("tag", [PIXEL_DATA, FLOAT_PIXEL_DATA, DOUBLE_FLOAT_PIXEL_DATA])
def test_stops_at_pixels(tag: int) -> None:
    """Pixel data may be cut, and what follows is not looked at."""
    pixels = Element(tag, "OW", b"\0" * 8, length=4000)
    data_set = found(dicom([ROWS, pixels]))
    assert data_set.pixel_tag == tag
    assert data_set.pixel is not None
    assert data_set.pixel[2] == 4000


def test_no_pixels() -> None:
    behind = Element(0xFFFCFFFC, "OB", bytes(10))
    data_set = found(dicom([ROWS, behind]))
    assert data_set.pixel is None
    assert rows(data_set) == 0x1234


def test_element_of_eight_bytes_at_the_end() -> None:
    assert found(dicom([ROWS, Element(0x00281050, "DS", "")])).elements[0x00281050][2] == 0


def test_large_values_are_not_read(tmp_path: Path) -> None:
    path = tmp_path / "large.dcm"
    icon = Element(0x00091001, "OB", bytes(20 << 20))
    path.write_bytes(dicom([icon, ROWS, Element(PIXEL_DATA, "OW", bytes(20 << 20))]))
    source = open_source(path)
    assert rows(scan(source)) == 0x1234
    assert source.bytes_read < 1 << 20
    source.close()


# Against pydicom, with windows smaller than the elements

SKIPPED = {
    "no_meta.dcm",  # a byte too many at its start
    "rtplan_truncated.dcm",  # cut in the middle of a sequence
}
FILES = sorted(path.name for path in PYDICOM_FILES.glob("*.dcm") if path.name not in SKIPPED)


@pytest.mark.parametrize("window", [12, 13, 37, 1000, source_module.WINDOW])
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_elements_are_where_pydicom_finds_them(monkeypatch: pytest.MonkeyPatch, window: int) -> None:
    for patched in (scan_module, sequences_module):
        monkeypatch.setattr(patched, "WINDOW", window)
    monkeypatch.setattr(source_module, "WHOLE_FILE_SIZE", 0)
    compared = 0
    for name in FILES:
        source = open_source(PYDICOM_FILES / name)
        data_set = scan(source)
        expected = pydicom.dcmread(PYDICOM_FILES / name, force=True)
        stop = data_set.pixel_tag or 0xFFFF0000
        for tag in expected._dict:
            if tag not in WANTED or tag >= stop:
                continue
            assert int(tag) in data_set.elements, (name, tag)
            vr, offset, length = data_set.elements[int(tag)]
            item = expected.get_item(tag)
            if isinstance(item, pydicom.dataelem.RawDataElement):
                assert (offset, length) == (item.value_tell, item.length), (name, tag)
                assert vr.decode() == (item.VR or "" if data_set.encoding.explicit else ""), (name, tag)
            else:
                assert offset == item.file_tell, (name, tag)
            compared += 1
        assert data_set.elements.keys() <= {int(tag) for tag in expected._dict}, name
        if data_set.pixel is not None:
            item = expected.get_item(data_set.pixel_tag)
            assert data_set.pixel[1:] == (item.value_tell, item.length), name
        source.close()
    assert compared > 800


# Deflated


def test_deflated_image_is_bounded() -> None:
    """The same where the pixels are the bomb: the frames before the limit can be read, not more."""
    size = 64 << 20
    data = dicom([*module(8192, 8192), Element(PIXEL_DATA, "OB", bytes(size))], DEFLATED)
    data_set = scan(MemorySource(data), max_inflated=4 << 20)
    assert data_set.pixel is not None
    with pytest.raises(DicomError, match="limit of 4194304 bytes"):
        data_set.source.read(data_set.pixel[1], size)


@pytest.mark.parametrize(
    ("damage", "error"),
    [(lambda body: body[: len(body) // 2], TruncatedError), (lambda body: b"\xff" * len(body), DicomError)],
    ids=["cut", "no deflate"],
)
def test_damaged_deflate(damage: Callable[[bytes], bytes], error: type[FastdcmError]) -> None:
    body = encode_for(DEFLATED, [Element(0x00080005, "CS", "ISO_IR 100"), *module(), PIXELS])
    source = InflatedSource(MemorySource(damage(body)), 0, 1 << 20)
    with pytest.raises(error):
        source.read(0, 1 << 20)


def test_bytes_behind_the_deflate_stream_do_not_count() -> None:
    data = dicom([ROWS], DEFLATED)
    assert rows(found(data + bytes(7))) == 0x1234


@pytest.mark.parametrize("explicit", [True, False])
def test_elements_are_passed_where_none_is_wanted(explicit: bool) -> None:
    data = encode([Element(tag, "US", 1) for tag in range(0x00280002, 0x00280020)], explicit=explicit)
    elements: dict[int, Any] = {}

    behind, passed = pass_plain(part_of(frozenset()), explicit, memoryview(data), 0, 0, elements)

    # The last one has fewer bytes than the longest head of explicit encoding: it is left to the caller.
    left = 1 if explicit else 0
    assert (behind, passed, elements) == (len(data) - 10 * left, 30 - left, {})
