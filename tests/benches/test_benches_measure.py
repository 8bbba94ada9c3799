"""The measurements measure what they say; how long anything takes is nobody's business here."""

from __future__ import annotations

import json
import os
from pathlib import Path

import imagecodecs
import numpy as np
import pytest
from PIL import Image

import fastdcm
from benches.corpus import Case
from benches.measure import children, conversion, decoding, deviations, frames, guard, scaling, small, speed
from tests.benches.measured import stages as measured_stages
from tests.builders import encapsulated, image
from tests.conftest import PYDICOM_FILES


def case_of(folder: Path, *files: bytes, frames: int = 1) -> Case:
    place = folder / "case"
    place.mkdir()
    for number, data in enumerate(files, 1):
        (place / f"{number:06}.dcm").write_bytes(data)
    return Case("case", "", "CT", "", "", str(place), len(files), frames * len(files), 1, 1, 8)


def gray(rows: int = 64, columns: int = 64) -> bytes:
    pixels = np.random.default_rng(0).integers(0, 4096, rows * columns).astype("<u2").tobytes()
    return image(pixels, bits=16, stored=12, rows=rows, columns=columns, center=2000, width=3000)


# Deviations


def test_deviation_of_known_pixels() -> None:
    ours = np.zeros((2, 2), np.uint8)
    theirs = np.array([[0, 2], [3, 255]], np.uint8)
    assert deviations.deviation(ours, theirs) == {"mean": 65.0, "most": 255, "share": 0.5}
    as_colour = np.repeat(theirs[..., None], 3, 2)
    assert deviations.deviation(ours, as_colour)["most"] == 255
    assert deviations.deviation(ours, theirs[:1]) == {"words": "1 x 2 instead of 2 x 2"}


def test_deviations_are_of_the_first_image_and_count_all(tmp_path: Path) -> None:
    for name, levels in {"ours": [10, 99], "theirs": [13, 0], "nobody": []}.items():
        (tmp_path / name / "deep").mkdir(parents=True)
        for number, level in enumerate(levels):
            pixels = np.full((2, 2), level, np.uint8)
            Image.fromarray(pixels).save(tmp_path / name / "deep" / f"x_{number}.png")
    (tmp_path / "theirs" / "deep" / "empty.jpg").write_bytes(b"")
    found = deviations.main(tmp_path, "ours")
    assert found["ours"]["most"] == 0
    assert (found["theirs"]["most"], found["theirs"]["images"]) == (3, 2)
    assert found["nobody"] == {"images": 0, "bytes": 0}


# Small images


def test_small_images_are_the_same_picture_in_both_ways(tmp_path: Path) -> None:
    y, x = np.indices((384, 512))
    pixels = (128 + 60 * np.sin(y / 190) * np.cos(x / 210)).astype(np.uint8)
    stream = bytes(imagecodecs.jpeg8_encode(pixels, level=95))
    values = {"rows": 384, "columns": 512, "bits": 8}
    case = case_of(tmp_path, image(encapsulated([stream]), "1.2.840.10008.1.2.4.50", **values))
    found = small.measure([str(path) for path in Path(case.folder).iterdir()], 0, 64)
    assert found["rounds"] == small.LEAST_ROUNDS
    assert found["mean"] < 0.5
    assert 0 < found["most"] < 5  # halved, and not the full way twice
    took = found["seconds"]
    assert took["decode"] + took["kernel"] + took["resize"] <= 2 * took["full"]
    assert found["ratio"]["least"] <= found["ratio"]["median"] <= found["ratio"]["most"]


# Decoders


def test_decoders_are_compared_on_streams_that_we_take(tmp_path: Path) -> None:
    pixels = np.random.default_rng(1).integers(0, 255, (512, 512), np.uint8)
    lossless = {"lossless": True, "predictor": 1, "bitspersample": 8}
    streams = {
        "1.2.840.10008.1.2.4.70": bytes(imagecodecs.jpeg8_encode(pixels, **lossless)),
        "1.2.840.10008.1.2.4.50": bytes(imagecodecs.jpeg8_encode(pixels)),  # no decoder of our own
        "1.2.840.10008.1.2.4.90": bytes(
            imagecodecs.jpeg2k_encode(pixels, codecformat="j2k", reversible=True)
        ),
    }
    seen: set[bytes] = set()
    found = []
    for uid, stream in streams.items():
        path = tmp_path / uid
        path.write_bytes(image(encapsulated([stream]), uid, rows=512, columns=512, bits=8))
        found.append(decoding.measure(str(path), 0, seen))
        assert decoding.measure(str(path), 0, seen) is None, "the same stream again"
    kinds = [one and one["kind"] for one in found]
    assert kinds == ["JPEG lossless", None, "JPEG 2000 lossless (5/3)"]
    assert all(one["rounds"] == decoding.LEAST_ROUNDS and one["own"] > 0 for one in found if one)


