"""Images into a store: those of a folder, whole or not at all, and kept, replaced and verified like these."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import fastdcm
from fastdcm.errors import CollisionError, OptionError, OutputError
from fastdcm.manifest.checking import check
from fastdcm.sinks.objects import ObjectSink
from fastdcm.sinks.run import Run
from fastdcm.sources.listing import Folders
from fastdcm.sources.stores import Listed, Stat, Store
from tests.conftest import PYDICOM_FILES, ROOT
from tests.remote.buckets import Bucket
from tests.resume.kills import digests

NAMES = ("CT_small.dcm", "MR_small.dcm", "examples_ybr_color.dcm")


@pytest.fixture
def source(tmp_path: Path) -> Path:
    folder = tmp_path / "in"
    (folder / "below").mkdir(parents=True)
    for name in NAMES:
        shutil.copy(PYDICOM_FILES / name, folder)
        shutil.copy(PYDICOM_FILES / name, folder / "below")
    return folder


def digested(objects: dict[str, bytes]) -> dict[str, str]:
    return {name: hashlib.sha256(data).hexdigest() for name, data in objects.items()}


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"format": "png", "metadata": "json", "tags": ["Modality"]},
        {"name": "{modality}/{path}"},
        {"format": "gif"},
        {"jobs": 2, "size": 64},
    ],
    ids=["plain", "sidecars", "template", "movies", "workers"],
)
def test_the_objects_are_the_files(
    options: dict[str, Any], source: Path, bucket: Bucket, tmp_path: Path
) -> None:
    here = fastdcm.convert(source, tmp_path / "here", **options)
    there = fastdcm.convert(source, f"{bucket.url}/deep/there", **options)
    assert not there.failures
    assert (there.images, there.bytes_written) == (here.images, here.bytes_written)
    assert digested(bucket.objects("deep/there/")) == digests(tmp_path / "here")


def test_one_named_image(source: Path, bucket: Bucket) -> None:
    fastdcm.convert(source / "CT_small.dcm", f"{bucket.url}/x/named.png")
    assert bucket.objects()["x/named.png"].startswith(b"\x89PNG")


def test_what_is_there_is_kept_or_replaced(source: Path, bucket: Bucket) -> None:
    output = f"{bucket.url}/out"
    old = bucket.put("out/CT_small.jpg", b"of before")
    kept = fastdcm.convert(source / "CT_small.dcm", output)
    assert (kept.images, kept.existing) == (0, 1)
    skipped = fastdcm.convert([source / "CT_small.dcm", source / "MR_small.dcm"], output, existing="skip")
    assert (skipped.images, skipped.existing) == (1, 1)
    assert bucket.objects("out/")["CT_small.jpg"] == b"of before", old
    replaced = fastdcm.convert(source, output, existing="overwrite")
    assert (replaced.existing, replaced.failure_count) == (0, 0)
    assert bucket.objects("out/")["CT_small.jpg"].startswith(b"\xff\xd8")


def test_one_image_is_not_written_over_another_of_the_run(bucket: Bucket) -> None:
    run = Run.begin()
    for existing in ("keep", "overwrite"):
        one, other = ObjectSink(run, existing), ObjectSink(run, existing)
        folder = f"{bucket.url}/{existing}"
        assert one.put(folder, "a.jpg", b"1")
        with pytest.raises(CollisionError, match="which another input of this run has"):
            other.put(folder, "a.jpg", b"2")
        assert other.put(folder, "a.jpg", b"3", own=True), "its own, of a try that was cut off"
        assert bucket.objects(f"{existing}/") == {"a.jpg": b"3"}
        if existing == "keep":
            with pytest.raises(CollisionError):
                other.leaves(folder, "a.jpg")
            assert not other.leaves(folder, "a.jpg", own=True)
            assert ObjectSink(Run.begin()._replace(tag="another"), "skip").leaves(folder, "a.jpg")


def test_an_answer_that_was_lost_is_no_collision(bucket: Bucket, monkeypatch: pytest.MonkeyPatch) -> None:
    """The library tries again what the store has written already, and is told that it is there."""
    sink = ObjectSink(Run.begin(), "keep")
    put = type(bucket.store).put

    def twice(store: Any, *arguments: Any, replace: bool) -> None:
        put(store, *arguments, replace=True)
        put(store, *arguments, replace=replace)

    monkeypatch.setattr(type(bucket.store), "put", twice)
    assert sink.put(bucket.url, "a.jpg", b"1")


class Counted:
    """How often a store was asked what an object is, and how many names it has listed, in one process."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.stats = self.listings = self.names = 0
        stat, below = Store.stat, Store.below

        def counted_stat(store: Store, key: str) -> Stat:
            self.stats += 1
            return stat(store, key)

        def counted_below(store: Store, prefix: str) -> Iterator[Listed]:
            self.listings += 1
            for listed in below(store, prefix):
                self.names += 1
                yield listed

        monkeypatch.setattr(Store, "stat", counted_stat)
        monkeypatch.setattr(Store, "below", counted_below)


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> Counted:
    return Counted(monkeypatch)


