"""Folders of presentation states."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from fastdcm.errors import OptionError
from fastdcm.presentation import folder as module
from fastdcm.presentation.folder import build, index_of, referencing, seed
from tests.unit.presentation.states import UID, reference, referenced, state


def test_index(tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    (tmp_path / "old.pre").write_bytes(state(created="20230101"))
    (tmp_path / "deep" / "new").write_bytes(state(created="20250101", images=[reference(), reference("9.9")]))
    (tmp_path / "blending").write_bytes(state(created="20260101", kind="1.2.840.10008.5.1.4.1.1.11.4"))
    (tmp_path / "image.dcm").write_bytes(referenced())
    (tmp_path / "note.txt").write_text("1.2.840.10008.5.1.4.1.1.11.1 is written here, in no DICOM file")
    (tmp_path / "gone").symlink_to(tmp_path / "nowhere")
    found = build(str(tmp_path))
    names = [os.path.basename(one.path) for one in found.states[UID]]
    # The latest first, behind them what is not done.
    assert names == ["new", "old.pre", "blending"]
    assert [one.kind for one in found.states[UID]] == ["grayscale", "grayscale", ""]
    assert [os.path.basename(one.path) for one in found.states["9.9"]] == ["new"]
    assert found.states.keys() == {UID, "9.9"}
    assert [os.path.basename(path) for path in found.unreadable] == ["note.txt"]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="pipes in the file system are POSIX")
def test_pipes_are_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    assert build(str(tmp_path)).states == {}


def test_no_folder(tmp_path: Path) -> None:
    with pytest.raises(OptionError, match=r"presentation states in .*: No such file"):
        build(str(tmp_path / "gone"))


def test_a_folder_that_changed_is_looked_through_again(tmp_path: Path) -> None:
    place = str(tmp_path)
    (tmp_path / "deep").mkdir()
    assert referencing(place, UID) == ()
    assert index_of(place) is index_of(place)
    (tmp_path / "deep" / "a.pre").write_bytes(state())
    # Times of folders may be as coarse as a clock's tick.
    os.utime(tmp_path / "deep", ns=(1, 1))
    assert len(referencing(place, UID)) == 1


def test_a_run_s_index_is_taken_as_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_known", {})
    monkeypatch.setattr(module, "_seeded", set())
    place = str(tmp_path)
    empty = build(place)
    (tmp_path / "a.pre").write_bytes(state())
    os.utime(tmp_path, ns=(1, 1))
    seed(place, empty)
    assert index_of(place) is empty
