"""The budget that all rows share."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

pytest.register_assert_rewrite("tests.refusals.rows")

from tests.refusals.budget import Budget  # noqa: E402
from tests.refusals.rows import Row, check  # noqa: E402


@pytest.fixture(scope="session")
def budget() -> Iterator[Budget]:
    with Budget() as opened:
        yield opened


@pytest.fixture
def hold(budget: Budget, tmp_path: Path) -> Callable[[Row], None]:
    """Run a row twice within its budget, read at once and by ranges, and compare what comes of it."""

    def run(row: Row) -> None:
        path = tmp_path / "input.dcm"
        if row.path is None:
            path.write_bytes(row.data if isinstance(row.data, bytes) else row.data())
        for whole in row.ways:
            if row.path is not None:
                path = row.path(tmp_path)
            check(row, path, budget.run(row, path, whole=whole))

    return run
