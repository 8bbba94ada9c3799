"""Objects far away: the same images, few requests, few bytes, and errors that say what to do."""

from __future__ import annotations

import io
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import pytest

import fastdcm
from fastdcm.batch.discovery import Task, discover
from fastdcm.batch.report import Outcome
from fastdcm.batch.targets import resolve
from fastdcm.errors import OptionError
from fastdcm.manifest.checking import check
from fastdcm.options import Limits
from fastdcm.reader import ranged
from fastdcm.sources import objects
from fastdcm.sources.stores import MOST_REQUESTS
from tests.builders import encapsulated, image, offsets
from tests.conftest import PYDICOM_FILES, ROOT
from tests.remote.buckets import Bucket
from tests.remote.web import FileServer
from tests.resume.kills import digests

NAMES = (
    "CT_small.dcm", "MR_small.dcm", "MR_small_RLE.dcm", "JPEG2000.dcm", "SC_rgb_jpeg_dcmtk.dcm",
    "image_dfl.dcm", "examples_ybr_color.dcm", "SC_rgb_rle_2frame.dcm", "MR_small_bigendian.dcm",
)  # fmt: skip
RNG = np.random.default_rng(3)


def native(frames: int, side: int = 512) -> bytes:
    pixels = RNG.integers(0, 4096, (frames, side, side), np.uint16)
    return image(pixels.tobytes(), rows=side, columns=side, bits=16, stored=12, frames=frames)


def jpegs(frames: int, *, table: bool = True, side: int = 1024) -> bytes:
    """Frames of noise, so that they are large."""
    coded = [
        imagecodecs.jpeg8_encode(RNG.integers(0, 256, (side, side), np.uint8), level=95)
        for _ in range(frames)
    ]
    coded = [data + b"\0" * (len(data) % 2) for data in coded]
    value = encapsulated(coded, table=offsets([[data] for data in coded]) if table else ())
    return image(value, "1.2.840.10008.1.2.4.50", rows=side, columns=side, frames=frames)


@pytest.mark.parametrize("name", NAMES)
def test_an_object_is_read_like_a_file(name: str, web: FileServer, bucket: Bucket) -> None:
    data = (PYDICOM_FILES / name).read_bytes()
    web.files[name] = data
    with fastdcm.open(PYDICOM_FILES / name) as here:
        for address in (f"{web.url}/{name}", bucket.put(f"a/{name}", data)):
            with fastdcm.open(address) as there:
                assert there.header == here.header
                assert there.path == address
                np.testing.assert_array_equal(there.pixels(len(here) - 1), here.pixels(len(here) - 1))


@pytest.mark.parametrize(
    ("make", "frame", "most"),
    [
        pytest.param(lambda: native(100), 57, 1.05, id="native frames of 0.5 MB"),
        pytest.param(lambda: native(24, 1024), 11, 1.05, id="native frames of 2 MB"),
        pytest.param(lambda: jpegs(30), 13, 1.05, id="JPEG frames of 1 MB"),
        pytest.param(lambda: jpegs(30), 29, 1.05, id="the last JPEG frame"),
    ],
)
def test_a_single_frame_transfers_its_own_bytes(
    make: object, frame: int, most: float, web: FileServer, bucket: Bucket
) -> None:
    data = make()  # type: ignore[operator]
    web.files["large.dcm"] = data
    with fastdcm.open(data) as here, fastdcm.open(f"{web.url}/large.dcm") as there:
        own = here._frames.span(frame).length
        np.testing.assert_array_equal(there.pixels(frame), here.pixels(frame))
        assert web.given == there.bytes_read
        assert own < web.given <= most * own
        # One more where this process has seen headers that are longer than what comes first.
        assert len(web.requests) <= 7
        with fastdcm.open(bucket.put("large.dcm", data)) as in_bucket:
            np.testing.assert_array_equal(in_bucket.pixels(frame), here.pixels(frame))
            assert in_bucket.bytes_read <= most * own


