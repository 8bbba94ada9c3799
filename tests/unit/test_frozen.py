"""Frozen classes with shared methods do what those of the standard library do."""

from __future__ import annotations

import copy
import dataclasses
import pickle
from functools import cached_property
from typing import Any

import pytest

from fastdcm import frozen


class _Part:
    width: int
    names: tuple[str, ...] = ()
    exact: bool = False

    def __post_init__(self) -> None:
        if self.width < 0:
            raise ValueError(self.width)
        object.__setattr__(self, "names", tuple(self.names))

    @cached_property
    def twice(self) -> int:
        return 2 * self.width


@dataclasses.dataclass(frozen=True)
class Theirs(_Part):
    width: int
    names: tuple[str, ...] = ()
    exact: bool = False


@frozen.dataclass(frozen=True)
class Ours(_Part):
    width: int
    names: tuple[str, ...] = ()
    exact: bool = False


@frozen.dataclass(frozen=True)
class Single:
    width: int = 1


BOTH = pytest.mark.parametrize("kind", [Theirs, Ours])


@BOTH
def test_made_and_compared(kind: Any) -> None:
    some = kind(3, exact=True)
    assert (some.width, some.names, some.exact) == (3, (), True)
    assert some == kind(width=3, names=[], exact=True)
    assert hash(some) == hash(kind(3, (), True))
    assert some.twice == 6, "what is cached is no field"
    assert some == kind(3, (), True)
    assert some != kind(3, ("a",), True)
    assert some != (3, (), True)
    assert repr(some) == f"{kind.__name__}(width=3, names=(), exact=True)"
    for wrong in ((), (1, 2, 3, 4), (-1,)):
        with pytest.raises((TypeError, ValueError)):
            kind(*wrong)


@BOTH
def test_never_changed(kind: Any) -> None:
    some = kind(3)
    for name in ("width", "exact", "unknown"):
        with pytest.raises(dataclasses.FrozenInstanceError, match=name):
            setattr(some, name, 4)
        with pytest.raises(dataclasses.FrozenInstanceError, match=name):
            delattr(some, name)
    assert (some.width, some.exact) == (3, False)


@BOTH
def test_copied(kind: Any) -> None:
    some = kind(3, ("a",))
    assert copy.copy(some) == copy.deepcopy(some) == pickle.loads(pickle.dumps(some)) == some
    assert dataclasses.replace(some, width=4) == kind(4, ("a",))
    assert [field.name for field in dataclasses.fields(some)] == ["width", "names", "exact"]
    assert dataclasses.asdict(some) == {"width": 3, "names": ("a",), "exact": False}


def test_classes_with_the_same_values_differ() -> None:
    assert Ours(1) != Theirs(1)
    assert Single(1) == Single()
    assert Single(1) != Single(2)
    assert hash(Single(1)) == hash(Single())
