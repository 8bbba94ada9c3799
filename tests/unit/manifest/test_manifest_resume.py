"""What runs do that go on from a manifest whose sources, outputs or rows are not what they were."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest

import fastdcm
from fastdcm.batch.report import Watcher
from fastdcm.manifest.checking import check
from fastdcm.manifest.reading import latest
from tests.builders import image
from tests.conftest import PYDICOM_FILES, ROOT


@pytest.fixture
def source(tmp_path: Path) -> Path:
    folder = tmp_path / "in"
    folder.mkdir()
    shutil.copy(PYDICOM_FILES / "CT_small.dcm", folder)
    shutil.copy(PYDICOM_FILES / "MR_small.dcm", folder)
    (folder / "many.dcm").write_bytes(image(frames=5))
    return folder


def convert(source: Path, **options: Any) -> fastdcm.Report:
    place = source.parent
    return fastdcm.convert(source, place / "out", manifest=place / "run.jsonl", **options)


def rows(source: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (source.parent / "run.jsonl").read_bytes().splitlines()]


def problems(source: Path) -> dict[str, str]:
    found = check(str(source.parent / "run.jsonl"))
    return {Path(image.output).name: image.problem for image in found if image.problem}


def command(*arguments: object) -> subprocess.CompletedProcess[str]:
    line = [sys.executable, "-m", "fastdcm", *map(str, arguments)]
    return subprocess.run(line, cwd=ROOT, capture_output=True, text=True)


def test_first_frames_are_not_all_frames(source: Path, tmp_path: Path) -> None:
    run = ["convert", source / "many.dcm", tmp_path / "f.jpg", "--manifest", tmp_path / "f.jsonl"]
    assert command(*run).returncode == 0

    other = command(*run, "--resume", "--frames", "all")

    assert other.returncode == 2
    assert "f.jsonl is of a run with other options: give the same ones" in other.stderr
    assert "cannot write" not in other.stderr
    assert command(*run, "--resume").returncode == 0


@pytest.mark.parametrize("format", ["jpeg", "gif"])
def test_outputs_of_others_stay_left_alone(source: Path, format: str) -> None:
    out = source.parent / "out"
    convert(source, format=format)
    (source.parent / "run.jsonl").unlink()
    foreign = {path: b"of others" for path in out.iterdir() if path.name[:2] in ("CT", "ma")}
    for path, data in foreign.items():
        path.write_bytes(data)
    mine = next(path for path in out.iterdir() if path.name.startswith("MR"))
    mine.unlink()
    first = convert(source, format=format)
    assert (first.images, first.existing) == (1, len(foreign))

    again = convert(source, format=format, resume=True)

    assert (again.images, again.existing, again.kept) == (0, len(foreign), 1)
    assert {path: path.read_bytes() for path in foreign} == foreign
    skipped = convert(source, format=format, resume=True, existing="skip")
    assert (skipped.images, skipped.existing) == (0, 0)
    replaced = convert(source, format=format, resume=True, existing="overwrite")
    assert (replaced.images, replaced.existing, replaced.kept) == (len(foreign), 0, 1)
    assert b"of others" not in {path.read_bytes() for path in foreign}


def test_outputs_of_others_beside_frames_that_are_left(source: Path) -> None:
    """One frame of five is of others, one is gone."""
    out = source.parent / "out"
    out.mkdir()
    (out / "many_0002.jpg").write_bytes(b"of others")
    convert(source)
    (out / "many_0004.jpg").unlink()

    again = convert(source, resume=True)

    assert (again.images, again.existing) == (1, 1)
    assert (out / "many_0002.jpg").read_bytes() == b"of others"


def test_the_command_tells_of_outputs_of_others_each_time(source: Path, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "CT_small.jpg").write_bytes(b"of others")
    run = ["convert", source, "-o", tmp_path / "out", "--manifest", tmp_path / "run.jsonl", "-j", 1]

    for more in ([], ["--resume"], ["--resume"]):
        done = command(*run, *more)
        assert done.returncode == 1
        assert "1 output existed and was left alone" in done.stdout


def test_sums_are_compared_where_that_is_asked_for(source: Path) -> None:
    convert(source, checksum=True)
    output = source.parent / "out" / "CT_small.jpg"
    whole = output.read_bytes()
    output.write_bytes(whole[:-1] + b"x")

    assert convert(source, resume=True).images == 0  # of the same size
    assert convert(source, resume=True, checksum=True).images == 1
    assert output.read_bytes() == whole


@pytest.mark.parametrize("format", ["jpeg", "gif"])
def test_what_has_no_sum_gets_one(source: Path, format: str) -> None:
    convert(source, format=format)
    manifest = str(source.parent / "run.jsonl")
    assert not any("sha256" in row for row in latest(manifest))
    (
        source.parent
        / "out"
        / f"many{'_0003' if format == 'jpeg' else ''}.{format[:3]}".replace("jpe", "jpg")
    ).unlink()

    convert(source, format=format, resume=True, checksum=True)

    found = list(latest(manifest))
    assert len(found) == 7
    for row in found:
        assert row["sha256"] == hashlib.sha256((source.parent / row["output"]).read_bytes()).hexdigest()
    count = len(rows(source))
    convert(source, format=format, resume=True, checksum=True)
    assert len(rows(source)) == count + 1


def test_json_that_is_gone_is_noticed(source: Path) -> None:
    convert(source, metadata="json")
    assert not problems(source)
    gone = source.parent / "out" / "CT_small.jpg.json"
    gone.unlink()

    assert problems(source) == {"CT_small.jpg": "its JSON, CT_small.jpg.json, is not there"}
    assert convert(source, metadata="json", resume=True).images == 1
    assert gone.exists()
    assert not problems(source)


@pytest.mark.parametrize("format", ["jpeg", "gif"])
def test_frames_that_are_no_more_do_not_count(source: Path, format: str) -> None:
    convert(source, format=format)
    (source / "many.dcm").write_bytes(image(frames=3))
    for number in (4, 5):
        (source.parent / "out" / f"many_000{number}.jpg").unlink(missing_ok=True)

    assert convert(source, format=format, resume=True).images == (3 if format == "jpeg" else 1)
    assert not problems(source)
    assert len(list(latest(str(source.parent / "run.jsonl")))) == 5
    assert convert(source, format=format, resume=True).images == 0


def test_a_failure_of_the_whole_keeps_what_was_made(source: Path) -> None:
    """Frames are there, then the file is out of reach, then it is not any more."""
    convert(source)
    gone = source.parent / "out" / "many_0004.jpg"
    gone.unlink()
    manifest = source.parent / "run.jsonl"
    of_many = next(row for row in rows(source)[1:] if row["source"] == str(source / "many.dcm"))
    stamp = {name: value for name, value in of_many.items() if name.startswith("source")}
    error = {"error": "SourceError", "message": "cannot be read: Input/output error"}
    with manifest.open("a") as file:
        file.write(json.dumps({**stamp, "frame": None, "status": "failed", **error}) + "\n")
    assert [row["status"] for row in latest(str(manifest))] == ["written"] * 7 + ["failed"]

    assert convert(source, resume=True).images == 1  # and not 5
    assert not [row for row in latest(str(manifest)) if row["status"] == "failed"]


def test_a_table_of_another_run_is_not_replaced(source: Path) -> None:
    pytest.importorskip("pyarrow")
    place = source.parent
    table = place / "run.parquet"
    table.write_bytes(b"of others")
    for resume in (False, True):
        with pytest.raises(fastdcm.OptionError, match=r"run.parquet is there already"):
            fastdcm.convert(source, place / "out", manifest=table, resume=resume)
    assert table.read_bytes() == b"of others"
    assert not (place / "run.jsonl").exists()
    assert fastdcm.convert(source, place / "out", manifest=table, existing="overwrite").images == 7
    assert fastdcm.convert(source, place / "out", manifest=table, resume=True).kept == 7


def test_a_manifest_is_of_one_run_at_a_time(source: Path) -> None:
    class Second(Watcher):
        def done(self, outcome: object) -> None:
            for options in ({"resume": True}, {"existing": "overwrite"}):
                with pytest.raises(fastdcm.OptionError, match=r"another run is writing .*run\.jsonl"):
                    convert(source, **options)
            seen.append(outcome)

    seen: list[object] = []
    assert convert(source, watcher=Second()).images == 7
    assert len(seen) == 3
    assert convert(source, resume=True).kept == 7


def test_a_manifest_that_is_none_is_not_held(source: Path) -> None:
    convert(source)
    manifest = source.parent / "run.jsonl"
    whole = manifest.read_bytes()
    manifest.write_bytes(whole + b"no row\n")
    with pytest.raises(fastdcm.OptionError, match="no row of a manifest"):
        convert(source, resume=True)
    manifest.write_bytes(whole)
    assert convert(source, resume=True).kept == 7


def test_a_damaged_member_is_not_tried_again(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.write(PYDICOM_FILES / "CT_small.dcm", "good.dcm")
        archive.write(PYDICOM_FILES / "MR_small.dcm", "bad.dcm")
        at = archive.getinfo("bad.dcm").header_offset + 2000
    data = bytearray(path.read_bytes())
    data[at : at + 20] = bytes(20)
    path.write_bytes(data)
    options: dict[str, Any] = {"manifest": tmp_path / "run.jsonl"}
    first = fastdcm.convert(path, tmp_path / "out", **options)
    assert (first.images, [type(failure.error) for failure in first.failures]) == (1, [fastdcm.ArchiveError])

    again = fastdcm.convert(path, tmp_path / "out", resume=True, **options)
    assert (again.failures, again.failed_before, again.kept) == ([], 1, 1)
    assert fastdcm.convert(path, tmp_path / "out", resume=True, retry_failed=True, **options).failed == 1


def test_joined_manifests_may_be_torn_where_they_meet(source: Path) -> None:
    convert(source)
    manifest = source.parent / "run.jsonl"
    head, *lines = manifest.read_bytes().splitlines(keepends=True)
    torn = lines[-1][:50]
    assert b"\n" not in torn
    told = list(latest(str(manifest)))
    for joint in (torn, torn + b"\n"):  # cat leaves them on one line, others do not
        manifest.write_bytes(head + b"".join(lines[:3]) + joint + head + b"".join(lines[3:]))
        assert list(latest(str(manifest))) == told
        assert not problems(source)
        assert convert(source, resume=True).kept == 7
    manifest.write_bytes(head + b"".join(lines[:3]) + torn + b"\n" + b"".join(lines[3:]))
    with pytest.raises(fastdcm.OptionError, match=r"run\.jsonl, line 5: no row of a manifest"):
        list(latest(str(manifest)))


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"source": None}, "its source is nothing"),
        ({"output": 7}, "its output is 7"),
        ({"finished": "soon"}, "its finished is 'soon'"),
        ({"bytes": None}, "its bytes is nothing"),
        ({"status": "odd"}, "its status is 'odd'"),
        ({"status": ["written"]}, "its status is"),
    ],
    ids=str,
)
def test_rows_that_lack_something_are_named(source: Path, changes: dict[str, Any], words: str) -> None:
    convert(source)
    manifest = source.parent / "run.jsonl"
    head, first, *others = manifest.read_bytes().splitlines(keepends=True)
    bad = json.dumps({**json.loads(first), **changes}).encode() + b"\n"
    manifest.write_bytes(b"".join([head, *others, bad]))

    for name in ("verify", "report"):
        done = command(name, manifest)
        assert done.returncode == 2
        assert f"run.jsonl, line {len(others) + 2}: no row of a manifest: {words}" in done.stderr
    with pytest.raises(fastdcm.OptionError, match="no row of a manifest"):
        convert(source, resume=True)


def test_a_part_that_is_no_text(source: Path) -> None:
    with pytest.raises(fastdcm.OptionError, match="write 3/16"):
        convert(source, part=(1, 2))


def test_a_row_of_something_that_was_there_may_not_know_its_size(source: Path) -> None:
    out = source.parent / "out"
    out.mkdir()
    (out / "CT_small.jpg").write_bytes(b"of others")
    convert(source)
    manifest = source.parent / "run.jsonl"
    manifest.write_bytes(manifest.read_bytes().replace(b'"bytes":9,', b'"bytes":null,'))
    assert rows(source)[1]["bytes"] is None

    assert not problems(source)
    os.unlink(out / "CT_small.jpg")
    assert problems(source) == {"CT_small.jpg": "is not there"}
    assert convert(source, resume=True).images == 1


def test_a_name_that_was_taken_is_tried_again(source: Path) -> None:
    """Where it still is another input's nothing is replaced; a run at the same time may have had it."""
    convert(source)
    shutil.copy(PYDICOM_FILES / "MR_small.dcm", source / "CT_small")
    output = source.parent / "out" / "CT_small.jpg"
    whole = output.read_bytes()
    for _ in range(2):
        report = convert(source, resume=True)
        assert [type(failure.error) for failure in report.failures] == [fastdcm.CollisionError]
        assert output.read_bytes() == whole
    manifest = source.parent / "run.jsonl"
    lines = manifest.read_bytes().splitlines(keepends=True)
    manifest.write_bytes(b"".join(line for line in lines if b'"out/CT_small.jpg"' not in line))
    (source / "CT_small.dcm").unlink()
    output.unlink()

    assert convert(source, resume=True).images == 1
    assert not problems(source)
