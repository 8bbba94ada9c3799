"""Items of a sequence's value and the elements of an item, where rendering enters one."""

from __future__ import annotations

import pytest

from fastdcm.errors import DicomError, FastdcmError, TruncatedError
from fastdcm.reader.elements import Encoding
from fastdcm.reader.sequences import elements_of, items
from tests.builders import (
    ITEM_END,
    SEQUENCE_END,
    UNDEFINED,
    Element,
    Items,
    delimiter,
    encode,
    item_head,
    sequence,
)

ENCODINGS = [Encoding(True, True), Encoding(False, True), Encoding(True, False)]
DEEP = Element(0x00091001, "SQ", [[Element(0x00091002, "LO", "deep")], []], undefined=True)
ITEMS: Items = [
    [Element(0x00281050, "DS", "40"), DEEP, Element(0x00281051, "DS", "400 ")],
    [],
    [Element(0x00283006, "OW", bytes(range(10)))],
]


@pytest.mark.parametrize("encoding", ENCODINGS, ids=str)
@pytest.mark.parametrize("undefined", [False, True])
def test_items_and_their_elements(encoding: Encoding, undefined: bool) -> None:
    form = {"explicit": encoding.explicit, "little": encoding.little}
    data = sequence(ITEMS, **form, undefined=undefined)
    spans = items(data, encoding)
    assert [data[start : start + length] for start, length in spans] == [
        encode(item, **form) for item in ITEMS
    ]
    first, second, third = (elements_of(data, *span, encoding) for span in spans)
    assert second == {}
    assert list(first) == [0x00281050, 0x00091001, 0x00281051]
    for found, tag, vr, value in [
        (first, 0x00281050, b"DS", b"40"),
        (first, 0x00281051, b"DS", b"400 "),
        (third, 0x00283006, b"OW", bytes(range(10))),
    ]:
        assert found[tag][0] == (vr if encoding.explicit else b"")
        assert data[found[tag][1] : found[tag][1] + found[tag][2]] == value
    start, length = first[0x00091001][1:]
    assert len(items(data[start : start + length], encoding)) == 2


def test_un_of_undefined_length_is_implicit() -> None:
    """In an item as at the top level (PS3.5 6.2.2)."""
    inner = sequence([[Element(0x00091002, "LO", "x ")]], explicit=False, undefined=True)
    item = [Element(0x00091001, "UN", inner, length=UNDEFINED), Element(0x00281050, "DS", "40")]
    data = sequence([item], undefined=True)
    ((start, length),) = items(data, ENCODINGS[0])
    assert set(elements_of(data, start, length, ENCODINGS[0])) == {0x00091001, 0x00281050}


def test_what_follows_the_delimiter_does_not_count() -> None:
    data = sequence([[]], undefined=True) + item_head(4) + b"abcd"
    assert len(items(data, ENCODINGS[0])) == 1


@pytest.mark.parametrize(
    ("data", "error"),
    [
        (encode([Element(0x00281050, "DS", "40")]), DicomError),
        (delimiter(ITEM_END), DicomError),
        (item_head(9) + bytes(8), TruncatedError),
        (item_head(UNDEFINED), TruncatedError),
        (item_head(UNDEFINED) + encode([Element(0x00281050, "DS", "40")]), TruncatedError),
        (item_head(UNDEFINED) + encode([Element(0x00281050, "DS", "40", length=500)]), TruncatedError),
        (item_head(UNDEFINED) + b"\x28\0\x50\x10\0\0\0\0", DicomError),
        (item_head(UNDEFINED) + encode([Element(0x00091001, "OB", b"")])[:8], TruncatedError),
    ],
)
def test_no_items(data: bytes, error: type[FastdcmError]) -> None:
    with pytest.raises(error):
        items(data, ENCODINGS[0])


@pytest.mark.parametrize(
    ("data", "error"),
    [
        (encode([Element(0x00281050, "DS", "40", length=3)]), TruncatedError),
        (encode([Element(0x00091001, "OB", b"")])[:8], TruncatedError),
        (encode([Element(0x00091001, "SQ", b"", length=UNDEFINED)]), TruncatedError),
        (b"\x28\0\x50\x10\0\0\0\0", DicomError),
    ],
)
def test_no_elements(data: bytes, error: type[FastdcmError]) -> None:
    with pytest.raises(error):
        elements_of(data, 0, len(data), ENCODINGS[0])


def test_an_item_ends_where_its_length_says() -> None:
    """An element that reaches into the next item is an error, though its bytes are there."""
    item = encode([Element(0x00281050, "DS", "4040")])
    data = item_head(len(item) - 2) + item + item_head(0)
    ((start, length), *_) = [(8, len(item) - 2)]
    with pytest.raises(TruncatedError, match="2 follow in its item"):
        elements_of(data, start, length, ENCODINGS[0])


def test_many_items_take_linear_time() -> None:
    data = sequence([[Element(0x00281050, "DS", "40")]] * 20_000, undefined=True)
    assert len(items(data, ENCODINGS[0])) == 20_000


def test_delimiters() -> None:
    assert sequence([], undefined=True) == delimiter(SEQUENCE_END)
    assert items(sequence([], undefined=True), ENCODINGS[0]) == []
    assert items(b"", ENCODINGS[0]) == []
