"""What a page tells of a manifest."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from click.testing import CliRunner

import fastdcm
from fastdcm.cli import cli
from fastdcm.manifest.sums import Group, Sums
from fastdcm.manifest.times import Times
from tests.conftest import PYDICOM_FILES


def image(finished: float, **more: object) -> dict[str, object]:
    return {
        "status": "written", "source": "a", "frame": 1, "output": "a.jpg", "bytes": 10, "modality": "CT",
        "transfer_syntax_uid": "1.2.840.10008.1.2", "milliseconds": 2.0, "finished": finished, **more,
    }  # fmt: skip


def test_sums_of_images_and_failures() -> None:
    failed = {"status": "failed", "source": "b", "frame": 3, "error": "DecodeError", "message": "no"}
    rows = [
        image(5.0),
        image(5.5, modality=None, copied=True, notices=["padding"]),
        failed,
        {**failed, "source": "c"},
    ]

    sums = Sums.of([*rows, {"status": "skipped", "source": "d", "message": "no pixel data"}])

    assert (sums.images, sums.bytes, sums.copied, sums.failed, sums.skipped) == (2, 20, 1, 2, 1)
    assert sums.groups[Group("CT", "1.2.840.10008.1.2")] == 1
    assert sums.groups[Group("unknown", "1.2.840.10008.1.2")] == 1
    assert sums.failures == {("DecodeError", "no"): 2}
    assert sums.examples == {("DecodeError", "no"): "b, frame 3"}
    assert sums.notices == {"padding": 1}


@pytest.mark.parametrize("seconds", [1, 100, 5000])
def test_the_curve_has_all_images_in_a_bounded_number_of_slices(seconds: int) -> None:
    pick = random.Random(3)
    times = sorted(pick.uniform(0, seconds) for _ in range(2000))

    sums = Sums.of(image(1e9 + time) for time in times)

    width, counts = sums.times.curve(240)
    assert sum(counts) == sums.times.images == 2000
    assert 10 < len(counts) <= 240
    assert width * len(counts) == pytest.approx(sums.times.seconds)
    assert sums.times.seconds == pytest.approx(times[-1] - times[0] + 0.002, abs=0.001)
    assert counts[0] == pytest.approx(2000 / len(counts), rel=1)


def test_pauses_are_no_time_of_a_run() -> None:
    """A run of 10 s, gone on from a week later for 5 s; another part of it at the same time as the first."""
    week = 7 * 86400
    finished = [*range(1, 11), *range(week, week + 5), *range(1, 11)]

    times = Sums.of(image(1e9 + time, milliseconds=1000.0) for time in finished).times

    assert times.images == 25
    assert times.spans() == [(1e9, 1e9 + 10), (1e9 + week - 1, 1e9 + week + 4)]
    assert times.seconds == 15
    assert times.start == 1e9


def test_times_take_a_bounded_memory() -> None:
    times = Times()
    for second in range(0, 20_000_000, 50):
        times.add(float(second), 10.0)

    assert times.images == 400_000
    assert times.seconds == pytest.approx(20_000_000, rel=0.001)
    assert len(times._slices) <= 4096
    assert sum(times.curve(240)[1]) == 400_000


def test_messages_do_not_grow_without_end() -> None:
    rows = ({"status": "failed", "source": "s", "error": "E", "message": str(n)} for n in range(5000))

    sums = Sums.of(rows)

    assert sum(sums.failures.values()) == 5000
    assert len(sums.failures) <= 201


def test_the_page_of_a_run(tmp_path: Path) -> None:
    fastdcm.convert(PYDICOM_FILES, tmp_path / "out", manifest=tmp_path / "run.jsonl", jobs=2)

    done = CliRunner().invoke(cli, ["report", str(tmp_path / "run.jsonl")])

    assert (done.exit_code, done.output.strip()) == (0, str(tmp_path / "run.html"))
    page = (tmp_path / "run.html").read_text(encoding="utf-8")
    assert "JPEG 2000 (Lossless Only)" in page
    assert "Samples per Pixel (0028,0002) is missing" in page
    assert page.count("<figure>") >= 20
    assert "images a second</div>" in page
    assert '<polyline class="curve"' in page  # although it takes a second or two
    assert "http://" not in page
    assert "https://" not in page


def test_names_are_text_and_no_markup(tmp_path: Path) -> None:
    source = tmp_path / "<script>alert(1)</script>.dcm".replace("/", "-")
    source.write_bytes(b"\0" * 128 + b"DICM" + b"\xff" * 50)
    fastdcm.convert(source, tmp_path / "out", manifest=tmp_path / "run.jsonl")

    CliRunner().invoke(cli, ["report", str(tmp_path / "run.jsonl"), "-o", str(tmp_path / "page.html")])

    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert "<script" not in page
    assert "&lt;script&gt;" in page


def test_verify_tells_what_is_wrong(tmp_path: Path) -> None:
    fastdcm.convert(PYDICOM_FILES / "CT_small.dcm", tmp_path / "out", manifest=tmp_path / "run.jsonl")
    good = CliRunner().invoke(cli, ["verify", str(tmp_path / "run.jsonl")])
    (tmp_path / "out" / "CT_small.jpg").write_bytes(b"")
    bad = CliRunner().invoke(cli, ["verify", str(tmp_path / "run.jsonl")])
    none = CliRunner().invoke(cli, ["verify", str(tmp_path / "other.jsonl")])

    assert (good.exit_code, good.output) == (0, "1 image as written (by size)\n")
    assert bad.exit_code == 1
    assert "has 0 bytes, not" in bad.output
    assert none.exit_code == 2


def test_verify_says_how_it_compared(tmp_path: Path) -> None:
    manifest = tmp_path / "run.jsonl"
    fastdcm.convert(PYDICOM_FILES / "CT_small.dcm", tmp_path / "out", manifest=manifest, checksum=True)
    output = tmp_path / "out" / "CT_small.jpg"
    output.write_bytes(output.read_bytes()[:-1] + b"x")

    found = CliRunner().invoke(cli, ["verify", str(manifest)])

    assert found.exit_code == 1
    assert "0 images as written (by SHA-256), 1 not" in found.output


def test_a_manifest_without_rows_is_as_it_says(tmp_path: Path) -> None:
    """Of a part that is empty."""
    manifest = tmp_path / "run.jsonl"
    part = next(
        f"{number}/9"
        for number in range(1, 10)
        if not fastdcm.convert(
            PYDICOM_FILES / "CT_small.dcm",
            tmp_path / "out",
            manifest=manifest,
            existing="overwrite",
            part=f"{number}/9",
        ).found
    )

    found = CliRunner().invoke(cli, ["verify", str(manifest)])

    assert (found.exit_code, found.output) == (0, "no image to verify\n"), part


def test_a_page_replaces_only_pages(tmp_path: Path) -> None:
    manifest, page = tmp_path / "run.jsonl", tmp_path / "run.html"
    fastdcm.convert(PYDICOM_FILES / "CT_small.dcm", tmp_path / "out", manifest=manifest)
    page.write_text("of somebody else")

    refused = CliRunner().invoke(cli, ["report", str(manifest)])
    assert refused.exit_code == 2
    assert "no page of fastdcm" in refused.output
    assert page.read_text() == "of somebody else"

    for more in (["--overwrite"], []):
        assert CliRunner().invoke(cli, ["report", str(manifest), *more]).exit_code == 0
    assert "CT_small" in page.read_text()


def test_a_table_stands_for_its_lines(tmp_path: Path) -> None:
    pytest.importorskip("pyarrow")
    table = tmp_path / "run.parquet"
    fastdcm.convert(PYDICOM_FILES / "CT_small.dcm", tmp_path / "out", manifest=table)

    assert CliRunner().invoke(cli, ["verify", str(table)]).output == "1 image as written (by size)\n"
    assert CliRunner().invoke(cli, ["report", str(table)]).exit_code == 0
    (tmp_path / "run.jsonl").unlink()
    alone = CliRunner().invoke(cli, ["verify", str(table)])
    assert alone.exit_code == 2
    assert "run.parquet is made" in alone.output
