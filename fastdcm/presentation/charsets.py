"""Text in the Specific Character Set of its object (PS3.3 C.12.1.1.2, PS3.5 6.1)."""

from __future__ import annotations

import re
from collections.abc import Sequence

#: Defined terms without and with code extensions: Python's codec of what is in no escape sequence.
_CODECS = {
    "": "latin-1",
    "ISO_IR 6": "latin-1",
    "ISO_IR 13": "shift_jis",
    "ISO_IR 100": "latin-1",
    "ISO_IR 101": "iso8859-2",
    "ISO_IR 109": "iso8859-3",
    "ISO_IR 110": "iso8859-4",
    "ISO_IR 126": "iso8859-7",
    "ISO_IR 127": "iso8859-6",
    "ISO_IR 138": "iso8859-8",
    "ISO_IR 144": "iso8859-5",
    "ISO_IR 148": "iso8859-9",
    "ISO_IR 166": "tis-620",
    "ISO_IR 192": "utf-8",
    "ISO_IR 203": "iso8859-15",
    "GB18030": "gb18030",
    "GBK": "gbk",
}
#: What escape sequences switch to (PS3.5 6.1.2.5). Python's codec for the JIS sets wants the sequence itself.
_ESCAPES = {
    b"\x1b(B": "ascii",
    b"\x1b(J": "shift_jis",
    b"\x1b)I": "shift_jis",
    b"\x1b-A": "latin-1",
    b"\x1b-B": "iso8859-2",
    b"\x1b-C": "iso8859-3",
    b"\x1b-D": "iso8859-4",
    b"\x1b-F": "iso8859-7",
    b"\x1b-G": "iso8859-6",
    b"\x1b-H": "iso8859-8",
    b"\x1b-L": "iso8859-5",
    b"\x1b-M": "iso8859-9",
    b"\x1b-T": "tis-620",
    b"\x1b-b": "iso8859-15",
    b"\x1b$)A": "gb2312",
    b"\x1b$)C": "euc_kr",
    b"\x1b$B": "iso2022_jp_2",
    b"\x1b$(D": "iso2022_jp_2",
}
_ESCAPE = re.compile(rb"(\x1b(?:\$[()]?[A-D]|[()-][A-Za-z]))")


def decoded(raw: bytes, terms: Sequence[str]) -> str:
    """Text of a value, of whose Specific Character Set these are the defined terms.

    What its set has no letter for becomes U+FFFD.
    """
    first = terms[0].strip().upper().replace("ISO 2022 IR ", "ISO_IR ").replace("-", "_") if terms else ""
    codec = _CODECS.get(first.replace("ISO_IR_", "ISO_IR "), "latin-1")
    pieces = _ESCAPE.split(raw)
    text = pieces[0].decode(codec, "replace")
    for escape, piece in zip(pieces[1::2], pieces[2::2], strict=True):
        other = _ESCAPES.get(escape, codec)
        text += (escape + piece if other == "iso2022_jp_2" else piece).decode(other, "replace")
    return text
