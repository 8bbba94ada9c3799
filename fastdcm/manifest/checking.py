"""Whether the outputs of a manifest are there, and what they were."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import NamedTuple

from fastdcm.errors import SourceError
from fastdcm.manifest.reading import THERE, latest
from fastdcm.manifest.rows import output_path
from fastdcm.sources.reading import sha256_of, size_of
from fastdcm.sources.stores import AbsentError


class Checked(NamedTuple):
    """What is found of an image: ``problem`` is empty where it is as its row says."""

    output: str
    source: str
    problem: str
    summed: bool = False


def check(path: str) -> Iterator[Checked]:
    """Each image of a manifest, those of several frames once. Raises `OptionError` for other files."""
    folder = os.path.dirname(os.path.abspath(path))
    before = None
    for row in latest(path):
        if row["status"] not in THERE or row["output"] == before:
            continue
        before = row["output"]
        output = output_path(row["output"], folder)
        problem = _problem(output, row["bytes"], row.get("sha256"))
        yield Checked(output, row["source"], problem, "sha256" in row)


def _problem(output: str, size: int, digest: str | None) -> str:
    try:
        there = size_of(output)
        if there != size:
            return f"has {there} bytes, not {size}"
        if digest is not None and sha256_of(output) != digest:
            return "is not what was written: its SHA-256 differs"
    except FileNotFoundError:
        return "is not there"
    except OSError as error:
        return f"cannot be read: {error.strerror or error}"
    except AbsentError:
        return "is not there"
    except SourceError as error:
        return error.message
    return ""
