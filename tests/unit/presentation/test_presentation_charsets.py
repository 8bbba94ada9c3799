"""Text by its Specific Character Set: pydicom's decoding, and the examples of PS3.5 annexes H to K."""

from __future__ import annotations

import pydicom.charset
import pytest

from fastdcm.presentation.charsets import decoded

TEXTS = {
    "ISO_IR 100": "Größe µ",
    "ISO_IR 101": "Řád",
    "ISO_IR 109": "Ĉŭ",
    "ISO_IR 110": "Āž",
    "ISO_IR 126": "Διον",
    "ISO_IR 127": "قباني",
    "ISO_IR 138": "שרון",
    "ISO_IR 144": "Люк",
    "ISO_IR 148": "Çavuşğ",
    "ISO_IR 166": "นาม",
    "ISO_IR 203": "œuvre €",
    "ISO_IR 192": "Größe Люк 山田",
    "GB18030": "王小东",
    "GBK": "王小东",
    "ISO_IR 13": "ﾔﾏﾀﾞ",
}


@pytest.mark.parametrize("term", TEXTS)
def test_single_sets(term: str) -> None:
    # pydicom 3.0 does not know the latest one.
    codec = pydicom.charset.python_encoding.get(term, "iso8859-15")
    raw = TEXTS[term].encode(codec)
    assert decoded(raw, [term]) == TEXTS[term]
    assert decoded(raw, [term]) == pydicom.charset.decode_bytes(raw, [codec], set())


@pytest.mark.parametrize(
    ("terms", "raw", "expected"),
    [
        # PS3.5 H.3.1 and H.3.2, I.2, J.1, K.2: the components of the names there.
        (["", "ISO 2022 IR 87"], b"Yamada \x1b$B;3ED\x1b(B \x1b$BB@O:\x1b(B", "Yamada 山田 太郎"),
        (
            ["ISO 2022 IR 13", "ISO 2022 IR 87"],
            b"\xd4\xcf\xc0\xde^\xc0\xdb\xb3 \x1b$B;3ED\x1b(J^\x1b$BB@O:\x1b(J",
            "ﾔﾏﾀﾞ^ﾀﾛｳ 山田^太郎",
        ),
        (["", "ISO 2022 IR 149"], b"Hong \x1b$)C\xfb\xf3 \x1b$)C\xd1\xce\xd4\xd7", "Hong 洪 吉洞"),
        (["", "ISO 2022 IR 58"], b"Zhang \x1b$)A\xd5\xc5", "Zhang 张"),
        (["ISO 2022 IR 100", "ISO 2022 IR 144"], b"Gr\xf6\xdfe \x1b-L\xbb\xee\xda", "Größe Люк"),
    ],
)
def test_code_extensions(terms: list[str], raw: bytes, expected: str) -> None:
    assert decoded(raw, terms) == expected


def test_sets_that_are_misspelt_or_absent() -> None:
    assert decoded(b"Gr\xf6\xdfe", []) == "Größe"
    assert decoded(b"Gr\xf6\xdfe", ["ISO-IR 100"]) == "Größe"
    assert decoded("Größe".encode(), ["ISO_IR_192"]) == "Größe"
    assert decoded(b"\xff", ["ISO_IR 192"]) == "\N{REPLACEMENT CHARACTER}"
