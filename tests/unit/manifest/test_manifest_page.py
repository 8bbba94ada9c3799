"""What a page tells of a manifest."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from click.testing import CliRunner

import fastdcm
from fastdcm.cli import cli
from fastdcm.manifest.sums import Group, Sums
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


@pytest.mark.parametrize("seconds", [1, 100, 5000, 10_000_000])
def test_the_curve_has_all_images_in_a_bounded_number_of_slices(seconds: int) -> None:
    pick = random.Random(3)
    times = sorted(pick.uniform(0, seconds) for _ in range(2000))

    sums = Sums.of(image(1e9 + time) for time in times)

    assert sum(sums.curve) == 2000
    assert len(sums.curve) <= 240
    assert sums.width * (len(sums.curve) - 1) <= times[-1] - times[0] < sums.width * len(sums.curve)
    first = sum(time - times[0] < sums.width for time in times)
    assert abs(sums.curve[0] - first) <= 2  # of a time of 1e9 seconds a few digits are left


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
