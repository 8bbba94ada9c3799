"""Accept and the selection of a type (PS3.18 8.7.5, RFC 9110 12.5.1)."""

from __future__ import annotations

import pytest

from fastdcm.errors import OptionError
from fastdcm.web.media_types import MediaRange, mixes, parse_accept, select

_OFFERED = ("image/jpeg", "image/png", "image/gif")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", []),
        (" , ,", []),
        ("image/png", [MediaRange("image", "png")]),
        ("Image/PNG ; Q=0.5", [MediaRange("image", "png", 0.5)]),
        ("image/*;q=0.25,image/png;q=0.5", [MediaRange("image", "png", 0.5), MediaRange("image", "*", 0.25)]),
        (
            "*/*, image/*, image/png",
            [MediaRange("image", "png"), MediaRange("image", "*"), MediaRange("*", "*")],
        ),
        ("image/gif, image/png", [MediaRange("image", "gif"), MediaRange("image", "png")]),
        ("text/html;level=1", [MediaRange("text", "html")]),
        ('multipart/related; type="image/jp2"', [MediaRange("image", "jp2", multipart=True)]),
        ("multipart/related;type=image/jp2;q=0.1", [MediaRange("image", "jp2", 0.1, True)]),
        ("multipart/related", [MediaRange("*", "*", multipart=True)]),
        ("multipart/*", [MediaRange("*", "*", multipart=True)]),
        (
            'multipart/related; type="application/dicom"; transfer-syntax=*',
            [MediaRange("application", "dicom", 1, True, "*")],
        ),
        (
            "application/dicom; transfer-syntax=1.2.840.10008.1.2.4.50",
            [MediaRange("application", "dicom", 1, False, "1.2.840.10008.1.2.4.50")],
        ),
        ('text/x;a="q, \\"r";q=0.1, image/png', [MediaRange("image", "png"), MediaRange("text", "x", 0.1)]),
    ],
)
def test_parse_accept(text: str, expected: list[MediaRange]) -> None:
    assert list(parse_accept(text)) == expected


@pytest.mark.parametrize(
    "text",
    [
        *("image", "image/", "/png", "*/png", "image/png;q=2", "image/png;q=-1", "image/png;q=0.1234"),
        *("image/png;q=", "image/png jpeg", "image/png;;q=1", ";;;,", 'multipart/related; type="image"'),
        ",".join(["a/b"] * 65),
    ],
)
def test_what_is_no_list(text: str) -> None:
    with pytest.raises(OptionError, match="accept"):
        parse_accept(text)


@pytest.mark.parametrize(
    ("query", "header", "expected"),
    [
        ("", "", "image/jpeg"),
        ("", "*/*", "image/jpeg"),
        ("", "image/*", "image/jpeg"),
        ("", "image/gif", "image/gif"),
        ("", "image/bmp", None),
        ("", "image/bmp, */*;q=0.1", "image/jpeg"),
        ("", "image/gif;q=0.4, image/png;q=0.6", "image/png"),
        ("", "*/*, image/gif", "image/gif"),
        ("", "*/*;q=0.9, image/gif;q=0.8", "image/jpeg"),
        ("", "image/jpeg;q=0, image/*", "image/png"),
        ("", "image/*;q=0, image/gif", "image/gif"),
        ("", "image/*;q=0, */*", None),
        ("", "*/*;q=0", None),
        ("image/gif", "image/png", "image/gif"),
        ("image/gif;q=0.1", "image/png", "image/gif"),
        ("image/bmp", "image/png", "image/png"),
        ("image/bmp", "image/tiff", None),
        ("image/bmp", "", None),
    ],
)
def test_select(query: str, header: str, expected: str | None) -> None:
    selected = select(parse_accept(query), parse_accept(header), _OFFERED)
    assert (selected and selected.media_type) == expected


def test_selected_by() -> None:
    selected = select((), parse_accept("text/html, multipart/related; type=image/png"), _OFFERED)
    assert selected is not None
    assert selected.by.multipart
    assert select((), (), ()) is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("application/dicom, image/jpeg", True),
        ('multipart/related; type="application/dicom", image/jpeg', True),
        ("application/octet-stream, text/html", True),
        ("application/dicom, application/octet-stream", False),
        ("image/jpeg, text/html, */*", False),
        ("application/dicom, */*", False),
        ("", False),
    ],
)
def test_mixes(text: str, expected: bool) -> None:
    assert mixes(parse_accept(text)) is expected