# The stages


def test_stages_write_what_a_run_writes(tmp_path: Path) -> None:
    from benches.measure import stages
    from fastdcm.batch.stages import STAGES

    case = case_of(tmp_path, gray(), (PYDICOM_FILES / "MR_small_RLE.dcm").read_bytes())
    (target := tmp_path / "out").mkdir()
    paths = [f"{case.folder}/{name}.dcm" for name in ("000001", "000002")]
    work, clock = stages.Work(paths, str(target)), stages.Clock()
    for way in (work._whole, work._by_stages, work._floor):
        way("0", clock)
    for number, path in enumerate(paths):
        written = {name: (target / name).read_bytes() for name in os.listdir(target) if f"{number}" in name}
        encoded = fastdcm.open(path).encode()
        for name in (f"0-{number}.jpg", f"0-stages{number}.jpg", f"0-floor{number}_0.jpg"):
            assert written[name] == encoded, name
    assert set(STAGES) < set(clock.seconds)
    assert all(clock.seconds[name] > 0 for name in STAGES)


def test_stages_of_a_baseline_jpeg_are_a_copy(tmp_path: Path) -> None:
    from benches.measure import stages

    stream = Path(tmp_path / "x.jpg")
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (32, 32), np.uint8)).save(stream, quality=80)
    data = image(encapsulated([stream.read_bytes()]), "1.2.840.10008.1.2.4.50", rows=32, columns=32)
    case = case_of(tmp_path, data)
    found = stages.measure(case, 0)
    assert found["seconds"]["decode"] == 0
    assert found["untouched"] is True
    assert found["rounds"] >= stages.LEAST_ROUNDS


def test_floor_is_bare_and_whole_is_more(tmp_path: Path) -> None:
    from benches.measure import stages

    found = stages.measure(case_of(tmp_path, gray(), gray()), 0)
    assert {"total", "kernel", "bare encode"} <= found["seconds"].keys()
    assert "bare decode" not in found["seconds"], "native pixels need no decoder"
    assert found["ratio"]["least"] <= found["ratio"]["median"] <= found["ratio"]["most"]
    assert os.listdir(tmp_path) == ["case"], "nothing is left"


# The guard


@pytest.mark.parametrize(("ratio", "word"), [(1.3, "as before"), (2.0, "slower"), (0.8, "faster")])
def test_guard_has_a_wide_margin_and_never_fails(ratio: float, word: str) -> None:
    (row,) = guard.compare([measured_stages("ct-native", ratio)], {"ct-native": 1.25})
    assert row == {"case": "ct-native", "ratio": ratio, "reference": 1.25, "verdict": word}


def test_guard_knows_what_is_new(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guard, "REFERENCE", tmp_path / "reference.json")
    assert guard.load() == {}
    (row,) = guard.compare([measured_stages("a")], guard.load())
    assert (row["verdict"], row["reference"]) == ("new", None)
    guard.write([measured_stages("a", 1.25)])
    guard.write([measured_stages("b", 1.5)])
    assert guard.load() == {"a": 1.25, "b": 1.5}


def test_committed_reference_is_of_cases_that_there_are() -> None:
    from benches.corpus import _CASES

    names = {f"{kind} {syntax}".lower().replace(" ", "-") for kind, syntax, *_ in _CASES}
    assert guard.load()
    assert guard.load().keys() <= names


# Bytes, frames, runs


