"""``python tests/demo/run.py OUTPUT``: convert the DICOM files that ship with pydicom, and judge the run.

Those that are damaged on purpose are listed in expected_failures.txt, each with its reason. Exits with 0 when
exactly these failed, else with 1 and the difference. It needs nothing but fastdcm.
"""

from __future__ import annotations

import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

EXPECTED = Path(__file__).with_name("expected_failures.txt")


def pydicom_files() -> Path:
    """Where pydicom's test files lie."""
    spec = find_spec("pydicom")
    if spec is None or not spec.submodule_search_locations:
        sys.exit("pydicom is not installed")
    return Path(spec.submodule_search_locations[0]) / "data" / "test_files"


def expected_failures() -> dict[str, str]:
    """Path below the test files -> why it fails."""
    rows = EXPECTED.read_text(encoding="utf-8").splitlines()
    return dict(row.split("\t", 1) for row in rows if row and not row.startswith("#"))


def convert(source: Path, output: Path) -> set[str]:
    """Run the command; the files that it says failed."""
    command = [sys.executable, "-m", "fastdcm", "convert", str(source), "-o", str(output), "--overwrite"]
    print("$ fastdcm", *command[3:], flush=True)
    done = subprocess.run(command, stderr=subprocess.PIPE, text=True, encoding="utf-8", check=False)
    sys.stderr.write(done.stderr)
    if done.returncode not in (0, 1):
        sys.exit(f"fastdcm ended with {done.returncode}")
    failures = (row for row in done.stderr.splitlines() if row.startswith("failed: "))
    files = [path for path in source.rglob("*") if path.is_file()]
    return {
        path.relative_to(source).as_posix()
        for row in failures
        for path in files
        if row.startswith(f"failed: {path}: ")
    }


def main(output: Path) -> int:
    """0 where exactly the expected files failed."""
    expected = expected_failures()
    failed = convert(pydicom_files(), output)
    print(f"\nThe images are in {output.absolute()}")
    for path in sorted(expected.keys() & failed):
        print(f"  failed, as it should: {path} ({expected[path]})")
    for path in sorted(failed - expected.keys()):
        print(f"  FAILED, and should not: {path}")
    for path in sorted(expected.keys() - failed):
        print(f"  DID NOT FAIL, and should: {path} ({expected[path]})")
    return int(failed != expected.keys())


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
