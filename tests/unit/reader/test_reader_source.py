"""The same bytes from whatever the caller has, and errors of our tree from what cannot be read."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from fastdcm.errors import FastdcmError, OptionError, SourceError
from fastdcm.reader import source as source_module
from fastdcm.reader.source import FileSource, MemorySource, Source, StreamSource, open_source

DATA = bytes(range(256)) * 40


class Pipe(io.RawIOBase):
    """A stream that cannot seek."""

    def __init__(self, data: bytes) -> None:
        self._inside = io.BytesIO(data)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        return self._inside.readinto(buffer)


class Remote(Source):
    """What a caller may write: a name, a size, and `read`."""

    def __init__(self, data: bytes) -> None:
        self._data, self.size, self.name = data, len(data), "remote"

    def read(self, offset: int, length: int) -> bytes:
        self.bytes_read += length
        return self._data[offset : offset + length]


def file(folder: Path) -> Path:
    path = folder / "file.dcm"
    path.write_bytes(DATA)
    return path


def large(folder: Path) -> FileSource:
    path = file(folder)
    source = open_source(path)
    assert isinstance(source, FileSource)
    return source


SOURCES: dict[str, Callable[[Path], Source]] = {
    "path": lambda folder: open_source(file(folder)),
    "text path": lambda folder: open_source(str(file(folder))),
    "bytes": lambda folder: open_source(DATA),
    "bytearray": lambda folder: open_source(bytearray(DATA)),
    "memoryview": lambda folder: open_source(memoryview(DATA)),
    "BytesIO": lambda folder: open_source(io.BytesIO(DATA)),
    "file object": lambda folder: open_source(file(folder).open("rb")),
    "pipe": lambda folder: open_source(Pipe(DATA)),  # type: ignore[arg-type]
    "source": lambda folder: open_source(Remote(DATA)),
}


@pytest.mark.parametrize("name", SOURCES)
@pytest.mark.parametrize("whole_file", [True, False])
def test_conformance(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, whole_file: bool) -> None:
    monkeypatch.setattr(source_module, "WHOLE_FILE_SIZE", len(DATA) if whole_file else 0)
    source = SOURCES[name](tmp_path)
    try:
        assert source.size == len(DATA)
        for offset, length in [(0, 0), (0, 1), (3, 1000), (0, len(DATA)), (len(DATA) - 5, 5)]:
            assert source.read(offset, length) == DATA[offset : offset + length]
            view = source.view(offset, length)
            assert bytes(view) == DATA[offset : offset + length]
            assert view.readonly
            assert source.ahead(offset, length).readonly
        # Fewer where it ends, none behind it, and nothing that an operating system cannot express.
        assert source.read(len(DATA) - 5, 100) == DATA[-5:]
        for beyond in (len(DATA), 1 << 40, (1 << 64) - 1):
            assert source.read(beyond, 8) == b""
            assert len(source.view(beyond, 8)) == 0
    finally:
        if isinstance(source, StreamSource):
            source._stream.close()
        source.close()


@pytest.mark.parametrize("limit", [len(DATA), len(DATA) - 1])
def test_what_is_read_of_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, limit: int) -> None:
    monkeypatch.setattr(source_module, "WHOLE_FILE_SIZE", limit)
    source = open_source(file(tmp_path))
    small = limit == len(DATA)
    assert isinstance(source, MemorySource if small else FileSource)
    assert source.name == str(tmp_path / "file.dcm")
    source.read(10, 20)
    assert source.bytes_read == (len(DATA) if small else 20)
    source.close()


def test_close_is_final_and_can_be_repeated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(source_module, "WHOLE_FILE_SIZE", 0)
    source = large(tmp_path)
    source.close()
    source.close()
    with pytest.raises(SourceError):
        source.read(0, 1)


def test_the_caller_keeps_the_file_object(tmp_path: Path) -> None:
    with file(tmp_path).open("rb") as stream:
        source = open_source(stream)
        assert source.name == stream.name
        source.close()
        assert not stream.closed


def closed() -> io.BytesIO:
    stream = io.BytesIO(DATA)
    stream.close()
    return stream


@pytest.mark.parametrize(
    ("make", "error"),
    [
        (lambda folder: folder / "absent.dcm", SourceError),
        (lambda folder: folder, SourceError),
        (lambda folder: "a\0b.dcm", SourceError),
        (lambda folder: closed(), SourceError),
        (lambda folder: io.StringIO("text"), OptionError),
        (lambda folder: 7, OptionError),
        (lambda folder: None, OptionError),
    ],
    ids=["absent", "folder", "NUL", "closed", "text", "number", "None"],
)
def test_cannot_be_opened(tmp_path: Path, make: Callable[[Path], Any], error: type[FastdcmError]) -> None:
    with pytest.raises(error):
        open_source(make(tmp_path))


def test_closed_behind_our_back() -> None:
    stream = io.BytesIO(DATA)
    source = open_source(stream)
    stream.close()
    with pytest.raises(SourceError):
        source.read(0, 1)


def test_error_names_the_path(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"absent\.dcm: cannot be opened: No such file") as caught:
        open_source(tmp_path / "absent.dcm")
    assert caught.value.path == str(tmp_path / "absent.dcm")


def test_file_that_shrinks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Fewer bytes, not an error: those who need them notice."""
    monkeypatch.setattr(source_module, "WHOLE_FILE_SIZE", 0)
    source = large(tmp_path)
    (tmp_path / "file.dcm").write_bytes(DATA[:100])
    assert source.read(90, 100) == DATA[90:100]
    source.close()