@pytest.mark.parametrize("make", [lambda: native(40), lambda: jpegs(16)], ids=["native", "JPEG"])
def test_all_frames_come_in_few_requests(make: object, web: FileServer, tmp_path: Path) -> None:
    data = make()  # type: ignore[operator]
    web.files["large.dcm"] = data
    (tmp_path / "large.dcm").write_bytes(data)
    fastdcm.convert(tmp_path / "large.dcm", tmp_path / "here", name="{frame}")
    report = fastdcm.convert(f"{web.url}/large.dcm", tmp_path / "there", name="{frame}")
    assert not report.failures
    assert digests(tmp_path / "there") == digests(tmp_path / "here")
    assert len(web.requests) <= len(data) / ranged.PIECE + 6
    assert web.given <= 1.05 * len(data)


def test_frames_without_an_offset_table_are_found(web: FileServer) -> None:
    data = jpegs(12, table=False)
    web.files["large.dcm"] = data
    with fastdcm.open(data) as here, fastdcm.open(f"{web.url}/large.dcm") as there:
        np.testing.assert_array_equal(there.pixels(5), here.pixels(5))
        assert web.given < len(data) / 6


def test_selected_frames_are_fetched_alone(web: FileServer, tmp_path: Path) -> None:
    data = native(60)
    web.files["large.dcm"] = data
    fastdcm.convert(f"{web.url}/large.dcm", tmp_path / "out", frames="3-5,40")
    assert len(digests(tmp_path / "out")) == 4
    assert web.given <= 1.05 * 4 * 512 * 512 * 2
    assert len(web.requests) == 3, "the beginning, the first three, the other"


def test_objects_are_on_their_way_while_others_are_converted(web: FileServer, tmp_path: Path) -> None:
    """As many requests are under way as a worker has; what is fetched ahead is fetched once."""
    data = (PYDICOM_FILES / "CT_small.dcm").read_bytes()
    names = [f"{number:03}.dcm" for number in range(120)]
    web.files |= dict.fromkeys(names, data)
    web.delay = 0.05
    report = fastdcm.convert([f"{web.url}/{name}" for name in names], tmp_path / "out", jobs=1)
    assert report.images == len(names)
    assert 4 <= web.most_under_way <= MOST_REQUESTS + 2
    assert len({asked.target for asked in web.requests}) == len(names)
    assert web.given <= 1.1 * len(names) * len(data)


def test_a_server_without_ranges(web: FileServer) -> None:
    data = native(20)
    web.files["x.dcm"] = data
    web.gives_ranges = False
    with fastdcm.open(f"{web.url}/x.dcm") as there, fastdcm.open(data) as here:
        np.testing.assert_array_equal(there.pixels(7), here.pixels(7))
    assert web.given <= 2 * len(data), "it is asked for a range, gives all of it, and is asked for that"


