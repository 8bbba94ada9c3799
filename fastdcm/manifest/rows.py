"""Rows of a manifest, which workers make.

A row is a JSON object on a line of its own. Those of images have ``source``, ``frame`` (from 1) of so many
``frames`` that are asked for, ``status`` (written, or existing: it was there before), ``output``, ``bytes``,
``sha256`` where it was asked for, ``sidecar`` where JSON is beside it, ``finished`` (seconds since 1970),
``milliseconds``; how the frame is stored and shown, as sidecars tell it; ``mapping``, where pixels were
moved; ``notices``; ``source_bytes`` and ``source_modified`` (nanoseconds since 1970), by which a changed
source is known. Those of inputs without one have ``status`` failed or skipped, and ``message``.
"""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from fastdcm.errors import FastdcmError, SourceError
from fastdcm.model import Notice
from fastdcm.options import RenderOptions
from fastdcm.sidecars.records import Records, Sidecars
from fastdcm.sources import absolute, stamp_of
from fastdcm.sources.addresses import is_remote, shown
from fastdcm.sources.reading import sha256_of, size_of

if TYPE_CHECKING:
    from fastdcm.pipeline import Image


#: Size and time of a source (`fastdcm.sources.stamp_of`).
Stamp = tuple[int, int]


class Account(NamedTuple):
    """What a worker must know: below which folder outputs are told, and whether with checksums; whether
    pictures are ``mapped``, because their geometry is not the source's, and have JSON beside them."""

    folder: str
    checksum: bool
    mapped: bool
    sidecars: bool


class Rows:
    """The rows of one object's images. Raises `FastdcmError` where it cannot be read."""

    def __init__(
        self,
        account: Account,
        image: Image,
        source: str,
        render: RenderOptions,
        frames: int,
        note: Callable[[Notice], None],
    ) -> None:
        self._account, self._image = account, image
        self._records = Records(
            Sidecars("json", mapped=account.mapped, brief=True), image, source, render, note
        )
        self._about = {
            "source": shown(absolute(source)),
            "frames": frames,
            "modality": image.header.modality or "",
            **stat_of(source),
        }
        self._start = time.perf_counter()

    def begin(self) -> None:
        """An image is begun."""
        self._start = time.perf_counter()

    def written(
        self, indexes: Sequence[int], path: str, data: bytes | None, *, copied: bool = False
    ) -> list[bytes]:
        """The rows of frames, by their indexes, whose image is now at ``path``; ``data`` are its bytes, where
        they are at hand.
        """
        took = (time.perf_counter() - self._start) * 1000 / len(indexes)
        size = size_of(path) if data is None else len(data)
        digest = None
        if self._account.checksum:
            digest = sha256_of(path) if data is None else hashlib.sha256(data).hexdigest()
        more: dict[str, Any] = {
            "bytes": size,
            "milliseconds": round(took, 3),
            "finished": round(time.time(), 3),
        }
        if digest is not None:
            more["sha256"] = digest
        if copied:
            more["copied"] = True
        if self._account.sidecars:
            more["sidecar"] = True
        return [self._row(index, path, "written", more) for index in indexes]

    def existing(self, indexes: Sequence[int], path: str) -> list[bytes]:
        """The rows of frames whose image was at ``path`` before."""
        try:
            size: int | None = size_of(path)
        except (OSError, SourceError):
            size = None  # it was there a moment ago
        more = {"bytes": size, "finished": round(time.time(), 3)}
        return [self._row(index, path, "existing", more) for index in indexes]

    def _row(self, index: int, path: str, status: str, more: dict[str, Any]) -> bytes:
        output = output_name(path, self._account.folder)
        facts = self._records.facts(index, output)
        del facts["source"]
        codes = [notice.code for notice in self._image.notices if notice.frame in (None, index + 1)]
        told = {"notices": sorted(set(codes))} if codes else {}
        return as_line({**self._about, "status": status, **facts, **more, **told})


def stat_of(source: str) -> dict[str, Any]:
    """Size and time of a source, by which it is known again; nothing where it cannot be told."""
    return _stamped(stamp_of(source))


def _stamped(stamp: Stamp | None) -> dict[str, Any]:
    return {} if stamp is None else {"source_bytes": stamp[0], "source_modified": stamp[1]}


def failed_row(source: str, frame: int | None, error: FastdcmError, stamp: Stamp | None) -> bytes:
    """The row of a frame that failed, or of a whole file; ``stamp`` is the source's, where it is known."""
    return as_line(
        {
            "source": shown(absolute(source)),
            "frame": frame,
            "status": "failed",
            "error": type(error).__name__,
            "message": error.message,
            **_stamped(stamp),
            "finished": round(time.time(), 3),
        }
    )


def skipped_row(source: str, reason: str, stamp: Stamp | None) -> bytes:
    """The row of a file of a folder that holds no image."""
    about = {"source": shown(absolute(source)), "frame": None, "status": "skipped", "message": reason}
    return as_line({**about, **_stamped(stamp)})


def output_name(path: str, folder: str) -> str:
    """The name of an output in a manifest: its path from the manifest's folder, or its address."""
    return path if is_remote(path) else os.path.relpath(path, folder).replace(os.sep, "/")


def output_path(name: str, folder: str) -> str:
    """Where the output of a row is, by its name there."""
    return name if is_remote(name) else os.path.normpath(os.path.join(folder, name))


def sidecar_of(output: str) -> str:
    """Where the JSON of an output is."""
    return f"{output}.json"


def as_line(row: dict[str, Any]) -> bytes:
    """A row as its line."""
    # Names of files may hold bytes that are no text; they come as escapes of half a character.
    return _dumps(row).encode("ascii") + b"\n"


_dumps = json.JSONEncoder(ensure_ascii=True, allow_nan=False, separators=(",", ":")).encode
