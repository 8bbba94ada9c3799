"""Where machine code is cached, and when kernels are used at all."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from fastdcm.kernels import Outlook, Payoff, are_cached
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


def test_payoff_counts_on_what_is_known_to_come(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "numba", raising=False)
    outlook = Outlook()
    monkeypatch.setattr("fastdcm.kernels.OUTLOOK", outlook)
    outlook.times = 10.0
    payoff = Payoff(100)
    assert [payoff.reached(6) for _ in range(3)] == [False, True, True]
    outlook.times = 0.5
    assert not Payoff(100).reached(99)
    assert Payoff(100).reached(100)


def test_payoff_waits_while_another_process_compiles(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "numba", raising=False)
    outlook = Outlook()
    monkeypatch.setattr("fastdcm.kernels.OUTLOOK", outlook)
    monkeypatch.setattr("fastdcm.kernels.are_cached", lambda modules: False)
    outlook.may_compile = False
    payoff = Payoff(100)
    assert not payoff.reached(1000)
    outlook.may_compile = True
    assert payoff.reached(1)


@pytest.mark.parametrize(
    ("files", "cached"),
    [
        ({"one.f-1.pyXY.nbi": 1, "two.g-1.pyXY.nbi": 1, "two.h-9.pyXY.nbi": -1}, True),
        ({"one.f-1.pyXY.nbi": 1}, False),
        ({"one.f-1.pyXY.nbi": 1, "two.g-1.pyXY.nbi": -1}, False),
        ({"one.f-1.pyXY.nbi": 1, "two.g-1.py27.nbi": 1}, False),
        ({"one.cpython-XY.pyc": 1, "two.cpython-XY.pyc": 1}, False),
        (None, False),
    ],
    ids=["both", "one of two", "older than the source", "another Python's", "bytecode", "no folder"],
)
def test_whether_machine_code_is_cached(tmp_path: Path, files: dict[str, int] | None, cached: bool) -> None:
    """``files`` are names and how much younger they are than the sources."""
    for name in ("one", "two"):
        (tmp_path / f"{name}.py").touch()
        os.utime(tmp_path / f"{name}.py", (1000, 1000))
    for name, younger in (files or {}).items():
        (tmp_path / "__pycache__").mkdir(exist_ok=True)
        path = tmp_path / "__pycache__" / name.replace("XY", f"{sys.version_info[0]}{sys.version_info[1]}")
        path.touch()
        os.utime(path, (1000 + younger, 1000 + younger))
    assert are_cached(("one", "two"), str(tmp_path)) is cached


def test_the_cache_is_looked_for_where_numba_puts_it(tmp_path: Path) -> None:
    """A copy of the package, so that its folder is empty; the names are those that the code asks for."""
    shutil.copytree(ROOT / "fastdcm", tmp_path / "fastdcm", ignore=shutil.ignore_patterns("__pycache__"))
    code = (
        "from fastdcm.kernels import are_cached\n"
        "from fastdcm.codestream import jpeg_entropy\n"
        "from fastdcm.rendering import execute\n"
        "names = [p._PAYOFF._modules for p in (execute, jpeg_entropy)]\n"
        "print([are_cached(n) for n in names])\n"
        "from fastdcm.kernels import display, huffman_compiled, stuffed\n"
        "print([are_cached(n) for n in names])"
    )
    environment = {name: value for name, value in os.environ.items() if name != "NUMBA_CACHE_DIR"}
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
        env={**environment, "PYTHONPATH": str(tmp_path)},
    )
    assert done.stdout.splitlines() == ["[False, False]", "[True, True]"], done.stderr


def test_payoff_does_not_wait_where_kernels_are_cached(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "numba", raising=False)
    outlook = Outlook()
    outlook.may_compile = False
    monkeypatch.setattr("fastdcm.kernels.OUTLOOK", outlook)
    monkeypatch.setattr("fastdcm.kernels.are_cached", lambda modules: modules == ("this",))
    assert Payoff(100, ("this",)).reached(100)
    assert not Payoff(100, ("that",)).reached(100)
