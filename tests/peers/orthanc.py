"""``python -m tests.peers.orthanc``: the corpus in Orthanc, and fetched from it.

All images that it accepts, every frame of them, as JPEG and as PNG: by ``/rendered``, and with nothing
rendered there (``--local``); these are compared with the conversion of the files, byte by byte. Then the last
frame of each is fetched alone, with metadata, and its display values are compared. Prints the counts, and
what differs.
"""

from __future__ import annotations

import hashlib
import logging
import os
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import anyio
import numpy as np

import fastdcm
from fastdcm.batch.report import Failure
from fastdcm.dicomweb import Client
from fastdcm.dicomweb.access import Access
from fastdcm.dicomweb.asked import Asked
from fastdcm.dicomweb.fetched import Fetching, Place, Wanted
from fastdcm.dicomweb.fetching import fetch
from fastdcm.errors import FastdcmError
from fastdcm.options import ReadOptions
from fastdcm.options.web import WebOptions
from fastdcm.web.dicom_json_read import text_of
from fastdcm.web.resources import parse_address
from tests.conftest import CORPUS, find_tool
from tests.dicomweb.orthanc import Orthanc

FORMATS = ("jpeg", "png")
_UIDS = ("0020000D", "0020000E", "00080018")


class Stored(NamedTuple):
    """An instance in the server, and the file that it came from."""

    uids: tuple[str, str, str]
    path: Path


def store(server: Orthanc) -> list[Path]:
    """The files that it took."""
    return [path for path in sorted((CORPUS / "files").iterdir()) if server.store(path.read_bytes())]


def placed(client: Client, taken: list[Path], lost: list[str]) -> Iterator[Stored]:
    """What is in the server, instance by instance; each comes as the file that was stored.

    What it finds and does not give, objects of several patients that share their UIDs, is added to ``lost``.
    """
    by_hash = {hashlib.sha256(path.read_bytes()).digest(): path for path in taken}
    for found in client.search("instances"):
        uids = tuple(text_of(found, tag) for tag in _UIDS)
        if not all(uids):
            continue
        try:
            data = client.retrieve(*uids)
        except FastdcmError as error:
            lost.append(str(error))
            continue
        yield Stored(uids, by_hash[hashlib.sha256(data).digest()])  # type: ignore[arg-type]


def expected(stored: list[Stored]) -> tuple[dict[str, tuple[Stored, int]], dict[str, str]]:
    """Each picture that is to come, by its name without extension; and files without, with the reason."""
    pictures: dict[str, tuple[Stored, int]] = {}
    without: dict[str, str] = {}
    for one in stored:
        try:
            with fastdcm.open(one.path) as image:
                for index in range(len(image)):
                    number = f"_{index + 1:04d}" if len(image) > 1 else ""
                    pictures[os.path.join(*one.uids) + number] = one, index
        except fastdcm.FastdcmError as error:
            without[one.path.name] = error.message
    return pictures, without


class Run:
    """What came of all instances, one way."""

    def __init__(self, server: Orthanc, folder: Path, asked: Asked) -> None:
        self._server, self._folder, self._asked = server, folder, asked
        self.images = 0
        self.ways: Counter[str] = Counter()
        self.reasons: Counter[str] = Counter()
        self.failures: list[str] = []
        #: Files by which Orthanc ended; it is started again after each.
        self.ended: list[str] = []

    def study(self, instances: list[Stored]) -> None:
        """Fetch a study as one, or instance by instance, where one of them ends the server."""
        (uid,) = {one.uids[0] for one in instances}
        result = self._fetched(f"/studies/{uid}")
        if self._server.is_alive:
            self._add(result, result.report.failures)
            return
        self._add(result, [])
        self._server.start()
        for one in instances:
            result = self._fetched("/studies/{}/series/{}/instances/{}".format(*one.uids))
            if self._server.is_alive:
                self._add(result, result.report.failures)
            else:
                self._add(result, [])
                self.ended.append(one.path.name)
                self._server.start()

    def _fetched(self, path: str) -> Fetching:
        wanted = Wanted(parse_address(self._server.url + path), Access(), self._asked)
        web = WebOptions(tries=2, backoff=0)

        async def run() -> Fetching:
            return await fetch([wanted], Place(str(self._folder)), web=web, read=ReadOptions())

        return anyio.run(run)

    def _add(self, result: Fetching, failures: list[Failure]) -> None:
        self.images += result.report.images
        self.ways += result.ways
        self.reasons += result.reasons
        self.failures += map(str, failures)


