"""Runs that are killed, and gone on from."""

import os
from pathlib import Path

import pytest

from tests.resume.kills import torment


@pytest.mark.skipif(os.name == "nt", reason="kill -9 is POSIX's")
def test_a_run_that_is_killed_is_finished_by_resuming(tmp_path: Path) -> None:
    found = torment(tmp_path, files=400, kills=3, seed=5)

    assert found.kills > 0
    assert found.right
    assert found.told > 0
    assert found.again == found.twice == 0  # what has a row is not done again
