"""A run of the benches, and what is left of one that was ended early."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from benches.__main__ import keep


def test_results_are_written_after_each_part_and_ctrl_c_keeps_them(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "results.json"

    def parts() -> Iterator[dict[str, Any]]:
        yield {"stages": [1]}
        assert json.loads(file.read_text()) == {"stages": [1]}
        yield {"stages": [1], "speed": [2]}
        raise KeyboardInterrupt

    assert keep(parts(), file) == {"stages": [1], "speed": [2]} == json.loads(file.read_text())
    assert "ended early" in capsys.readouterr().err


def test_ctrl_c_before_the_first_part_ends_the_run(tmp_path: Path) -> None:
    def parts() -> Iterator[dict[str, Any]]:
        raise KeyboardInterrupt
        yield {}

    with pytest.raises(KeyboardInterrupt):
        keep(parts(), tmp_path / "results.json")
    assert not list(tmp_path.iterdir())