def compare(pictures: dict[str, tuple[Stored, int]], folder: Path, format: str) -> Iterator[tuple[str, str]]:
    """Each picture, and ``equal``, or what is otherwise than with the file."""
    end = fastdcm_extension(format)
    for name, (one, index) in pictures.items():
        path = folder / f"{name}{end}"
        try:
            with fastdcm.open(one.path) as image:
                ours = image.encode(index, format)
        except fastdcm.FastdcmError as error:
            kind = "neither" if not path.exists() else "only fetched"
            yield f"{one.path.name} frame {index + 1}: {error.message}", kind
            continue
        if not path.exists():
            yield f"{one.path.name} frame {index + 1}", "not fetched"
        else:
            kind = "equal" if path.read_bytes() == ours else "different"
            yield f"{one.path.name} frame {index + 1}", kind


def fastdcm_extension(format: str) -> str:
    return {"jpeg": ".jpg", "png": ".png"}[format]


def compare_frames(client: Client, stored: list[Stored]) -> Iterator[tuple[str, str]]:
    """The last frame of each image, fetched alone: how it came, and whether it shows the same."""
    for one in stored:
        try:
            with fastdcm.open(one.path) as image:
                last = len(image)
                ours = image.render(last - 1)
        except fastdcm.FastdcmError:
            continue
        picture, (index,) = client.open_frames(*one.uids, [last])
        with picture:
            alone = "alone" if len(picture) == 1 else "with all"
            same = np.array_equal(picture.render(index), ours)
        yield f"{one.path.name} frame {last}", f"{alone}, {'equal' if same else 'different'}"


def tell(run: Run, how: str) -> None:
    ways = ", ".join(f"{count} by {way}" for way, count in run.ways.most_common())
    print(f"{how}: {run.images} images ({ways}), {len(run.failures)} failures")
    for why, count in run.reasons.most_common() if "rendered" in how else ():
        print(f"    {count} rendered here, because {why}")
    for words in [*run.failures, *(f"Orthanc ends by {name}" for name in run.ended)]:
        print(f"    {words}")


def tell_compared(pictures: dict[str, tuple[Stored, int]], place: Path, format: str) -> int:
    """How many are not as they should be."""
    outcomes = list(compare(pictures, place, format))
    counts = Counter(kind for _, kind in outcomes)
    print(f"    compared with the files: {dict(counts)}")
    for name, kind in outcomes:
        if kind != "equal":
            print(f"    {kind}: {name}")
    return counts.total() - counts["equal"] - counts["neither"]


def main() -> int:
    logging.getLogger("pydicom").setLevel(logging.CRITICAL + 1)
    program = find_tool("Orthanc")
    if program is None:
        print("Orthanc is not installed")
        return 1
    wrong = 0
    with Orthanc(program) as server, Client(server.url) as client, tempfile.TemporaryDirectory() as folder:
        taken = store(server)
        lost: list[str] = []
        stored = list(placed(client, taken, lost))
        pictures, without = expected(stored)
        instances = len({one.uids for one, _ in pictures.values()})
        print(f"{len(list((CORPUS / 'files').iterdir()))} files, of which Orthanc takes {len(taken)}")
        print(f"{len(stored)} instances in it come back as they are, byte by byte")
        for words in lost:
            print(f"    found and not given: {words}")
        print(f"{instances} of them are images, of {len(pictures)} frames; {len(without)} are not")
        studies: dict[str, list[Stored]] = {}
        for one in stored:
            studies.setdefault(one.uids[0], []).append(one)
        for format in FORMATS:
            for local in (False, True):
                place = Path(folder) / f"{format}-{local}"
                run = Run(server, place, Asked.of(format=format, local=local))
                for instances_of in studies.values():
                    run.study(instances_of)
                tell(run, f"{format} {'--local' if local else '/rendered'}")
                if local:
                    wrong += tell_compared(pictures, place, format)
        outcomes = list(compare_frames(client, stored))
        counts = Counter(kind for _, kind in outcomes)
        print(f"last frames by themselves: {dict(counts)}")
        for name, kind in outcomes:
            if "different" in kind or "with all" in kind:
                print(f"    {kind}: {name}")
            wrong += "different" in kind
    return int(wrong > 0)


if __name__ == "__main__":
    sys.exit(main())
