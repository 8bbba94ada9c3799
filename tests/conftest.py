"""What several test modules share: where the real files are, and other implementations to compare with.

With ``FASTDCM_REQUIRE_PEERS=1`` (as CI has it) a test of the markers ``peer`` and ``corpus`` that would
be skipped fails, so that nothing goes unnoticed. With ``FASTDCM_TEST_KERNELS=1`` kernels are used from the
first byte on, as in a long run; else most tests are too small for them.
"""

from __future__ import annotations

import os
import shutil
import signal
import sys
from collections.abc import Callable, Generator
from importlib.util import find_spec
from pathlib import Path

import pytest

from fastdcm.kernels import OUTLOOK

ROOT = Path(__file__).parents[1]
CORPUS = Path(os.environ.get("FASTDCM_CORPUS") or ROOT.parent / "shared" / "corpus").absolute()
if os.environ.get("FASTDCM_TEST_KERNELS") == "1":
    OUTLOOK.times = 1e15
REQUIRE_PEERS = os.environ.get("FASTDCM_REQUIRE_PEERS") == "1"


def _pydicom_files() -> Path:
    spec = find_spec("pydicom")  # finds without importing
    assert spec is not None
    assert spec.submodule_search_locations is not None
    return Path(spec.submodule_search_locations[0]) / "data" / "test_files"


PYDICOM_FILES = _pydicom_files()


def find_tool(name: str) -> str | None:
    """The path of a command, None where it is not installed.

    Commands inside the virtual environment do not count: the wheel of python-gdcm brings another
    version of GDCM's, and an activated environment would change what is compared with.
    """
    own = Path(sys.executable).parent
    places = [place for place in os.get_exec_path() if Path(place) != own]
    return shutil.which(name, path=os.pathsep.join(places))


@pytest.fixture(scope="session")
def pydicom_files() -> Path:
    """The DICOM files that the pydicom package ships."""
    return PYDICOM_FILES


@pytest.fixture(scope="session")
def corpus() -> Path:
    """The folder of MANIFEST.csv, STORED.csv and files/."""
    if not (CORPUS / "STORED.csv").is_file():
        pytest.skip(f"no corpus at {CORPUS}")
    return CORPUS


@pytest.fixture(scope="session")
def peer() -> Callable[[str], str]:
    """``peer("dcmj2pnm")`` is the path of that command, or skips the test."""

    def find(tool: str) -> str:
        found = find_tool(tool)
        if found is None:
            pytest.skip(f"{tool} is not installed")
        return found

    return find


def pytest_configure() -> None:
    # A shell has what runs in its background ignore Ctrl-C, and so all that tests start, and send it to.
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        for name in {"corpus", "peer"}.intersection(getattr(item, "fixturenames", ())):
            item.add_marker(name)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    meant = hasattr(report, "wasxfail") or not any(map(item.get_closest_marker, ("corpus", "peer")))
    if REQUIRE_PEERS and report.skipped and not meant:
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr
        report.outcome, report.longrepr = "failed", f"FASTDCM_REQUIRE_PEERS=1, but {reason}"
    return report