def test_a_folder_is_listed_where_many_images_go_there(bucket: Bucket, counted: Counted) -> None:
    for number in range(0, 40, 2):
        bucket.put(f"out/{number}.jpg", b"x")
        bucket.put(f"out/below/{number + 1}.jpg", b"x")
    sink = ObjectSink(Run.begin(), "skip")
    left = [number for number in range(40) if sink.leaves(f"{bucket.url}/out", f"{number}.jpg")]
    assert left == list(range(0, 40, 2)), "what lies further below is not in the way"
    assert (counted.stats, counted.listings, counted.names) == (10, 1, 40)


def test_large_folders_are_not_listed_to_their_end(
    bucket: Bucket, counted: Counted, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fastdcm.sinks.objects._MANY", 5)
    for name in ["a.jpg", *(f"{number:02}.jpg" for number in range(20))]:
        bucket.put(f"out/{name}", b"x")
    sink = ObjectSink(Run.begin(), "skip")
    for _ in range(20):
        assert sink.leaves(f"{bucket.url}/out", "a.jpg")
        assert not sink.leaves(f"{bucket.url}/out", "c.jpg")
    assert (counted.stats, counted.listings, counted.names) == (40, 1, 6)


def test_folders_in_turn_are_not_listed_again(bucket: Bucket, counted: Counted) -> None:
    sink = ObjectSink(Run.begin(), "skip")
    for number in range(30):
        for folder in "abc":
            assert not sink.leaves(f"{bucket.url}/{folder}", f"{number}.jpg")
    assert (counted.stats, counted.listings) == (30, 3)


def test_nothing_is_asked_where_nothing_is_in_the_way(
    source: Path, bucket: Bucket, counted: Counted, tmp_path: Path
) -> None:
    report = fastdcm.convert(source, f"{bucket.url}/out", jobs=1, size=32)
    sink = ObjectSink(Run.begin()._replace(tag="another"), "keep")
    folder = f"{bucket.url}/new"
    for number in range(30):
        assert not sink.leaves(folder, f"{number}.jpg")
        assert sink.put(folder, f"{number}.jpg", b"1")
    assert (counted.stats, counted.listings) == (0, 0)
    assert not sink.put(f"{bucket.url}/out", "CT_small.jpg", b"1"), "what is there is kept"
    assert sink.leaves(f"{bucket.url}/out", "CT_small.jpg"), "from then on before the work"
    assert counted.stats == 1
    assert not report.failures


def test_objects_have_their_type(source: Path, bucket: Bucket) -> None:
    fastdcm.convert(source / "CT_small.dcm", f"{bucket.url}/", format="png")
    assert bucket.store.attributes("CT_small.png")["Content-Type"] == "image/png"


def test_a_manifest_of_objects_is_verified_and_gone_on_from(
    source: Path, bucket: Bucket, tmp_path: Path
) -> None:
    output, manifest = f"{bucket.url}/out", tmp_path / "run.jsonl"
    first = fastdcm.convert(source, output, manifest=manifest, checksum=True, format="gif")
    rows = [json.loads(line) for line in manifest.read_text().splitlines()[1:]]
    assert {row["output"].rpartition("/")[0] for row in rows} == {output, f"{output}/below"}
    assert [found.problem for found in check(str(manifest))] == [""] * first.images
    bucket.put("out/CT_small.gif", b"something else")
    bucket.store.delete("out/MR_small.gif")
    problems = {
        found.output.rpartition("/")[2]: found.problem for found in check(str(manifest)) if found.problem
    }
    assert problems["MR_small.gif"] == "is not there"
    assert "bytes, not" in problems["CT_small.gif"]
    again = fastdcm.convert(source, output, manifest=manifest, checksum=True, format="gif", resume=True)
    below = sum("/below/" in row["output"] for row in rows)
    assert (again.images, again.kept) == (2, below + 30)
    assert all(not found.problem for found in check(str(manifest)))
    page = subprocess.run(
        [sys.executable, "-m", "fastdcm", "report", str(manifest)], capture_output=True, text=True, cwd=ROOT
    )
    assert page.returncode == 0, page.stderr
    assert "data:image/jpeg;base64," in manifest.with_suffix(".html").read_text()


def test_a_prefix_is_gone_on_from(source: Path, bucket: Bucket, tmp_path: Path) -> None:
    """Sources that have not changed are known again by the listing."""
    for path in source.glob("*.dcm"):
        bucket.put(f"in/{path.name}", path.read_bytes())
    options: dict[str, Any] = {"manifest": tmp_path / "run.jsonl", "resume": True}
    fastdcm.convert(f"{bucket.url}/in", tmp_path / "out", **options)
    again = fastdcm.convert(f"{bucket.url}/in", tmp_path / "out", **options)
    assert (again.images, again.kept) == (0, 32)
    bucket.put("in/CT_small.dcm", (source / "MR_small.dcm").read_bytes())
    changed = fastdcm.convert(f"{bucket.url}/in", tmp_path / "out", **options)
    assert (changed.images, changed.kept) == (1, 31)


def test_a_bucket_that_is_not_there(source: Path, s3_server: str) -> None:
    report = fastdcm.convert(source / "CT_small.dcm", "s3://no-such-bucket/out")
    (failure,) = report.failures
    assert isinstance(failure.error, OutputError)
    assert "there is no bucket no-such-bucket" in str(failure)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"shards": "a-%03d.tar"}, "archives are written into folders"),
        ({"metadata": "csv"}, "no table"),
        ({"manifest": "s3://bucket/run.jsonl"}, "it is a file"),
    ],
)
def test_what_stores_do_not_take(options: dict[str, Any], words: str, source: Path) -> None:
    with pytest.raises(OptionError, match=words):
        fastdcm.convert(source, "s3://bucket/out", **options)


