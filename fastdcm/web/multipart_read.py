"""Bodies of several parts as they come in, piece by piece (RFC 2046 5.1, RFC 2387; PS3.18 8.6.1.2).

No more is kept of a body than a delimiter's length, or the header of a part: data is handed on as it comes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from email.message import Message
from typing import Any, NamedTuple

from fastdcm.errors import WebError

#: Bytes of a part's header, of what stands before the first delimiter, and the spaces after one.
_MOST_HEADER, _MOST_PREAMBLE, _MOST_PADDING = 16 << 10, 64 << 10, 256
#: A boundary has at most 70 characters (RFC 2046 5.1.1); some servers' have more.
_MOST_BOUNDARY = 200


class MediaType(NamedTuple):
    """A media type in lower case, and its parameters, whose names are."""

    name: str
    parameters: dict[str, str]


class PartBegins(NamedTuple):
    """A part comes: its media type, and its header by names in lower case."""

    media_type: MediaType
    header: dict[str, str]


class PartData(NamedTuple):
    """Bytes of the part that began last."""

    data: bytes


class PartEnds(NamedTuple):
    """The part is whole, of so many bytes."""

    length: int


Event = PartBegins | PartData | PartEnds


def parse_media_type(text: str) -> MediaType:
    """The value of a Content-Type (RFC 9110 8.3); what cannot be read has an empty name."""
    message = Message()
    message["Content-Type"] = "".join(character for character in text if character.isprintable())
    parameters = message.get_params(failobj=[], unquote=True)
    if not parameters or "/" not in parameters[0][0]:
        return MediaType("", {})
    # A value by RFC 2231 is a tuple of character set, language and text.
    pairs: list[tuple[str, Any]] = parameters[1:]
    values = {name.lower(): value[2] if isinstance(value, tuple) else value for name, value in pairs}
    return MediaType(parameters[0][0].lower().strip(), values)


class MultipartReader:
    """Splits a body into parts. ``feed`` gets pieces of any length, ``close`` the end.

    Both raise `WebError` where it is no such body, or not whole. A line that begins as a delimiter does and
    goes on otherwise is data. A part whose header has a Content-Length has that length, or is an error.
    ``most_parts`` bounds how many there may be.
    """

    def __init__(self, boundary: str, *, most_parts: int = 100_000) -> None:
        if not 0 < len(boundary) <= _MOST_BOUNDARY or not boundary.isascii():
            raise WebError("the answer has several parts, and no boundary between them that can be used")
        self._delimiter = b"\r\n--" + boundary.encode("ascii")
        # The first delimiter may stand at the very beginning, without the line break that is part of others.
        self._buffer = bytearray(b"\r\n")
        self._most_parts = most_parts
        self._parts = self._length = self._skipped = 0
        self._state: Callable[[], list[Event] | None] = self._preamble
        self._expected: int | None = None
        self._closing = self._ended = False

    def feed(self, data: bytes) -> Iterator[Event]:
        """What is known with these bytes, in order."""
        self._buffer += data
        while (events := self._state()) is not None:
            yield from events

    def close(self) -> None:
        """The body ended. Raises `WebError` unless it is whole."""
        if not self._ended:
            where = f"in part {self._parts}" if self._parts else "before its first part"
            raise WebError(f"the answer is cut: it ends {where}, without the delimiter that ends all")

    # Each state gives the events of a step forward, None where it needs more bytes.

    def _preamble(self) -> list[Event] | None:
        data = self._until_delimiter()
        self._skipped += len(data or b"")
        if self._skipped > _MOST_PREAMBLE:
            raise WebError("the answer has several parts, but its boundary is not where they would begin")
        return None if data is None else []

    def _data(self) -> list[Event] | None:
        data = self._until_delimiter()
        if not data:
            return None if data is None else []
        self._length += len(data)
        if self._expected is not None and self._length > self._expected:
            raise self._wrong_length("more")
        return [PartData(data)]

    def _until_delimiter(self) -> bytes | None:
        """The next bytes that are of no delimiter; empty where one was passed, None where more is needed.

        What comes after a delimiter is in `_delimited`, to which the state changes.
        """
        buffer, delimiter = self._buffer, self._delimiter
        found = buffer.find(delimiter)
        if found > 0:
            return self._take(found)
        if found < 0:
            # All but what may be the beginning of a delimiter.
            start = buffer.find(b"\r", max(0, len(buffer) - len(delimiter) + 1))
            count = start if start >= 0 else len(buffer)
            return self._take(count) if count else None
        end = _line_after(buffer, len(delimiter))
        if end is None:
            return None
        if end < 0:
            return self._take(len(delimiter))  # goes on otherwise: these are data
        closing = buffer[len(delimiter) : len(delimiter) + 2] == b"--"
        in_part = self._state == self._data
        del buffer[:end]
        self._state = self._ending if in_part else self._epilogue if closing else self._header
        self._closing = closing
        return b""

    def _ending(self) -> list[Event] | None:
        if self._expected is not None and self._length != self._expected:
            raise self._wrong_length("fewer")
        self._state = self._epilogue if self._closing else self._header
        return [PartEnds(self._length)]

    def _header(self) -> list[Event] | None:
        buffer = self._buffer
        if buffer[:2] == b"\r\n":
            end, rest = 0, 2  # a part without a header
        else:
            end = buffer.find(b"\r\n\r\n", 0, _MOST_HEADER + 4)
            rest = end + 4
        if end < 0:
            if len(buffer) >= _MOST_HEADER + 4:
                raise WebError(f"the header of part {self._parts + 1} has no end")
            return None
        header = _parsed_header(bytes(buffer[:end]))
        del buffer[:rest]
        self._parts += 1
        if self._parts > self._most_parts:
            raise WebError(f"the answer has more than {self._most_parts} parts")
        self._length = 0
        length = header.get("content-length", "")
        self._expected = int(length) if length.isascii() and length.isdigit() and len(length) < 19 else None
        self._state = self._data
        return [PartBegins(parse_media_type(header.get("content-type", "")), header)]

    def _epilogue(self) -> list[Event] | None:
        self._ended = True
        self._buffer.clear()  # of no meaning (RFC 2046 5.1.1)
        return None

    def _take(self, count: int) -> bytes:
        data = bytes(self._buffer[:count])
        del self._buffer[:count]
        return data

    def _wrong_length(self, which: str) -> WebError:
        return WebError(
            f"part {self._parts} has {which} bytes than the {self._expected} that its header declares"
        )


def _line_after(buffer: bytearray, start: int) -> int | None:
    """Where the line ends that a delimiter begins; -1 where it is none, None where that is not known yet.

    A delimiter is followed by two hyphens, of the last one, or by spaces and a line break.
    """
    if buffer[start : start + 2] == b"--":
        return start + 2
    position = start
    while position < len(buffer) and buffer[position] in b" \t" and position - start < _MOST_PADDING:
        position += 1
    rest = buffer[position : position + 2]
    if rest == b"\r\n":
        return position + 2
    if not rest or rest == b"\r" or (rest == b"-" and position == start):
        return None
    return -1


def _parsed_header(data: bytes) -> dict[str, str]:
    header: dict[str, str] = {}
    last = ""
    for line in data.decode("latin-1").split("\r\n"):
        if line[:1] in (" ", "\t") and last:
            header[last] += " " + line.strip()  # a line that goes on (RFC 5322 2.2.3)
            continue
        name, colon, value = line.partition(":")
        if colon:
            last = name.strip().lower()
            header[last] = value.strip()
    return header
