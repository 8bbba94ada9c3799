"""Functions that kernels are made of: compiled as part of those that call them, never called alone."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import Any

from fastdcm.kernels.jit import Kernel


class Inlined(Kernel):
    """A function for kernels to call; nothing is compiled before one does."""

    def __init__(self, function: Any, signatures: tuple[str, ...], options: dict[str, bool]) -> None:
        self.py_func = self._only = function
        self.__name__, self.__doc__ = function.__name__, function.__doc__
        self._signatures = signatures
        self._callee = self._dispatcher = None
        self._options = options


class _BitCount(Kernel):
    """An instruction of processors that no Python expression becomes."""

    def __init__(self, function: Any) -> None:
        self.py_func = self._only = function
        self.__name__, self.__doc__ = function.__name__, function.__doc__

    @cached_property
    def _callee(self) -> Any:
        from numba.cpython.unsafe import numbers

        return getattr(numbers, self.__name__)

    @property
    def _dispatcher(self) -> Any:
        return self._callee


def inlined(*signatures: str, always: bool = False, apart: bool = False) -> Callable[[Any], Inlined]:
    """Compile a function for these signatures wherever a kernel calls it.

    LLVM may leave a long one as a function that is called, unless it is ``always`` to become a part. It may
    take arrays to lie ``apart`` from each other, so that nothing written in one is read in another.
    """
    options = {"forceinline": always, "noalias": apart}
    return lambda function: Inlined(function, signatures, {name: True for name in options if options[name]})


@_BitCount
def trailing_zeros(value: int) -> int:
    """How many zeros a number of 64 bits ends with; 64 for 0."""
    return (value & -value).bit_length() - 1 if value else 64


@_BitCount
def leading_zeros(value: int) -> int:
    """How many zeros a number of 64 bits starts with; 64 for 0."""
    return 64 - value.bit_length()


class _Choice(Kernel):
    """A choice that becomes no branch: the compiler is told that nobody can predict it."""

    def __init__(self, function: Any) -> None:
        self.py_func = self._only = function
        self.__name__, self.__doc__ = function.__name__, function.__doc__

    @cached_property
    def _callee(self) -> Any:
        from numba import types
        from numba.extending import intrinsic

        def build(context: Any, builder: Any, signature: Any, values: Any) -> Any:
            choice = builder.select(*values)
            choice.set_metadata("unpredictable", builder.module.add_metadata([]))
            return choice

        def chosen(typing: Any, condition: Any, one: Any, other: Any) -> Any:
            return types.uint64(types.boolean, types.uint64, types.uint64), build

        return intrinsic(chosen)

    @property
    def _dispatcher(self) -> Any:
        return self._callee


@_Choice
def chosen(condition: bool, one: Any, other: Any) -> Any:
    """``one`` where the condition is true, else ``other``, both of them uint64 and computed in any case."""
    return one if condition else other
