"""Manifests: what they tell, and what a run does that goes on from one."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from pathlib import Path
from typing import Any

import pytest

import fastdcm
from fastdcm.manifest.checking import check
from fastdcm.manifest.reading import latest
from tests.conftest import PYDICOM_FILES

NAMES = ("CT_small.dcm", "MR_small.dcm", "examples_ybr_color.dcm")


@pytest.fixture
def source(tmp_path: Path) -> Path:
    folder = tmp_path / "in"
    folder.mkdir()
    for name in NAMES:
        shutil.copy(PYDICOM_FILES / name, folder)
    (folder / "cut.dcm").write_bytes((PYDICOM_FILES / "MR_small.dcm").read_bytes()[:-1000])
    (folder / "notes.txt").write_text("no image")
    return folder


def convert(source: Path, **options: Any) -> fastdcm.Report:
    place = source.parent
    return fastdcm.convert(source, place / "out", manifest=place / "run.jsonl", **options)


def lines(source: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (source.parent / "run.jsonl").read_bytes().splitlines()]


def times(source: Path) -> dict[Path, int]:
    return {path: path.stat().st_mtime_ns for path in (source.parent / "out").rglob("*.jpg")}


def test_each_frame_has_a_row(source: Path) -> None:
    report = convert(source, checksum=True)

    head, *rows = lines(source)
    assert report.manifest == str(source.parent / "run.jsonl")
    assert head["fastdcm"] == fastdcm.__version__
    written = [row for row in rows if row["status"] == "written"]
    assert len(written) == report.images == 32
    for row in written:
        output = source.parent / row["output"]
        data = output.read_bytes()
        assert (row["bytes"], row["sha256"]) == (len(data), hashlib.sha256(data).hexdigest())
        assert row["source_bytes"] == os.path.getsize(row["source"])
        assert row["milliseconds"] > 0
    colour = [row for row in written if row["source"].endswith("examples_ybr_color.dcm")]
    assert [row["frame"] for row in colour] == list(range(1, 31))
    assert {row["frames"] for row in colour} == {30}
    ct = next(row for row in written if row["source"].endswith("CT_small.dcm"))
    assert (ct["modality"], ct["rows"], ct["columns"], ct["voi"]) == ("CT", 128, 128, "RANGE")
    (cut,) = (row for row in rows if row["status"] == "failed")
    assert (cut["error"], cut["source"]) == ("TruncatedError", str(source / "cut.dcm"))
    (skipped,) = (row for row in rows if row["status"] == "skipped")
    assert skipped["source"] == str(source / "notes.txt")


@pytest.mark.parametrize(
    "options",
    [
        {"size": (64, 64), "fit": "pad"},
        {"spacing": (0.5, 0.5)},
        {"crop": "content"},
        {"crop": "content", "size": 100, "rotate": 90},
        {"flip": "h"},
    ],
    ids=str,
)
def test_rows_sidecars_and_images_tell_the_same_mapping(source: Path, options: dict[str, Any]) -> None:
    (source / "notes.txt").unlink()
    convert(source, metadata="json", frames="1", **options)

    rows = [row for row in lines(source) if row.get("status") == "written"]
    assert {Path(row["source"]).name for row in rows} == set(NAMES)
    for row in rows:
        told = fastdcm.Mapping.from_dict(row["mapping"])
        beside = json.loads((source.parent / f"{row['output']}.json").read_bytes())
        assert told == fastdcm.Mapping.from_dict(beside["mapping"])
        with fastdcm.open(row["source"]) as image:
            of_image = image.mapping(row["frame"] - 1, **options)
            picture = image.render(row["frame"] - 1, **options)
        assert told == of_image
        assert (told.matrix == of_image.matrix).all()
        assert told.output_shape == picture.shape[:2]


@pytest.mark.parametrize("jobs", [1, 2])
def test_what_is_done_is_not_done_again(source: Path, jobs: int) -> None:
    convert(source, jobs=jobs)
    before, count = times(source), len(lines(source))

    report = convert(source, jobs=jobs, resume=True)

    assert times(source) == before
    assert (report.images, report.kept, report.failed_before, report.skipped_count) == (0, 32, 1, 1)
    assert not report.failures
    assert len(lines(source)) == count + 1  # that another run was begun


def test_outputs_without_a_row_and_rows_without_an_output_are_made(source: Path) -> None:
    convert(source)
    whole = {path: path.read_bytes() for path in times(source)}
    head, *rows = (source.parent / "run.jsonl").read_bytes().splitlines(keepends=True)
    told = [row for row in rows if b"MR_small" not in row]
    # The run was killed in the middle of a line, and one image was taken away since.
    (source.parent / "run.jsonl").write_bytes(head + b"".join(told) + rows[0][:40])
    frame = next(path for path in whole if "ybr" in path.name and path.stem.endswith("7"))
    frame.unlink()
    mr = next(path for path in whole if path.name.startswith("MR_small"))
    mr.write_bytes(b"old")

    report = convert(source, resume=True)

    assert {path: path.read_bytes() for path in times(source)} == whole
    assert report.images == 2
    assert [row["status"] for row in latest(str(source.parent / "run.jsonl"))].count("written") == 32


def test_a_source_that_has_changed_is_converted_again(source: Path) -> None:
    convert(source)
    os.utime(source / "CT_small.dcm", ns=(1, 1))

    assert convert(source, resume=True).images == 1


def test_what_failed_is_tried_again_when_that_is_asked_for(source: Path) -> None:
    convert(source)
    whole = (PYDICOM_FILES / "MR_small.dcm").read_bytes()
    before = os.stat(source / "cut.dcm")
    assert convert(source, resume=True, retry_failed=True).failed == 1
    (source / "cut.dcm").write_bytes(whole)
    os.utime(source / "cut.dcm", ns=(before.st_atime_ns, before.st_mtime_ns))

    report = convert(source, resume=True)

    assert report.images == 1  # its size is another one
    assert not [row for row in latest(str(source.parent / "run.jsonl")) if row["status"] == "failed"]


def test_a_run_with_other_options_does_not_go_on(source: Path) -> None:
    convert(source)

    with pytest.raises(fastdcm.OptionError, match="other options"):
        convert(source, resume=True, quality=50)
    with pytest.raises(fastdcm.OptionError, match="--resume goes on"):
        convert(source)
    assert convert(source, existing="overwrite", quality=50).images == 32


def test_what_is_no_manifest_is_left_alone(source: Path) -> None:
    path = source.parent / "run.jsonl"
    path.write_text('{"some": "thing"}\n')

    with pytest.raises(fastdcm.OptionError, match="no manifest"):
        convert(source, resume=True)
    with pytest.raises(fastdcm.OptionError, match="no manifest"):
        list(latest(str(path)))
    assert path.read_text() == '{"some": "thing"}\n'


def test_a_full_disk_is_met_again(source: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the disk did not take is not among what failed for good."""
    (source.parent / "out").mkdir()
    (source.parent / "out" / "CT_small.jpg").mkdir()  # in its way
    first = convert(source, existing="overwrite")
    assert any(isinstance(failure.error, fastdcm.OutputError) for failure in first.failures)
    (source.parent / "out" / "CT_small.jpg").rmdir()

    assert convert(source, resume=True).images == 1


