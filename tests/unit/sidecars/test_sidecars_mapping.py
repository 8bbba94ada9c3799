"""Sidecars tell where the pixels of an image lie in its source, if its geometry was to be changed."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import fastdcm
from tests.builders import Element, image


def source(folder: Path) -> Path:
    pixels = np.zeros((2, 60, 100), np.uint8)
    pixels[0, 20:40, 30:60], pixels[1, 10:50, 30:60] = 200, 150
    path = folder / "in" / "scan.dcm"
    path.parent.mkdir()
    spacing = Element(0x00280030, "DS", "0.5\\0.5")
    path.write_bytes(image(pixels.tobytes(), rows=60, columns=100, frames=2, extra=[spacing]))
    return path


OPTIONS = {"crop": "content", "spacing": 0.4, "size": (130, 96), "fit": "pad", "rotate": 90}


def expected(path: Path) -> list[dict[str, Any]]:
    with fastdcm.open(path) as opened:
        return [opened.mapping(index, **OPTIONS).as_dict() for index in range(2)]


def test_json(tmp_path: Path) -> None:
    path = source(tmp_path)
    fastdcm.convert(path.parent, tmp_path / "out", format="png", metadata="json", **OPTIONS)
    for index, mapping in enumerate(expected(path), 1):
        (beside,) = (tmp_path / "out").glob(f"*{index}.png.json")
        told = json.loads(beside.read_text())["mapping"]
        assert told == mapping
        found = fastdcm.Mapping.from_dict(told)
        with Image.open(beside.with_suffix("")) as written:
            assert written.size[::-1] == found.output_shape
            x, y = np.floor(found.to_output((45, 30))).astype(int)
            assert written.getpixel((int(x), int(y))) == written.getextrema()[1] > 0


def test_csv(tmp_path: Path) -> None:
    path = source(tmp_path)
    fastdcm.convert(path.parent, tmp_path / "out", format="png", metadata="csv", tags="Modality", **OPTIONS)
    with open(tmp_path / "out" / "metadata.csv", newline="") as file:
        rows = sorted(csv.DictReader(file), key=lambda row: row["frame"])
    assert list(rows[0])[-2:] == ["mapping", "Modality"]
    assert [json.loads(row["mapping"]) for row in rows] == expected(path)


def test_frames_of_one_file(tmp_path: Path) -> None:
    path = source(tmp_path)
    fastdcm.convert(path.parent, tmp_path / "out", format="gif", metadata="json", **OPTIONS)
    (beside,) = (tmp_path / "out").glob("*.json")
    record = json.loads(beside.read_text())
    assert "mapping" not in record
    assert [frame["mapping"] for frame in record["frames"]] == expected(path)


@pytest.mark.parametrize("metadata", ["json", "csv"])
def test_nothing_is_told_where_nothing_changes(tmp_path: Path, metadata: str) -> None:
    path = source(tmp_path)
    fastdcm.convert(path.parent, tmp_path / "out", format="png", metadata=metadata)
    for told in (tmp_path / "out").glob("*.json" if metadata == "json" else "*.csv"):
        assert "mapping" not in told.read_text()
