"""The tree of errors: as it is drawn, as it prints, and as it travels between processes."""

from __future__ import annotations

import pickle
import re

import pytest

from fastdcm import errors
from fastdcm.errors import DicomError, FastdcmError, OptionError, TruncatedError


def tree(base: type[FastdcmError]) -> dict[str, str]:
    """Name -> name of the parent, of all errors of the module."""
    return {
        name: value.__bases__[0].__name__
        for name, value in vars(errors).items()
        if isinstance(value, type) and issubclass(value, base) and value is not base
    }


def test_docstring_draws_the_tree() -> None:
    drawn: dict[str, str] = {}
    above = ["FastdcmError"]
    for line in (errors.__doc__ or "").splitlines():
        found = re.match(r"    ([│ ]*)[├└]── (\w+)", line)
        if found:
            depth = len(found[1]) // 4 + 1
            del above[depth:]
            drawn[found[2]] = above[-1]
            above.append(found[2])
    assert drawn == tree(FastdcmError)


def test_option_errors_are_value_errors() -> None:
    assert issubclass(OptionError, ValueError)


@pytest.mark.parametrize(
    ("path", "frame", "text"),
    [
        (None, None, "is cut"),
        ("a.dcm", None, "a.dcm: is cut"),
        ("a.dcm", 3, "a.dcm: frame 3: is cut"),
        (None, 3, "frame 3: is cut"),
    ],
)
def test_text(path: str | None, frame: int | None, text: str) -> None:
    error = TruncatedError("is cut", path=path, frame=frame)
    assert str(error) == text
    assert error.message == "is cut"


def test_at_keeps_what_is_known() -> None:
    error = DicomError("is odd", frame=2)
    assert error.at(path="a.dcm", frame=7) is error
    assert (error.path, error.frame) == ("a.dcm", 2)
    error.at(path="b.dcm")
    assert error.path == "a.dcm"


@pytest.mark.parametrize("name", [*tree(FastdcmError), "FastdcmError"])
def test_survives_pickling(name: str) -> None:
    """Workers and pools send errors so."""
    error = getattr(errors, name)("is odd", path="a.dcm", frame=2)
    again = pickle.loads(pickle.dumps(error))
    assert type(again) is type(error)
    assert (str(again), again.path, again.frame, again.message) == (str(error), "a.dcm", 2, "is odd")
