"""Lines for people: one line each whatever a file's name holds, and no traceback when nobody reads."""

from __future__ import annotations

import os
import sys
from typing import TextIO


def printable(text: str) -> str:
    """The text on one line: control characters and bytes that are no text become escapes."""
    if text.isprintable():
        return text
    return "".join(
        character if character.isprintable() else character.encode("unicode_escape").decode("ascii")
        for character in text
    )


def write_line(stream: TextIO, text: str) -> None:
    """Write one line; where the reader has gone (``| head``), all further ones go nowhere."""
    try:
        encoding = stream.encoding or "utf-8"
        stream.write(text.encode(encoding, "backslashreplace").decode(encoding) + "\n")
        stream.flush()
    except BrokenPipeError:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)


def error_line(text: str) -> None:
    """One line on standard error."""
    write_line(sys.stderr, printable(text))


def counted(number: int, singular: str, plural: str = "") -> str:
    """``1 file``, ``2 files``."""
    return f"{number} {singular if number == 1 else plural or singular + 's'}"


def rate(number: float, seconds: float) -> str:
    """So many a second: whole numbers, and below 10 two digits."""
    value = number / seconds if seconds > 0 else 0.0
    return f"{value:.0f}" if value >= 9.95 or not value else f"{value:.2g}"
