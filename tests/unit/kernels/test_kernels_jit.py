"""Where machine code is kept, how it is loaded and called, and when kernels are used at all."""

from __future__ import annotations

import os
import shutil
import struct
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from fastdcm.kernels import Outlook, Payoff, places
from fastdcm.kernels.jit import kernel
from fastdcm.kernels.machine_code import Signature
from fastdcm.kernels.places import are_cached, private_cache
from tests.conftest import ROOT

posix = pytest.mark.skipif(os.name != "posix", reason="permissions of POSIX")


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr("tempfile.gettempdir", lambda: str(tmp_path))
    return tmp_path


@posix
def test_private_cache(temporary: Path) -> None:
    assert private_cache(make=False) is None
    folder = private_cache()
    assert folder is not None
    assert Path(folder).parent == temporary
    assert Path(folder).stat().st_mode & 0o777 == 0o700
    assert private_cache() == private_cache(make=False) == folder


@posix
@pytest.mark.parametrize("kind", ["open to others", "link", "file"])
def test_what_somebody_else_may_have_put_there(temporary: Path, kind: str) -> None:
    """What lies in the cache is executed."""
    found = private_cache()
    assert found is not None
    folder = Path(found)
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


PROGRAM = """
import sys
import numpy as np
from fastdcm.kernels import places
from fastdcm.kernels.display import gather
out = np.empty(2, "u1")
gather(np.array([1, 2], "u1"), np.arange(256, dtype="u1"), out)
assert out.tolist() == [1, 2]
print("numba" in sys.modules)
"""


def run(program: str, folder: Path, **environment: str) -> list[str]:
    """What a program says that uses the package as it is in a folder."""
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(folder), **environment},
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    """A copy of the package, without machine code."""
    shutil.copytree(ROOT / "fastdcm", tmp_path / "fastdcm", ignore=shutil.ignore_patterns("__pycache__"))
    return tmp_path


def test_compiled_once_for_all_processes(copied: Path) -> None:
    assert run(PROGRAM, copied) == ["True"]
    assert run(PROGRAM, copied) == ["False"]
    source = copied / "fastdcm" / "kernels" / "words.py"
    source.write_text(source.read_text() + "# another\n")
    kept = set((copied / "fastdcm" / "kernels" / "__pycache__").glob("display.gather-*.kernel"))
    assert run(PROGRAM, copied) == ["True"], "machine code of another source was used"
    new = set((copied / "fastdcm" / "kernels" / "__pycache__").glob("display.gather-*.kernel"))
    assert len(new) == len(kept)
    assert not new & kept, "machine code of another source was left"


@posix
def test_package_that_cannot_be_written_to(copied: Path) -> None:
    """As in containers: a private folder in the temporary directory serves."""
    # A file where the folder would be, because permissions do not stop root.
    (copied / "fastdcm" / "kernels" / "__pycache__").write_bytes(b"")
    (copied / "temporary").mkdir()
    temporary = str(copied / "temporary")
    assert run(PROGRAM, copied, TMPDIR=temporary) == ["True"]
    assert run(PROGRAM, copied, TMPDIR=temporary) == ["False"]
    assert run("from fastdcm.kernels import places; print(places.in_words())", copied, TMPDIR=temporary)[
        0
    ].startswith(temporary)


def test_damaged_machine_code_is_not_used(copied: Path) -> None:
    run(PROGRAM, copied)
    for path in (copied / "fastdcm" / "kernels" / "__pycache__").glob("*.kernel"):
        path.write_bytes(path.read_bytes()[:-7])
    assert run(PROGRAM, copied) == ["True"]


def _sides(values, number, flag, out):  # type: ignore[no-untyped-def]
    total = 0
    for row in range(values.shape[0]):
        for column in range(values.shape[1]):
            total += values[row, column]
            out[column, row] = values[row, column] * number
    return (total, values.size) if flag else (-1, out.shape[0])


def _double(number):  # type: ignore[no-untyped-def]
    return number * 2


double = kernel("int64(int64)")(_double)


def _quadruple(number):  # type: ignore[no-untyped-def]
    return double(double(number))


def _allocates(out):  # type: ignore[no-untyped-def]
    inner = np.empty(out.size, np.int64)
    for index in range(out.size):
        inner[index] = index
    out[0] = inner.sum()


SIDES = "UniTuple(int64, 2)(Array(uint16, 2, 'C', readonly=True), float64, boolean, float64[:, ::1])"


def test_arguments_and_results() -> None:
    sides = kernel(SIDES)(_sides)
    values = np.arange(6, dtype=np.uint16).reshape(2, 3)
    values.flags.writeable = False
    out = np.zeros((3, 2))
    assert sides(values, 0.5, True, out) == (15, 6)
    assert sides(values, np.float32(0.5), False, out) == (-1, 3)
    assert out.tolist() == (values.T * 0.5).tolist()


def test_kernels_call_each_other() -> None:
    assert kernel("int64(int64)")(_quadruple)(-3) == -12
    assert kernel("boolean(int64)")(lambda number: number > 3)(4) is True


def test_what_does_not_stand_alone_goes_through_numba() -> None:
    out = np.zeros(5, np.int64)
    kernel("void(int64[::1])")(_allocates)(out)
    assert out[0] == 10