def test_least_bytes_of_a_frame_are_header_and_frame(tmp_path: Path) -> None:
    path = tmp_path / "x.dcm"
    head = frames.native(path, 3, 8)
    assert path.stat().st_size == head + 3 * 2 * 8 * 8
    with fastdcm.open(path) as opened:
        assert (len(opened), opened.header.rows) == (3, 8)
    head, frame = frames.compressed(path, 5)
    assert path.stat().st_size == head + 5 * frame + 8, "the sequence delimiter"
    with fastdcm.open(path) as opened:
        assert opened.render(4).shape == (frames.SIDE, frames.SIDE)


def test_conversion_counts_images(tmp_path: Path) -> None:
    case = case_of(tmp_path, gray(), gray(), gray())
    target = tmp_path / "target"
    target.mkdir()
    found = conversion.measure(case.folder, str(target), 1)
    assert (found["images"], found["failures"]) == (3, 0)
    assert len(os.listdir(target / "out")) == 3
    assert json.dumps(found)


def test_numbers_of_jobs_double_up_to_the_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    for cores, counts in ((1, [1]), (2, [1, 2]), (6, [1, 2, 4, 6]), (8, [1, 2, 4, 8])):
        monkeypatch.setattr(scaling, "cores", lambda cores=cores: list(range(cores)))
        assert scaling.job_counts() == counts


def test_scaling_is_told_from_what_a_machine_gives(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Two processes get now 1.9, now 1.2 times as much; ours take 0.1 s to start, and then scale alike."""
    case = case_of(tmp_path, gray())
    gives = [1.0, 1.9, 1.2, 1.0]  # one and two jobs, then two and one
    asked: list[int] = []

    def encode(encoders: list[object], images: int) -> float:
        asked.append(len(encoders))
        return images / gives[(len(asked) - 1) // 2]

    def convert(source: str, jobs: int, folder: Path) -> dict[str, float]:
        images = len(os.listdir(source))
        work = 1.5 * images / gives[(len(asked) - 1) // 2] if images > jobs else 0.0
        return {"seconds": 0.1 + work, "waited": 0.01, "parent": 0.02}

    monkeypatch.setattr(scaling, "cores", lambda: [0, 1])
    monkeypatch.setattr(scaling, "_encode", encode)
    monkeypatch.setattr(scaling, "_convert", convert)
    one, two = scaling.measure(case, 10, 2, tmp_path)["points"]
    assert asked == [1, 1, 2, 2, 2, 2, 1, 1]
    assert one["relative"] == one["once started"] == {"median": 1.0, "least": 1.0, "most": 1.0}
    assert two["bare speed-up"] == pytest.approx((1.9 + 1.2) / 2)
    assert two["once started"] == pytest.approx({"median": 1.0, "least": 1.0, "most": 1.0})
    assert two["relative"]["least"] == pytest.approx(15.1 / (0.1 + 15 / 1.9) / 1.9)
    assert two["relative"]["most"] == pytest.approx(15.1 / (0.1 + 15 / 1.2) / 1.2)
    assert two["start"] == pytest.approx(0.1)


def test_children_answer_and_say_when_they_died(tmp_path: Path) -> None:
    case = case_of(tmp_path, gray())
    child = children.Child("benches.peers", "fastdcm_worker", *children.pinned(children.cores()[0]))
    assert child.hello["version"] == fastdcm.__version__
    with children.empty_folder(tmp_path) as target:
        answer = child.ask({"source": case.folder, "target": target, "format": "jpeg"})
        assert answer.keys() == {"seconds"}
        assert len(os.listdir(target)) == 1
    assert not Path(target).exists()
    assert "failed" in child.ask({"source": str(tmp_path / "nowhere"), "target": "", "format": "jpeg"})
    child._process.kill()
    assert child.ask({})["failed"] == "its process died"
    child.end()


def test_speed_of_two_peers(tmp_path: Path) -> None:
    case = case_of(tmp_path, gray(), gray())
    names = ("fastdcm_worker", "pydicom_pillow")
    found = speed.compare_speed(case, "png", speed.Settings(0, 0, 0, 2, tmp_path, names))
    ours, theirs = found["peers"]
    assert [len(row["seconds"]) for row in (ours, theirs)] == [2, 2]
    assert (ours["deviation"]["most"], ours["failed"], theirs["failed"]) == (0, "", "")
    assert theirs["deviation"]["most"] <= 2
    assert theirs["deviation"]["images"] == 1
