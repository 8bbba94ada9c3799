"""Lists of names: ``@list.txt``, ``-`` for standard input; read as they come, never held."""

from __future__ import annotations

import os
import re
import stat
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import BinaryIO, NamedTuple

from fastdcm import system
from fastdcm.errors import OptionError, SourceError

STANDARD_INPUT = "-"
_PIECE = 1 << 16
_BOMS = (b"\xff\xfe", b"\xfe\xff")
#: How archives begin (ZIP, gzip, Zstandard), and what is in no name, nor between any.
_ARCHIVES, _NO_TEXT = (
    (b"PK\x03\x04", b"PK\x05\x06", b"\x1f\x8b", b"\x28\xb5\x2f\xfd"),
    re.compile(rb"[\1-\7]"),
)
_UTF_8_BOM = b"\xef\xbb\xbf"


def is_list(source: str) -> bool:
    """Whether a source is a list of sources: ``@`` and a path, or ``-``; a file is ``./@name``."""
    return source == STANDARD_INPUT or source.startswith("@")


class NameList(NamedTuple):
    """A list, and the folder for its images; None for beside each. ``kept`` has the names, where the list
    itself can be read only once."""

    source: str
    folder: str | None
    kept: BinaryIO | None = None

    @property
    def title(self) -> str:
        """What messages call it."""
        return "standard input" if self.source == STANDARD_INPUT else self.source[1:]

    def check(self) -> None:
        """Raises `OptionError` where there is no such list."""
        if self.source == STANDARD_INPUT:
            return
        if os.path.isdir(self.title):
            raise OptionError(f"{self.title} is a folder; @ is for a list of names: leave it out")
        if not os.path.exists(self.title):
            raise OptionError(f"there is no list {self.title}; a file of that name is ./{self.source}")

    def to_read_again(self, closing: ExitStack) -> NameList:
        """The same list, whose names can be read more than once, until it is closed. Raises `OptionError`."""
        import shutil  # few runs need it

        try:
            with self._open() as file:
                if self.source != STANDARD_INPUT and stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                    return self
                kept = closing.enter_context(system.unnamed_file())
                shutil.copyfileobj(file, kept, _PIECE)
        except OSError as error:
            raise OptionError(f"{self.title} cannot be read: {error.strerror or error}") from error
        return self._replace(kept=kept)

    def names(self) -> Iterator[str]:
        """The names, as they come. Raises `SourceError`."""
        try:
            with self._open() as file:
                for name in _separated(file):
                    yield os.fsdecode(name) if sys.platform != "win32" else name.decode("utf-8", "replace")
        except OSError as error:
            raise SourceError(f"cannot be read: {error.strerror or error}", path=self.title) from error
        except SourceError as error:
            error.at(path=self.title)
            raise

    @contextmanager
    def _open(self) -> Iterator[BinaryIO]:
        if self.kept is not None:
            self.kept.seek(0)
            yield self.kept
        elif self.source == STANDARD_INPUT:
            # A file of its own, which does not wait until a buffer is full.
            with open(os.dup(sys.stdin.fileno()), "rb", buffering=0) as file:
                yield file
        else:
            with open(self.title, "rb", buffering=0) as file:
                yield file


def _separated(file: BinaryIO) -> Iterator[bytes]:
    """Names, each ended by NUL where there is one, as ``find -print0`` does, else by the end of the line."""
    rest, end, begun = b"", b"", False
    while piece := file.read(_PIECE):
        rest += piece
        if not begun and len(rest) > 2:
            begun = True
            if rest.startswith(_BOMS):
                raise SourceError("is written in UTF-16: names must be UTF-8, or the bytes of the system")
            if rest[128:132] == b"DICM":
                raise SourceError("is a DICOM file, and no list of names: leave the @ out")
            if rest.startswith(_ARCHIVES) or rest[257:262] == b"ustar":
                raise SourceError("is an archive, and no list of names: leave the @ out")
            if _NO_TEXT.search(rest):
                raise SourceError("is no list of names: it holds what no text does")
            rest = rest.removeprefix(_UTF_8_BOM)
        if not end:
            end = b"\0" if b"\0" in rest else b"\n" if b"\n" in rest else b""
        if end:
            *whole, rest = rest.split(end)
            yield from (name for name in map(_plain, whole) if name)
        if len(rest) > _PIECE:
            raise SourceError(f"is no list of names: one has more than {_PIECE} bytes")
    if name := _plain(rest):
        yield name


def _plain(name: bytes) -> bytes:
    return name.removesuffix(b"\n").removesuffix(b"\r")
