"""A folder of objects of every kind, and ``fastdcm serve`` on it, as a process of its own."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import pytest

from tests.builders import EXPLICIT, Element, dicom, image
from tests.conftest import PYDICOM_FILES, REQUIRE_PEERS

if TYPE_CHECKING:
    import httpx

#: Without the extra ``web`` there is nothing to test here.
if not (REQUIRE_PEERS or all(map(find_spec, ("httpx", "httptools", "starlette", "uvicorn")))):
    collect_ignore_glob = ["test_*.py"]

STUDY, OTHER_STUDY = "1.2.3.100", "1.2.3.200"
CT, MULTI, COLOUR, PDF, NOTE = (f"{STUDY}.{number}" for number in range(1, 6))
PDF_BYTES = b"%PDF-1.4 no pages here\n%%EOF\n"
SLICES = tuple(f"{CT}.{number}" for number in (1, 2, 3))
FRAMES = 4
#: Of pydicom's own: compressed, colour, a report.
_OTHERS = (
    "CT_small.dcm",
    "JPEG2000.dcm",
    "MR_small_RLE.dcm",
    "SC_rgb_jpeg_dcmtk.dcm",
    "test-SR.dcm",
    "examples_palette.dcm",
)


class Url(NamedTuple):
    """Paths of objects in the folder."""

    ct: str = f"/studies/{STUDY}/series/{CT}/instances/{SLICES[0]}"
    multi: str = f"/studies/{STUDY}/series/{MULTI}/instances/{MULTI}.1"
    colour: str = f"/studies/{STUDY}/series/{COLOUR}/instances/{COLOUR}.1"
    pdf: str = f"/studies/{STUDY}/series/{PDF}/instances/{PDF}.1"
    note: str = f"/studies/{STUDY}/series/{NOTE}/instances/{NOTE}.1"
    ct_series: str = f"/studies/{STUDY}/series/{CT}"
    study: str = f"/studies/{STUDY}"


URL = Url()


def of_patient(
    series: str, instance: str, *, number: int = 1, modality: str = "CT", study: str = STUDY
) -> list[Element]:
    """Who and what, of an object of the folder, in the order of tags."""
    return [
        Element(0x00080005, "CS", "ISO_IR 192"),
        Element(0x00080016, "UI", "1.2.840.10008.5.1.4.1.1.7"),
        Element(0x00080018, "UI", instance),
        Element(0x00080020, "DA", "20240131"),
        Element(0x00080030, "TM", "101500"),
        Element(0x00080050, "SH", "A1"),
        Element(0x00080060, "CS", modality),
        Element(0x00081030, "LO", "Kopf"),
        Element(0x0008103E, "LO", f"series {modality}"),
        Element(0x00100010, "PN", "Müller^Jörg".encode() + b" "),
        Element(0x00100020, "LO", "P-1"),
        Element(0x00100030, "DA", "19700102"),
        Element(0x0020000D, "UI", study),
        Element(0x0020000E, "UI", series),
        Element(0x00200011, "IS", series.rpartition(".")[2]),
        Element(0x00200013, "IS", number),
    ]


def ct_slice(number: int, *, rows: int = 24, columns: int = 32) -> bytes:
    """A slice of the CT series: 16 bits, a gradient."""
    pixels = b"".join(
        (100 * number + 7 * row + 3 * column).to_bytes(2, "little")
        for row in range(rows)
        for column in range(columns)
    )
    extra = of_patient(CT, SLICES[number - 1], number=number)
    extra += [Element(0x00281050, "DS", "300"), Element(0x00281051, "DS", "400")]
    return image(pixels, rows=rows, columns=columns, bits=16, stored=12, extra=extra)


def fill(folder: Path) -> None:
    """Put the objects into a folder, with one below another and things that are no DICOM."""
    (folder / "ct" / "deep").mkdir(parents=True)
    for number in (1, 2, 3):
        (folder / "ct" / "deep" / f"{number}.dcm").write_bytes(ct_slice(number))
    frames = b"".join(bytes([40 * frame + column for column in range(10)]) * 6 for frame in range(FRAMES))
    extra = of_patient(MULTI, f"{MULTI}.1", modality="US")
    multi = image(frames, rows=6, columns=10, frames=FRAMES, extra=extra)
    (folder / "multi.dcm").write_bytes(multi)
    pixels = bytes(range(240)) * 2
    colour = image(
        pixels, rows=8, columns=20, samples=3, extra=of_patient(COLOUR, f"{COLOUR}.1", modality="XC")
    )
    (folder / "colour.dcm").write_bytes(colour)
    pdf = [
        *of_patient(PDF, f"{PDF}.1", modality="DOC"),
        Element(0x00420011, "OB", PDF_BYTES + b"\0" * (len(PDF_BYTES) % 2)),
        Element(0x00420012, "LO", "application/pdf"),
        Element(0x00420015, "UL", len(PDF_BYTES)),
    ]
    (folder / "pdf.dcm").write_bytes(dicom(pdf, EXPLICIT))
    note = [*of_patient(NOTE, f"{NOTE}.1", modality="KO"), Element(0x0040A040, "CS", "CONTAINER")]
    (folder / "note.dcm").write_bytes(dicom(note, EXPLICIT))
    for name in _OTHERS:
        shutil.copy(PYDICOM_FILES / name, folder / name)
    (folder / "README.txt").write_text("no DICOM", encoding="ascii")


class Served(NamedTuple):
    """A server that runs: its URL, its folder, its index, its process, what it said."""

    url: str
    folder: Path
    index: Path
    process: subprocess.Popen[str]
    log: Path

    def client(self, **headers: str) -> httpx.Client:
        """A client of it."""
        import httpx

        return httpx.Client(base_url=self.url, headers=headers, timeout=60, follow_redirects=False)


@contextmanager
def running(folder: Path, index: Path, *options: str) -> Iterator[Served]:
    """``fastdcm serve`` until the block ends; it has looked through the folder once."""
    command = [sys.executable, "-m", "fastdcm", "serve", str(folder), "--port", "0", "--index", str(index)]
    log = index.with_suffix(".log")
    with log.open("w", encoding="utf-8") as words:
        process = subprocess.Popen([*command, *options], stdout=subprocess.PIPE, stderr=words, text=True)
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert " at http://" in line, log.read_text(encoding="utf-8")
        served = Served(line.rpartition(" at ")[2].strip().rstrip("/"), folder, index, process, log)
        with served.client() as client:
            wait_for(lambda: client.get("/healthz").json()["complete"] == 1)
        yield served
    finally:
        process.terminate()
        process.communicate(timeout=30)


def wait_for(is_there: Callable[[], bool], seconds: float = 60.0) -> None:
    """Until something is so; an error where it does not become so."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if is_there():
            return
        time.sleep(0.05)
    raise AssertionError("it did not happen in time")


@pytest.fixture(scope="session")
def served(tmp_path_factory: pytest.TempPathFactory) -> Generator[Served, None, None]:
    """A server on the folder of `fill`, which stays as it is."""
    place = tmp_path_factory.mktemp("served")
    folder = place / "folder"
    folder.mkdir()
    fill(folder)
    with running(
        folder, place / "index.sqlite", "--rescan", "0", "--cors", "https://viewer.example"
    ) as server:
        yield server


@pytest.fixture(scope="session")
def client(served: Served) -> Generator[httpx.Client, None, None]:
    """A client of `served`."""
    with served.client() as client:
        yield client


def models(response: httpx.Response) -> list[dict[str, dict[str, object]]]:
    """The data sets of an answer in DICOM JSON; none of one without content."""
    found: list[dict[str, dict[str, object]]] = json.loads(response.content or b"[]")
    return found
