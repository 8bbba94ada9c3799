"""`fastdcm.__all__` is exactly what is documented, and each name is there."""

from __future__ import annotations

import inspect
import pkgutil
import subprocess
import sys
from importlib.metadata import version

import pytest

import fastdcm
from fastdcm import errors

FUNCTIONS = {"open", "read", "render", "convert", "load", "iter_batches", "load_series"}
CLASSES = {"Image", "Header", "Notice", "Window", "Report", "Batch", "Mapping", "Volume", "Masks"}
ERRORS = {name for name, value in inspect.getmembers(errors, inspect.isclass) if issubclass(value, Exception)}


def test_all_is_the_documented_names() -> None:
    assert set(fastdcm.__all__) == FUNCTIONS | CLASSES | ERRORS
    assert fastdcm.__all__ == sorted(fastdcm.__all__)


@pytest.mark.parametrize("name", sorted(FUNCTIONS | CLASSES | ERRORS))
def test_name_is_there_and_has_a_docstring(name: str) -> None:
    value = getattr(fastdcm, name)
    assert name in dir(fastdcm)
    assert value.__name__ == name
    assert value.__doc__


def test_no_module_has_a_public_name() -> None:
    """Importing a module sets it as an attribute of its package, over whatever has the name."""
    modules = {module.name for module in pkgutil.iter_modules(fastdcm.__path__)}
    assert "pipeline" in modules
    assert not modules & set(fastdcm.__all__)


def test_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="opne"):
        _ = fastdcm.opne  # type: ignore[attr-defined]


def test_every_error_is_in_the_tree_drawn_in_the_docstring() -> None:
    assert issubclass(errors.OptionError, ValueError)
    for name in ERRORS:
        assert issubclass(getattr(errors, name), errors.FastdcmError)
        assert f" {name} " in (errors.__doc__ or "").replace("\n", " ")


def test_version_is_that_of_the_installed_package() -> None:
    assert version("fastdcm") == fastdcm.__version__
    shown = subprocess.run(
        [sys.executable, "-m", "fastdcm", "--version"], capture_output=True, text=True, check=True, timeout=60
    )
    assert fastdcm.__version__ in shown.stdout