@pytest.mark.parametrize(
    "change",
    [
        lambda values, out: (values.astype(np.int16), out),
        lambda values, out: (values.astype(">u2"), out),
        lambda values, out: (values[:, ::2], out),
        lambda values, out: (values[0], out),
        lambda values, out: (np.frombuffer(bytes(13), np.uint16, 6, 1).reshape(2, 3), out),
        lambda values, out: (values, np.frombuffer(bytes(48)).reshape(3, 2)),
        lambda values, out: (values.tolist(), out),
        lambda values, out: (None, out),
    ],
    ids=["type", "byte order", "stride", "sides", "alignment", "read-only", "list", "None"],
)
def test_arrays_that_machine_code_must_not_get(change) -> None:  # type: ignore[no-untyped-def]
    sides = kernel(SIDES)(_sides)
    values, out = change(np.zeros((2, 3), np.uint16), np.zeros((3, 2)))
    with pytest.raises(TypeError, match="_sides has no signature for"):
        sides(values, 0.5, True, out)


def test_numbers_that_machine_code_must_not_get() -> None:
    with pytest.raises(TypeError):
        double(1, 2)
    for wrong in (1 << 63, -(1 << 63) - 1, "1", 1.0, None):
        with pytest.raises(struct.error):
            double(wrong)
    assert double(np.int32(4)) == 8


@pytest.mark.parametrize(
    "text",
    [
        "int64",
        "complex64(int64)",
        "void(int64[:])",
        "void(int64[::1]x)",
        "void(Array(uint8, 1, 'A'))",
        "void(u8)",
    ],
)
def test_signatures_that_are_not_understood(text: str) -> None:
    """They are numba's to understand."""
    with pytest.raises(ValueError, match=r"^"):
        Signature(text)


@pytest.fixture
def outlook(monkeypatch: pytest.MonkeyPatch) -> Outlook:
    """A process that has no kernels yet, and another one that has not compiled any."""
    outlook = Outlook()
    monkeypatch.delitem(sys.modules, "llvmlite", raising=False)
    monkeypatch.setattr("fastdcm.kernels.OUTLOOK", outlook)
    monkeypatch.setattr("fastdcm.kernels.are_cached", lambda modules: modules == ("cached",))
    return outlook


@pytest.mark.usefixtures("outlook")
def test_payoff(monkeypatch: pytest.MonkeyPatch) -> None:
    """Kernels are compiled after so much work, loaded after a seventh, and taken at once where others are."""
    assert [payoff.reached(40) for payoff in [Payoff(100)] * 4] == [False, False, True, True]
    assert [payoff.reached(7) for payoff in [Payoff(100, ("cached",))] * 4] == [False, False, True, True]
    assert Payoff(0).reached(1)
    assert Payoff(100, ("cached",)).reached(1, at_once=True)
    assert not Payoff(100).reached(99, at_once=True)
    monkeypatch.setitem(sys.modules, "llvmlite", sys)
    assert Payoff(100, ("cached",)).reached(1)
    assert not Payoff(100).reached(99)


def test_payoff_counts_on_what_is_known_to_come(outlook: Outlook) -> None:
    outlook.times = 10.0
    assert [payoff.reached(6) for payoff in [Payoff(100)] * 3] == [False, True, True]
    outlook.times = 0.5
    assert not Payoff(100).reached(99)
    assert Payoff(100).reached(100)


def test_payoff_waits_while_another_process_compiles(outlook: Outlook) -> None:
    outlook.may_compile = False
    payoff = Payoff(100)
    assert not payoff.reached(1000)
    outlook.may_compile = True
    assert payoff.reached(1)
    outlook.may_compile = False
    assert Payoff(100, ("cached",)).reached(100)


def test_whether_machine_code_is_cached(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(places, "folders", lambda: [str(tmp_path / "absent"), str(tmp_path)])
    assert not are_cached(("one", "two"))
    for name in ("one", "two"):
        (tmp_path / f"{name}.cpython-311.pyc").touch()
        (tmp_path / f"{name}.f-0123456789ab-00-00.kernel").touch()
    assert not are_cached(("one", "two")), "another source's"
    (tmp_path / places.file_name("one", "f", "void()", "machine")).touch()
    assert not are_cached(("one", "two"))
    assert are_cached(("one",))
    (tmp_path / places.file_name("two", "f", "void()", "machine")).touch()
    assert are_cached(("one", "two"))


def test_the_cache_is_looked_for_where_kernels_are_kept(copied: Path) -> None:
    """The names are those that the code asks for."""
    program = (
        "from fastdcm.kernels import are_cached\n"
        "from fastdcm.codestream import jpeg_entropy\n"
        "from fastdcm.rendering import execute\n"
        "names = [p._PAYOFF._modules for p in (execute, jpeg_entropy)]\n"
        "print([are_cached(n) for n in names])\n"
        "from fastdcm.kernels import display, huffman_bands, huffman_compiled, huffman_lanes\n"
        "print([are_cached(n) for n in names])"
    )
    assert run(program, copied) == ["[False, False]", "[True, True]"]
