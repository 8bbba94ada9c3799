"""Google Cloud Storage and Azure: objects from there and into there, as with S3."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

import fastdcm
from fastdcm.errors import CollisionError, SourceError
from fastdcm.sinks.objects import ObjectSink
from fastdcm.sinks.run import Run
from fastdcm.sources import stores
from tests.conftest import PYDICOM_FILES
from tests.remote.buckets import Bucket
from tests.remote.clouds import CloudServer
from tests.resume.kills import digests

NAMES = ("CT_small.dcm", "MR_small.dcm", "examples_ybr_color.dcm")


@pytest.fixture(params=["gs", "az"])
def cloud(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Iterator[CloudServer]:
    monkeypatch.setattr(stores, "_STORES", {})
    with CloudServer(request.param) as server:
        server.name_it(monkeypatch, tmp_path)
        yield server


def test_images_from_and_into_a_cloud(cloud: CloudServer, tmp_path: Path) -> None:
    for name in NAMES:
        (tmp_path / "in" / "below").mkdir(parents=True, exist_ok=True)
        shutil.copy(PYDICOM_FILES / name, tmp_path / "in" / "below")
        cloud.files[f"bucket/scans/below/{name}"] = (PYDICOM_FILES / name).read_bytes()
    here = fastdcm.convert(tmp_path / "in", tmp_path / "here")

    there = fastdcm.convert(f"{cloud.scheme}://bucket/scans/", tmp_path / "there")
    into = fastdcm.convert(f"{cloud.scheme}://bucket/scans/", f"{cloud.scheme}://bucket/images")

    assert not there.failures
    assert not into.failures
    assert there.images == into.images == here.images
    expected = digests(tmp_path / "here")
    assert digests(tmp_path / "there") == expected
    for name in expected:
        assert cloud.files[f"bucket/images/{name}"] == (tmp_path / "here" / name).read_bytes()


def test_what_is_there_is_kept_or_replaced(cloud: CloudServer) -> None:
    cloud.files["bucket/out/CT_small.jpg"] = b"of before"
    output = f"{cloud.scheme}://bucket/out"
    assert fastdcm.convert(PYDICOM_FILES / "CT_small.dcm", output + "/").existing == 1
    assert cloud.files["bucket/out/CT_small.jpg"] == b"of before"
    assert fastdcm.convert(PYDICOM_FILES / "CT_small.dcm", output + "/", existing="overwrite").images == 1
    assert cloud.files["bucket/out/CT_small.jpg"].startswith(b"\xff\xd8")


def test_a_single_frame_is_a_part_of_an_object(cloud: CloudServer) -> None:
    data = (PYDICOM_FILES / "examples_ybr_color.dcm").read_bytes()
    cloud.files["bucket/movie.dcm"] = data
    with fastdcm.open(f"{cloud.scheme}://bucket/movie.dcm") as image, fastdcm.open(data) as here:
        assert (image.pixels(7) == here.pixels(7)).all()
    with pytest.raises(SourceError, match="no such object"):
        fastdcm.open(f"{cloud.scheme}://bucket/none.dcm")


def test_one_image_is_not_written_over_another_of_the_run(cloud: CloudServer) -> None:
    run = Run.begin()
    one, other = ObjectSink(run, "keep"), ObjectSink(run, "keep")
    assert one.put(f"{cloud.scheme}://bucket/out", "a.jpg", b"1")
    with pytest.raises(CollisionError, match="which another input of this run has"):
        other.put(f"{cloud.scheme}://bucket/out", "a.jpg", b"2")
    assert cloud.files["bucket/out/a.jpg"] == b"1"


def test_a_profile_of_aws(bucket: Bucket, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    address = bucket.put("scan.dcm", (PYDICOM_FILES / "CT_small.dcm").read_bytes())
    file = tmp_path / "credentials"
    file.write_text("[archive]\naws_access_key_id = of-the-profile\naws_secret_access_key = secret\n")
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(file))
    monkeypatch.setenv("AWS_PROFILE", "archive")
    monkeypatch.setattr(stores, "_STORES", {})

    assert stores._profile()()["access_key_id"] == "of-the-profile"
    with fastdcm.open(address) as image:
        assert image.pixels(0).shape == (128, 128)
