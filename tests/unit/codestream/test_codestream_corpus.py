"""Every encapsulated frame of the corpus parses and agrees with its data set, but for a known few."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path

import pydicom
import pytest
from pydicom.encaps import generate_frames

from fastdcm import codestream
from fastdcm.codestream import jpeg, jpeg2000, rle
from fastdcm.errors import CodestreamError

DAMAGED = {
    "fo-dicom__genFile.dcm": "no SOI",  # native samples under the UID of JPEG Baseline
    # A sequence delimiter was written over fields of SIZ on purpose, to test offset tables.
    "pydicom__JPEG2000-embedded-sequence-delimiter.dcm": "tiles, more than the standard allows",
}
RLE = "1.2.840.10008.1.2.5"
KINDS = {
    "1.2.840.10008.1.2.4.50": "jpeg",
    "1.2.840.10008.1.2.4.51": "jpeg",
    "1.2.840.10008.1.2.4.53": "jpeg",
    "1.2.840.10008.1.2.4.55": "jpeg",
    "1.2.840.10008.1.2.4.57": "jpeg",
    "1.2.840.10008.1.2.4.70": "jpeg",
    "1.2.840.10008.1.2.4.80": "jpeg-ls",
    "1.2.840.10008.1.2.4.81": "jpeg-ls",
    "1.2.840.10008.1.2.4.90": "jpeg2000",
    "1.2.840.10008.1.2.4.91": "jpeg2000",
    "1.2.840.10008.1.2.4.201": "htj2k",
    "1.2.840.10008.1.2.4.202": "htj2k",
    "1.2.840.10008.1.2.4.203": "htj2k",
}


def _encapsulated(corpus: Path) -> Iterator[tuple[str, str, pydicom.Dataset]]:
    with (corpus / "MANIFEST.csv").open(newline="") as manifest:
        for row in csv.DictReader(manifest):
            path = corpus / "files" / row["file"]
            if row["transfer_syntax"] in {RLE, *KINDS} and path.is_file():
                dataset = pydicom.dcmread(path, force=True)
                if "PixelData" in dataset:
                    yield row["file"], row["transfer_syntax"], dataset


@pytest.mark.filterwarnings("ignore")
def test_frames_of_the_corpus(corpus: Path) -> None:
    wrong: list[str] = []
    damaged: set[str] = set()
    files = 0
    for name, syntax, dataset in _encapsulated(corpus):
        files += 1
        frames = generate_frames(dataset.PixelData, number_of_frames=int(dataset.get("NumberOfFrames") or 1))
        for number, frame in enumerate(frames, 1):
            try:
                told = _geometry(frame, syntax, dataset)
            except CodestreamError as error:
                if name not in DAMAGED or DAMAGED[name] not in str(error):
                    wrong.append(f"{name}, frame {number}: {error}")
                damaged.add(name)
                continue
            expected = (dataset.Rows, dataset.Columns, dataset.SamplesPerPixel)
            if told != expected:
                wrong.append(f"{name}, frame {number}: {told} instead of {expected}")
    assert files > 50
    assert wrong == []
    assert damaged == set(DAMAGED)


def _geometry(frame: bytes, syntax: str, dataset: pydicom.Dataset) -> tuple[int, int, int]:
    if syntax == RLE:
        assert codestream.sniff(frame) is None
        segments = dataset.SamplesPerPixel * max(1, dataset.BitsAllocated // 8)
        found = rle.parse(frame, segments)
        assert sum(length for _, length in found) == len(frame) - rle.HEADER_SIZE
        return dataset.Rows, dataset.Columns, dataset.SamplesPerPixel
    parse = jpeg.parse if KINDS[syntax] in ("jpeg", "jpeg-ls") else jpeg2000.parse
    header = parse(frame)
    assert codestream.sniff(frame) == KINDS[syntax]
    assert header.end <= len(frame)
    return header.rows, header.columns, len(header.components)
