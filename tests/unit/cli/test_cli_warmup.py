"""``fastdcm warmup``: kernels are compiled and kept, or it says that they are not."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from click.testing import CliRunner

from fastdcm.cli import cli
from fastdcm.kernels import places


def test_kernels_are_kept() -> None:
    done = CliRunner().invoke(cli, ["warmup"])
    assert (done.exit_code, done.stderr) == (0, "")
    found = re.fullmatch(r"(\d+) kernels, \d+\.\d MB, in (.*)\n", done.stdout)
    assert found
    kept = [path.name for path in Path(found[2]).glob("*.kernel") if places.source_digest() in path.name]
    assert len(kept) == int(found[1])
    assert places.are_cached(
        {"display", "elements", "huffman", "huffman_bands", "huffman_lanes", "packet_headers"}
    )


def test_there_is_no_place_for_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(places, "folders", lambda *, make=False: [])
    done = CliRunner().invoke(cli, ["warmup"])
    assert (done.exit_code, done.stdout) == (1, "")
    assert done.stderr == "the compiled kernels cannot be kept: nowhere (compiled anew in each process)\n"
