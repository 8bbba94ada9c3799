"""Where machine code is cached, and when kernels are used at all."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from fastdcm.kernels import Payoff
from fastdcm.kernels.display import gather
from fastdcm.kernels.jit import cache_place, private_cache
from tests.conftest import ROOT

posix = pytest.mark.skipif(os.name != "posix", reason="permissions of POSIX")


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr("tempfile.gettempdir", lambda: str(tmp_path))
    return tmp_path


@posix
def test_private_cache(temporary: Path) -> None:
    folder = private_cache()
    assert folder is not None
    assert folder.parent == temporary
    assert folder.stat().st_mode & 0o777 == 0o700
    assert private_cache() == folder


@posix
@pytest.mark.parametrize("kind", ["open to others", "link", "file"])
def test_what_somebody_else_may_have_put_there(temporary: Path, kind: str) -> None:
    """What lies in the cache is executed."""
    folder = private_cache()
    assert folder is not None
    if kind == "open to others":
        folder.chmod(0o777)
    else:
        folder.rmdir()
        if kind == "file":
            folder.write_bytes(b"")
        else:
            (temporary / "elsewhere").mkdir(mode=0o700)
            folder.symlink_to(temporary / "elsewhere")
    assert private_cache() is None


def test_place_in_words() -> None:
    assert cache_place(gather)
    assert cache_place(object()).startswith("nowhere")


def test_read_only_package_and_no_home(tmp_path: Path) -> None:
    """In containers neither can be written: a private folder in the temporary directory serves."""
    code = (
        "from numba.core.caching import CacheImpl\n"
        # What is left needs a folder that somebody names; beside the source and at home is no place.
        "CacheImpl._locator_classes = [\n"
        "    each for each in CacheImpl._locator_classes if 'UserProvided' in each.__name__]\n"
        "assert CacheImpl._locator_classes\n"
        "from fastdcm.kernels.display import gather\n"
        "from fastdcm.kernels.jit import cache_place\n"
        "import numpy as np\n"
        "out = np.empty(2, 'u1')\n"
        "gather(np.array([1, 2], 'u1'), np.arange(256, dtype='u1'), out)\n"
        "assert out.tolist() == [1, 2]\n"
        "print(cache_place(gather))\n"
    )
    environment = {**os.environ, "TMPDIR": str(tmp_path), "HOME": str(tmp_path / "absent")}
    environment.pop("NUMBA_CACHE_DIR", None)
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
        env=environment,
        cwd=ROOT,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(str(tmp_path)), done.stdout


def test_payoff(monkeypatch: pytest.MonkeyPatch) -> None:
    """NumPy until so many pixels were seen, or until somebody else has imported numba."""
    monkeypatch.delitem(sys.modules, "numba", raising=False)
    payoff = Payoff(100)
    assert [payoff.reached(40) for _ in range(4)] == [False, False, True, True]
    assert Payoff(0).reached(1)
    payoff = Payoff(100)
    monkeypatch.setitem(sys.modules, "numba", sys)
    assert payoff.reached(1)
