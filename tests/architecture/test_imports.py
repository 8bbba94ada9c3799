"""The import rules of pyproject.toml hold, and they do notice a forbidden import."""

from __future__ import annotations

import ast
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT

LINT_IMPORTS = "from importlinter.cli import lint_imports_command as run; run()"


def lint_imports(folder: Path) -> subprocess.CompletedProcess[str]:
    """The contracts of ``folder``'s pyproject.toml on the package that lies beside it."""
    command = [sys.executable, "-c", LINT_IMPORTS, "--no-cache", "--no-logo"]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=300)


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    shutil.copytree(ROOT / "fastdcm", tmp_path / "fastdcm", ignore=shutil.ignore_patterns("__pycache__"))
    return tmp_path


def test_contracts_are_kept() -> None:
    done = lint_imports(ROOT)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("module", "line", "contract"),
    [
        ("kernels/__init__.py", "import fastdcm.cli", "Kernels know arrays and scalars"),
        ("kernels/__init__.py", "import fastdcm.errors", "Kernels know arrays and scalars"),
        ("kernels/__init__.py", "import pydicom", "Kernels know arrays and scalars"),
        ("codecs/__init__.py", "import fastdcm.reader", "Every import points down"),
        ("rendering/__init__.py", "import fastdcm.pipeline", "Every import points down"),
        ("errors.py", "import fastdcm.model", "Every import points down"),
        ("unplaced.py", "", "Every import points down"),
        ("reader/__init__.py", "import pydicom", "pydicom serves Image.dataset()"),
        ("sidecars/model.py", "import pydicom", "pydicom serves Image.dataset()"),
        ("rendering/__init__.py", "import imagecodecs", "Codec libraries"),
        ("pipeline.py", "import av", "Codec libraries"),
        ("batch/__init__.py", "import rich", "Only the command line"),
        ("web/__init__.py", "import fastdcm.dicomweb", "Every import points down"),
        ("web/resources.py", "import httpx", "Only the client and the server"),
        ("sinks/objects.py", "import obstore", "Only the module of stores"),
        ("batch/job.py", "import distributed", "Only the executor of clusters"),
    ],
)
def test_forbidden_import_is_noticed(copied: Path, module: str, line: str, contract: str) -> None:
    with (copied / "fastdcm" / module).open("a", encoding="utf-8") as file:
        file.write(f"\n{line}\n")
    done = lint_imports(copied)
    broken = [row for row in done.stdout.splitlines() if " BROKEN" in row]
    assert done.returncode == 1, done.stdout + done.stderr
    assert any(row.startswith(contract) for row in broken), done.stdout


def imported_packages(module: Path) -> set[str]:
    """First names of everything that a module imports, wherever in the module."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(module.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names.add((node.module or "").partition(".")[0])
    return names


@pytest.mark.parametrize("module", sorted((ROOT / "fastdcm" / "kernels").rglob("*.py")), ids=lambda m: m.name)
def test_kernels_use_numpy_and_numba_only(module: Path) -> None:
    foreign = imported_packages(module) - set(sys.stdlib_module_names)
    assert foreign <= {"fastdcm", "llvmlite", "numba", "numpy"}


def test_pydicom_is_imported_in_three_modules() -> None:
    modules = (ROOT / "fastdcm").rglob("*.py")
    found = {str(m.relative_to(ROOT).as_posix()) for m in modules if "pydicom" in imported_packages(m)}
    assert found == {
        "fastdcm/integrations/pydicom.py",
        "fastdcm/pipeline.py",
        "fastdcm/sidecars/dictionary.py",
    }
