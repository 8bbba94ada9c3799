"""Reading under libFuzzer, guided by coverage: ``python -m tests.fuzz.atheris_target FOLDER [options]``.

Run by hand, with atheris installed. FOLDER holds the inputs that were found to be of interest; where it is
empty or missing, the files of `tests.fuzz.seeds` are put there. Options are libFuzzer's, as
``-max_total_time=600 -rss_limit_mb=1024 -timeout=5``.
"""

from __future__ import annotations

import hashlib
import importlib
import sys
from pathlib import Path

from tests.conftest import ROOT


def fill(folder: Path) -> None:
    """Put the seeds into an empty folder, by their hash as libFuzzer does."""
    from tests.fuzz.seeds import seeds

    folder.mkdir(parents=True, exist_ok=True)
    if any(folder.iterdir()):
        return
    for seed in seeds():
        name = hashlib.sha1(seed.data, usedforsecurity=False).hexdigest()
        (folder / name).write_bytes(seed.data)


def main() -> None:
    """Hand over to libFuzzer."""
    try:
        atheris = importlib.import_module("atheris")
    except ImportError:
        sys.exit("atheris is not installed; `python -m tests.fuzz` does without it")
    if len(sys.argv) < 2 or sys.argv[1].startswith("-"):
        sys.exit(__doc__)
    # Before anything else imports them. Kernels are for numba to compile as they are.
    kernels = [f"fastdcm.kernels.{path.stem}" for path in (ROOT / "fastdcm" / "kernels").glob("*.py")]
    with atheris.instrument_imports(include=["fastdcm"], exclude=kernels):
        for name in ("jpeg", "jpegls", "jpeg2000", "jpegxl", "native", "rle"):
            importlib.import_module(f"fastdcm.codecs.decoders.{name}")
        from tests.fuzz.target import exercise
    fill(Path(sys.argv[1]))

    def one_input(data: bytes) -> None:
        for _ in exercise(data):
            pass

    atheris.Setup(sys.argv, one_input)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
