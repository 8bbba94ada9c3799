"""Whether the outputs of a manifest are there, and what they were."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future
from typing import NamedTuple

from fastdcm.errors import SourceError
from fastdcm.manifest.reading import THERE, Row, latest
from fastdcm.manifest.rows import output_path, sidecar_of
from fastdcm.sources.addresses import is_remote
from fastdcm.sources.reading import sha256_of, size_of
from fastdcm.sources.stores import MOST_REQUESTS, AbsentError, in_background


class Checked(NamedTuple):
    """What is found of an image: ``problem`` is empty where it is as its row says."""

    output: str
    source: str
    problem: str
    summed: bool = False


def check(path: str) -> Iterator[Checked]:
    """Each image of a manifest, those of several frames once. Raises `OptionError` for other files.

    Stores are asked for some of them at once.
    """
    folder = os.path.dirname(os.path.abspath(path))
    before = None
    asked: deque[Future[Checked]] = deque()
    for row in latest(path):
        if row["status"] not in THERE or row["output"] == before:
            continue
        before = row["output"]
        output = output_path(row["output"], folder)
        if is_remote(output):
            asked.append(in_background(_checked, row, output))
            if len(asked) >= MOST_REQUESTS:
                yield asked.popleft().result()
            continue
        while asked:
            yield asked.popleft().result()
        yield _checked(row, output)
    while asked:
        yield asked.popleft().result()


def _checked(row: Row, output: str) -> Checked:
    return Checked(output, row["source"], _problem(row, output), "sha256" in row)


def _problem(row: Row, output: str) -> str:
    size, digest = row.get("bytes"), row.get("sha256")
    try:
        there = size_of(output)
        if size is not None and there != size:
            return f"has {there} bytes, not {size}"
        if digest is not None and sha256_of(output) != digest:
            return "is not what was written: its SHA-256 differs"
    except (OSError, SourceError) as error:
        return _why(error)
    if row.get("sidecar"):
        try:
            size_of(sidecar_of(output))
        except (OSError, SourceError) as error:
            return f"its JSON, {os.path.basename(sidecar_of(output))}, {_why(error)}"
    return ""


def _why(error: OSError | SourceError) -> str:
    if isinstance(error, (FileNotFoundError, AbsentError)):
        return "is not there"
    return f"cannot be read: {error.strerror or error}" if isinstance(error, OSError) else error.message
