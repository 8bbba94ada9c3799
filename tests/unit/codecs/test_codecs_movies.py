"""GIF and MP4 of several frames, as FFmpeg and Pillow play them."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageSequence

from fastdcm.codecs.encoders import gif
from fastdcm.codecs.encoders.movies import open_movie
from fastdcm.errors import EncodeError
from fastdcm.options import EncodeOptions, Format
from tests.unit.codecs.written import QUIET, Array, Peer, by_ffmpeg, run


def scene(shape: tuple[int, ...], frames: int) -> list[Array]:
    """Smooth frames of all levels, which move."""
    rows, columns = shape[:2]
    y, x = np.mgrid[:rows, :columns]
    found = []
    for number in range(frames):
        planes = [127.5 + 127.5 * np.sin((x + 2 * number) / 9 + k) * np.cos(y / 11 + k) for k in range(3)]
        whole = np.stack(planes, axis=2).round().astype(np.uint8)
        found.append(whole if len(shape) == 3 else np.ascontiguousarray(whole[..., 0]))
    return found


def movie(
    frames: list[Array], seconds: list[float], format: Format, folder: Path | None = None, **options: Any
) -> bytes:
    """The file, written in memory or to a path."""
    file = io.BytesIO()
    target = file if folder is None else str(folder / ".temporary")
    how = EncodeOptions(format, **options)
    with open_movie(target, how, frames=len(frames), threads=1) as made:
        for frame, time in zip(frames, seconds, strict=True):
            made.add(frame, time)
        made.finish()
        assert not made.remark
    return file.getvalue() if folder is None else (folder / ".temporary").read_bytes()


def delays(data: bytes) -> list[int]:
    """Hundredths of a second of each frame of a GIF."""
    with Image.open(io.BytesIO(data)) as found:
        return [round(frame.info["duration"] / 10) for frame in ImageSequence.Iterator(found)]


# GIF


@pytest.mark.parametrize("shape", [(1, 1), (13, 17), (64, 61)], ids=str)
def test_gif_of_gray_is_exact(shape: tuple[int, ...], tmp_path: Path, peer: Peer) -> None:
    frames = scene(shape, 5)
    data = movie(frames, [0.1] * 5, "gif")
    assert np.array_equal(by_ffmpeg(data, ".gif", "rgb24", tmp_path, peer), np.stack([frames] * 3, axis=-1))
    with Image.open(io.BytesIO(data)) as found:
        assert (found.n_frames, found.info["loop"]) == (5, 0)  # type: ignore[attr-defined]
        shown = [np.asarray(frame.convert("L")) for frame in ImageSequence.Iterator(found)]
    assert np.array_equal(shown, frames)


def test_gif_of_few_colours_is_exact() -> None:
    frames = [frame // 52 * 52 for frame in scene((40, 50, 3), 3)]
    assert all(len(np.unique(frame.reshape(-1, 3), axis=0)) > 50 for frame in frames)
    with Image.open(io.BytesIO(movie(frames, [0.1] * 3, "gif"))) as found:
        shown = [np.asarray(frame.convert("RGB")) for frame in ImageSequence.Iterator(found)]
    assert np.array_equal(shown, frames)


def test_gif_of_many_colours_is_near() -> None:
    frames = scene((60, 80, 3), 3)
    with Image.open(io.BytesIO(movie(frames, [0.1] * 3, "gif"))) as found:
        shown = [np.asarray(frame.convert("RGB")).astype(int) for frame in ImageSequence.Iterator(found)]
    for before, after in zip(frames, shown, strict=True):
        assert np.abs(after - before).mean() < 9
        assert np.abs(after - before).max() < 70


def test_gif_of_gray_and_colour_frames(tmp_path: Path, peer: Peer) -> None:
    """As an object gives that has a supplemental palette, or gray values in three channels."""
    gray, colour = scene((20, 30), 1)[0], scene((20, 30, 3), 1)[0] // 64 * 64
    frames = [gray, colour, np.repeat(gray[..., None], 3, axis=2)]
    # Pillow shows the second by the palette of the first.
    shown = by_ffmpeg(movie(frames, [0.1] * 3, "gif"), ".gif", "rgb24", tmp_path, peer)
    assert np.array_equal(shown[0], frames[2])
    assert np.array_equal(shown[1], colour)
    assert np.array_equal(shown[2], frames[2])


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        ([0.04] * 4, [4, 4, 4, 4]),
        ([1 / 30] * 6, [3, 4, 3, 3, 4, 3]),  # 20 in all, where 3 each would be 18
        ([0.033333] * 100, None),
        ([0.05, 0.033, 0.107, 0.2], [5, 3, 11, 20]),
        ([0.0166] * 60, None),
    ],
    ids=["25 a second", "30 a second", "33.333 ms", "vector", "60 a second"],
)
def test_times_of_gif_do_not_drift(
    seconds: list[float], expected: list[int] | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gif, "_LEAST_DELAY", 1)
    found = delays(movie(scene((4, 4), len(seconds)), seconds, "gif"))
    assert expected is None or found == expected
    assert np.abs(np.cumsum(found) - 100 * np.cumsum(seconds)).max() <= 0.5 + 1e-9


@pytest.mark.parametrize(("seconds", "delay"), [(0.001, 2), (0.0167, 2), (700.0, 65535)])
def test_times_that_viewers_do_not_show_are_told(seconds: float, delay: int) -> None:
    file = io.BytesIO()
    with open_movie(file, EncodeOptions("gif"), frames=3, threads=1) as made:
        for frame in scene((4, 4), 3):
            made.add(frame, seconds)
        made.finish()
        assert "0.02 to 655 s" in made.remark
    assert delays(file.getvalue()) == [delay] * 3


def test_frames_of_other_sizes() -> None:
    for format in ("gif", "mp4"):
        options = EncodeOptions(format)  # type: ignore[arg-type]
        with open_movie(io.BytesIO(), options, frames=2, threads=1) as made:
            made.add(np.zeros((8, 8), np.uint8), 0.1)
            with pytest.raises(EncodeError, match="one size"):
                made.add(np.zeros((8, 6), np.uint8), 0.1)


# MP4


def probed(data: bytes, folder: Path, peer: Peer, *what: str) -> Any:
    path = folder / "p.mp4"
    path.write_bytes(data)
    return json.loads(run([peer("ffprobe"), *QUIET, "-of", "json", *what, str(path)]))


@pytest.mark.parametrize("shape", [(64, 80), (63, 80), (64, 79), (37, 25), (2, 2), (1, 1)], ids=str)
@pytest.mark.parametrize("colour", [False, True], ids=["gray", "colour"])
def test_mp4_gives_levels_back(shape: tuple[int, ...], colour: bool, tmp_path: Path, peer: Peer) -> None:
    """By another FFmpeg than the one that wrote it; sides are made even."""
    frames = scene((*shape, 3) if colour else shape, 7)
    found = by_ffmpeg(movie(frames, [0.04] * 7, "mp4", tmp_path), ".mp4", "rgb24", tmp_path, peer)
    rows, columns = shape
    assert found.shape == (7, rows + rows % 2, columns + columns % 2, 3)
    shown = found[:, :rows, :columns].astype(int)
    expected = np.array(frames if colour else [np.repeat(f[..., None], 3, axis=2) for f in frames], int)
    difference = np.abs(shown - expected)
    # Chroma has half the resolution, at which these sines lose something; green is mostly luma.
    assert difference.mean() < (4.5 if colour else 1.5)
    assert difference[..., 1].max() <= (16 if colour else 12)
    # What was added is the last row and column again.
    assert np.abs(found[:, -1].astype(int) - found[:, rows - 1]).max() <= 8


def test_mp4_keeps_black_white_and_every_gray(tmp_path: Path, peer: Peer) -> None:
    """Flat patches of each level: limited range has 219 of them, so that one may be off by one."""
    steps = np.repeat(np.repeat(np.arange(256, dtype=np.uint8).reshape(16, 16), 16, axis=0), 16, axis=1)
    data = movie([steps] * 4, [0.04] * 4, "mp4", tmp_path, quality=100)
    found = by_ffmpeg(data, ".mp4", "rgb24", tmp_path, peer)[..., 1]
    centres = found[:, 8::16, 8::16].reshape(4, 256).astype(int)
    assert np.abs(centres - np.arange(256)).max() <= 2
    assert centres[:, 0].max() <= 1
    assert centres[:, 255].min() >= 254


@pytest.mark.parametrize(
    "colour", [(255, 0, 0), (0, 255, 0), (0, 0, 255), (200, 120, 40), (0, 0, 0)], ids=str
)
def test_mp4_keeps_colours(colour: tuple[int, int, int], tmp_path: Path, peer: Peer) -> None:
    """By the matrix of BT.709, which is said in the file; by that of BT.601 green would be off by 30."""
    frames = [np.full((32, 32, 3), colour, np.uint8)] * 4
    found = by_ffmpeg(movie(frames, [0.04] * 4, "mp4", tmp_path), ".mp4", "rgb24", tmp_path, peer)
    assert np.abs(found.astype(int) - colour).max() <= 4


def test_mp4_says_what_it_is(tmp_path: Path, peer: Peer) -> None:
    data = movie(scene((48, 64), 30), [1 / 30] * 30, "mp4", tmp_path)
    found = probed(data, tmp_path, peer, "-show_streams", "-show_format")
    stream = found["streams"][0]
    expected = {
        "codec_name": "h264",
        "profile": "High",
        "pix_fmt": "yuv420p",
        "color_range": "tv",
        "color_space": "bt709",
        "color_primaries": "bt709",
        "color_transfer": "iec61966-2-1",
        "nb_frames": "30",
    }
    assert {name: stream[name] for name in expected} == expected
    assert float(stream["duration"]) == pytest.approx(1.0, abs=1e-3)
    assert found["format"]["tags"].keys() == {"major_brand", "minor_version", "compatible_brands"}
    assert data.index(b"moov") < data.index(b"mdat")


@pytest.mark.parametrize(
    "seconds", [[0.033333] * 50, [0.05, 0.033, 0.107, 0.2, 0.033], [10.0] * 3, [0.004] * 20], ids=len
)
def test_times_of_mp4(seconds: list[float], tmp_path: Path, peer: Peer) -> None:
    data = movie(scene((16, 16), len(seconds)), seconds, "mp4", tmp_path)
    found = probed(data, tmp_path, peer, "-show_entries", "frame=pts_time:stream=duration")
    times = [float(frame["pts_time"]) for frame in found["frames"]]
    assert times == pytest.approx(np.cumsum([0, *seconds[:-1]]), abs=2e-5)
    assert float(found["streams"][0]["duration"]) == pytest.approx(sum(seconds), abs=2e-5)


def test_quality_of_mp4() -> None:
    frames = scene((120, 160, 3), 10)
    sizes = [len(movie(frames, [0.04] * 10, "mp4", quality=quality)) for quality in (100, 90, 50, 1)]
    assert sizes == sorted(sizes, reverse=True)
    assert sizes[0] > 3 * sizes[-1]


def test_a_disk_that_is_full_is_an_error_of_the_system() -> None:
    """Which the sink names as such, and not as one of the encoder."""
    if not Path("/dev/full").exists():
        pytest.skip("no /dev/full")
    frames = [np.random.default_rng(n).integers(0, 256, (64, 64, 3), np.uint8) for n in range(9)]

    def write(format: Format) -> None:
        with open_movie("/dev/full", EncodeOptions(format), frames=9, threads=1) as made:
            for frame in frames:
                made.add(frame, 0.1)
            made.finish()

    for format in ("gif", "mp4"):
        with pytest.raises(OSError, match="No space left"):
            write(format)  # type: ignore[arg-type]