def test_checking_tells_of_what_is_gone_or_changed(source: Path) -> None:
    convert(source, checksum=True)
    manifest = str(source.parent / "run.jsonl")
    assert not [found for found in check(manifest) if found.problem]
    out = source.parent / "out"
    data = bytearray((out / "CT_small.jpg").read_bytes())
    data[-3] ^= 1
    (out / "CT_small.jpg").write_bytes(data)
    (out / "MR_small.jpg").unlink()

    problems = {Path(found.output).name: found.problem for found in check(manifest) if found.problem}

    assert problems == {
        "CT_small.jpg": "is not what was written: its SHA-256 differs",
        "MR_small.jpg": "is not there",
    }


def test_a_movie_has_a_row_for_each_frame(source: Path) -> None:
    convert(source, format="gif", checksum=True)

    rows = [row for row in lines(source) if row.get("source", "").endswith("color.dcm")]
    assert [row["frame"] for row in rows] == list(range(1, 31))
    assert {row["output"] for row in rows} == {"out/examples_ybr_color.gif"}
    assert not [found for found in check(str(source.parent / "run.jsonl")) if found.problem]
    assert convert(source, format="gif", checksum=True, resume=True).images == 0


def test_a_table_is_made_of_the_lines(source: Path) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    place = source.parent
    for resume in (False, True):
        fastdcm.convert(source, place / "out", manifest=place / "run.parquet", resume=resume)

        rows = parquet.read_table(place / "run.parquet").to_pylist()
        assert len(rows) == 34
        assert [row["status"] for row in rows].count("written") == 32
        assert {row["output"] for row in rows if row["frame"]} == {
            row.get("output") for row in latest(str(place / "run.jsonl")) if row["frame"]
        }


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"manifest": "run.csv"}, ".jsonl or .parquet"),
        ({"resume": True}, "manifest"),
        ({"manifest": "run.jsonl", "retry_failed": True}, "resume"),
        ({"manifest": "run.jsonl", "shards": "a-%06d.tar"}, "list of their own"),
        ({"manifest": "nowhere\0.jsonl"}, "cannot write"),
    ],
)
def test_requests_without_sense(tmp_path: Path, options: dict[str, Any], words: str) -> None:
    if "manifest" in options:
        options = {**options, "manifest": str(tmp_path / options["manifest"])}
    with pytest.raises(fastdcm.OptionError, match=words):
        fastdcm.convert(PYDICOM_FILES / "CT_small.dcm", tmp_path / "out", **options)
    assert not (tmp_path / "out").exists()