def test_large_objects_do_not_come_ahead_as_a_whole(web: FileServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """16 of them may be on their way at once, and each would wait in memory."""
    monkeypatch.setattr(objects, "_AHEAD", objects._Ahead())
    small, large = b"s" * 100_000, b"l" * ((4 << 20) + 1)
    web.files |= {f"{number}": small if number < 3 else large for number in range(10)}
    web.gives_ranges = False
    coming = [objects.Coming(f"{web.url}/{number}") for number in range(10)]
    objects.fetch_ahead(coming[:8])
    begun = [future.result() for future in objects._AHEAD._coming.values()]
    assert [found and len(found.data) for found in begun] == [len(small)] * 3 + [None] * 5
    asked = len(web.requests)
    objects.fetch_ahead(coming[8:])
    assert len(objects._AHEAD._coming) == 8, "what is known of the server"
    assert len(web.requests) == asked
    for number in range(10):
        source = objects.open_object(coming[number].name, Limits())
        assert source.whole == (small if number < 3 else large)


@pytest.mark.parametrize("size", [0, 1, 1000])
def test_what_is_no_dicom(size: int, web: FileServer, bucket: Bucket) -> None:
    web.files["x"] = bytes(size)
    for address in (f"{web.url}/x", bucket.put("x", bytes(size))):
        with pytest.raises(fastdcm.NotDicomError):
            fastdcm.open(address)


def test_an_object_that_changes_is_an_error(web: FileServer) -> None:
    web.files["x.dcm"] = native(20)
    with fastdcm.open(f"{web.url}/x.dcm") as there:
        web.files["x.dcm"] = native(20)
        with pytest.raises(fastdcm.SourceError, match="it changed while it was read"):
            there.pixels(5)


@pytest.mark.parametrize(("status", "words"), [(404, "no such object"), (403, "refuses"), (401, "refuses")])
def test_what_servers_refuse(status: int, words: str, web: FileServer) -> None:
    web.files["x.dcm"] = b"x"
    web.refuses = status
    with pytest.raises(fastdcm.SourceError, match=words) as error:
        fastdcm.open(f"{web.url}/x.dcm?signature=geheim&user=me")
    assert "geheim" not in str(error.value)
    assert "user=me" in str(error.value)


def test_what_buckets_refuse(bucket: Bucket, tmp_path: Path) -> None:
    with pytest.raises(fastdcm.SourceError, match=f"bucket {bucket.name} has no such object"):
        fastdcm.open(f"{bucket.url}/x.dcm")
    with pytest.raises(fastdcm.SourceError, match="there is no bucket no-such-bucket"):
        fastdcm.open("s3://no-such-bucket/x.dcm")
    report = fastdcm.convert("s3://no-such-bucket/a/", tmp_path / "out")
    assert ["there is no bucket" in str(failure) for failure in report.failures] == [True]


def test_a_server_that_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fastdcm.sources.stores._RETRIES", 0)
    with pytest.raises(fastdcm.SourceError, match="cannot be reached"):
        fastdcm.open("http://127.0.0.1:9/x.dcm")


def test_without_the_library(tmp_path: Path) -> None:
    """A run that has no addresses needs none; one that has is told which."""
    script = (
        "import sys; sys.modules['obstore'] = None; import fastdcm\n"
        f"fastdcm.convert({str(PYDICOM_FILES / 'CT_small.dcm')!r}, {str(tmp_path / 'a.jpg')!r})\n"
        "fastdcm.open('s3://bucket/x')"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, cwd=ROOT)
    assert "pip install obstore" in done.stderr.splitlines()[-1]
    assert (tmp_path / "a.jpg").exists()


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """Folders, names that are equal but for their ends, files that are none."""
    folder = tmp_path / "in"
    for below in ("", "a", "a/b", "c.dcm"):
        (folder / below).mkdir(exist_ok=True)
        for name in NAMES[:3]:
            shutil.copy(PYDICOM_FILES / name, folder / below / name)
    shutil.copy(PYDICOM_FILES / NAMES[1], folder / "a" / "CT_small.ima")
    shutil.copy(PYDICOM_FILES / NAMES[1], folder / "a" / "IM 1+2%20ü#~")
    (folder / "a" / "notes.txt").write_text("no image")
    return folder


def upload(tree: Path, bucket: Bucket, prefix: str) -> str:
    for path in sorted(tree.rglob("*")):
        if path.is_file():
            bucket.put(f"{prefix}/{path.relative_to(tree).as_posix()}", path.read_bytes())
    return f"{bucket.url}/{prefix}"


@pytest.mark.parametrize("slash", ["", "/"])
@pytest.mark.parametrize("options", [{}, {"flat": True}, {"name": "{path}"}], ids=["tree", "flat", "path"])
def test_a_prefix_is_like_a_folder(
    tree: Path, bucket: Bucket, tmp_path: Path, slash: str, options: dict[str, object]
) -> None:
    address = upload(tree, bucket, "deep/in") + slash
    here = fastdcm.convert(tree, tmp_path / "here", jobs=2, **options)
    there = fastdcm.convert(address, tmp_path / "there", jobs=2, **options)
    assert digests(tmp_path / "there") == digests(tmp_path / "here")
    assert (there.images, there.skipped_by_reason) == (here.images, here.skipped_by_reason)
    assert there.bytes_read == here.bytes_read
    assert not there.failures


def test_large_folders_are_handed_out_in_lots(
    bucket: Bucket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fastdcm.batch.objects._TOGETHER", 10)
    for number in range(25):
        bucket.put(f"in/{number:02}.dcm", b"x")
    targets = resolve([f"{bucket.url}/in/"], str(tmp_path), "jpeg")
    found = list(discover(targets))
    assert [item.stem for item in found if isinstance(item, Task)] == [f"{number:02}" for number in range(25)]


def test_what_a_run_writes_into_its_own_prefix_is_no_input(bucket: Bucket) -> None:
    data = (PYDICOM_FILES / "CT_small.dcm").read_bytes()
    bucket.put("in/a.dcm", data)
    bucket.put("in/images/old.jpg", b"an image of before")
    report = fastdcm.convert(f"{bucket.url}/in", f"{bucket.url}/in/images")
    assert (report.found, report.images, report.skipped_count) == (1, 1, 0)
    with pytest.raises(OptionError, match="is the output folder as well"):
        fastdcm.convert(f"{bucket.url}/in", f"{bucket.url}/in/")


@pytest.mark.parametrize(
    ("sources", "output", "words"),
    [
        (["s3://bucket/a/"], None, "nothing is written beside addresses"),
        (["a.dcm"], "https://server/out", "images are not written by HTTP"),
        (["s3://bucket/a.zip"], "out", "archives are read where they are files"),
    ],
)
def test_requests_that_make_no_sense(sources: list[str], output: str | None, words: str) -> None:
    with pytest.raises(OptionError, match=words):
        fastdcm.convert(sources, output)


def test_a_web_folder_cannot_be_listed(web: FileServer, tmp_path: Path) -> None:
    report = fastdcm.convert(f"{web.url}/folder/", tmp_path / "out")
    (failure,) = report.failures
    assert "name the objects one by one, or in a list" in str(failure)
    assert not web.requests


def test_signatures_get_into_no_manifest(web: FileServer, tmp_path: Path) -> None:
    web.files["a b.dcm"] = (PYDICOM_FILES / "CT_small.dcm").read_bytes()
    sources = [f"{web.url}/a%20b.dcm?sig=geheim", f"{web.url}/none.dcm?sig=geheim"]
    report = fastdcm.convert(sources, tmp_path / "out", manifest=tmp_path / "run.jsonl", metadata="json")
    assert (report.images, report.failed) == (1, 1)
    assert "geheim" not in (tmp_path / "run.jsonl").read_text() + str(report)
    assert sorted(digests(tmp_path / "out")) == ["a b.jpg", "a b.jpg.json"]
    assert "geheim" not in (tmp_path / "out" / "a b.jpg.json").read_text()
    with fastdcm.open(sources[0]) as there:
        assert there.path == f"{web.url}/a%20b.dcm?sig=...addb0f5e"


def test_the_command(web: FileServer, bucket: Bucket, tmp_path: Path) -> None:
    data = (PYDICOM_FILES / "CT_small.dcm").read_bytes()
    web.files["x.dcm"] = data
    bucket.put("in/y.dcm", data)
    local = tmp_path / "z.dcm"
    local.write_bytes(data)
    sources = [f"{web.url}/x.dcm", f"{bucket.url}/in", f"file://{local}"]
    command = [sys.executable, "-m", "fastdcm", "convert", *sources, "-o", str(tmp_path / "out")]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, env=dict(os.environ))
    assert done.returncode == 0, done.stderr
    assert sorted(digests(tmp_path / "out")) == ["in/y.jpg", "x.jpg", "z.jpg"]


def test_what_is_read_of_objects_is_told(web: FileServer, tmp_path: Path) -> None:
    web.files["x.dcm"] = (PYDICOM_FILES / "CT_small.dcm").read_bytes()
    seen: list[Outcome] = []
    report = fastdcm.convert(f"{web.url}/x.dcm", tmp_path / "x.jpg", manifest=tmp_path / "run.jsonl")
    assert report.bytes_read == web.given, seen
    row = json.loads((tmp_path / "run.jsonl").read_text().splitlines()[-1])
    assert row["source"] == f"{web.url}/x.dcm"
    assert row["source_bytes"] == len(web.files["x.dcm"])
    assert io.BytesIO((tmp_path / "x.jpg").read_bytes()).read(2) == b"\xff\xd8"


def test_failures_ask_no_server(web: FileServer, tmp_path: Path) -> None:
    """What is known of a source that failed is what was seen when it was opened."""
    web.files["bad.dcm"] = (PYDICOM_FILES / "CT_small.dcm").read_bytes()[:-500]
    sources = [f"{web.url}/bad.dcm", f"{web.url}/none.dcm"]
    options: dict[str, Any] = {"manifest": tmp_path / "run.jsonl"}
    assert fastdcm.convert(sources, tmp_path / "out", **options).failed == 2

    assert not [asked for asked in web.requests if asked.method == "HEAD"]
    bad, none = sorted(map(json.loads, (tmp_path / "run.jsonl").read_text().splitlines()[1:]), key=_source)
    assert bad["source_bytes"] == len(web.files["bad.dcm"])
    assert "source_bytes" not in none
    web.files["none.dcm"] = (PYDICOM_FILES / "CT_small.dcm").read_bytes()
    again = fastdcm.convert(sources, tmp_path / "out", resume=True, **options)
    assert (again.images, again.failed, again.failed_before) == (1, 0, 1)


def _source(row: dict[str, Any]) -> str:
    return str(row["source"])


def test_what_objects_are_now_is_asked_of_some_at_once(web: FileServer, tmp_path: Path) -> None:
    for number in range(40):
        web.files[f"{number:02}.dcm"] = (PYDICOM_FILES / "CT_small.dcm").read_bytes()
    names = tmp_path / "list.txt"
    names.write_text("".join(f"{web.url}/{name}\n" for name in web.files))
    command = [sys.executable, "-m", "fastdcm", "convert", f"@{names}", "-o", str(tmp_path / "out")]
    command += ["--manifest", str(tmp_path / "run.jsonl"), "--quiet"]
    subprocess.run(command, check=True, cwd=ROOT)
    web.requests.clear()
    web.delay, web.most_under_way = 0.1, 0

    done = subprocess.run([*command[:-1], "--resume"], capture_output=True, text=True, cwd=ROOT)

    assert done.returncode == 0, done.stderr
    assert "40 images more of the run before this one" in done.stdout
    assert [asked.method for asked in web.requests] == ["HEAD"] * 40
    assert 4 <= web.most_under_way <= 16


def test_outputs_are_verified_some_at_once_and_told_in_their_order(web: FileServer, tmp_path: Path) -> None:
    lines: list[dict[str, Any]] = [{"run": "now", "fastdcm": "0.1.0", "made_of": "x"}]
    about = {"status": "written", "frame": 1, "finished": 1.0}
    for number in range(40):
        name, data = f"{number:02}.jpg", bytes(number)
        if number != 17:
            web.files[name] = data
        size = 7 if number == 30 else number
        lines.append({**about, "source": f"/in/{number}", "output": f"{web.url}/{name}", "bytes": size})
    (tmp_path / "run.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    web.delay = 0.05

    found = list(check(str(tmp_path / "run.jsonl")))

    assert [image.source for image in found] == [f"/in/{number}" for number in range(40)]
    problems = {image.source: image.problem for image in found if image.problem}
    assert problems == {"/in/17": "is not there", "/in/30": "has 30 bytes, not 7"}
    assert 4 <= web.most_under_way <= MOST_REQUESTS