def test_names_of_many_folders_are_held_in_part(bucket: Bucket, counted: Counted) -> None:
    for folder in "abc":
        for number in range(4):
            bucket.put(f"{folder}/{number}.jpg", b"x" * number)
    folders = Folders(9)
    for folder in "abc":
        for _ in range(10):
            assert folders.sizes_in(f"{bucket.url}/{folder}") is None
        assert folders.sizes_in(f"{bucket.url}/{folder}") == {f"{number}.jpg": number for number in range(4)}
    assert sorted(folders._looked) == [f"{bucket.url}/b", f"{bucket.url}/c"]
    assert counted.listings == 3
    large = Folders(3)
    assert [large.sizes_in(f"{bucket.url}/a") for _ in range(15)] == [None] * 15
    assert counted.listings == 4


def test_resuming_lists_no_folder_again_nor_to_its_end(
    bucket: Bucket, counted: Counted, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Images go to two folders in turn, in which there is more than would be listed."""
    monkeypatch.setattr("fastdcm.manifest.done._MANY", 20)
    (tmp_path / "in").mkdir()
    for number in range(24):
        modality = ("CT", "MR")[number % 2]
        shutil.copy(PYDICOM_FILES / f"{modality}_small.dcm", tmp_path / "in" / f"{number:02}.dcm")
        bucket.put(f"out/{modality}/more-{number}.txt", b"x")
    options: dict[str, Any] = {"name": "{modality}/{stem}", "manifest": tmp_path / "run.jsonl", "size": 16}
    first = fastdcm.convert(tmp_path / "in", f"{bucket.url}/out", **options)
    before = counted.listings, counted.names
    again = fastdcm.convert(tmp_path / "in", f"{bucket.url}/out", resume=True, **options)
    assert (first.images, again.kept) == (24, 24)
    assert (counted.listings - before[0], counted.names - before[1]) == (2, 2 * 21)
