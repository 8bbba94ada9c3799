"""Functions that kernels are made of: compiled as part of those that call them, never called alone."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import Any

import numpy as np

from fastdcm.kernels import machine_code
from fastdcm.kernels.jit import Kernel


class Inlined(Kernel):
    """A function for kernels to call; nothing is compiled before one does."""

    def __init__(self, function: Any, signatures: tuple[str, ...], options: dict[str, bool]) -> None:
        self.py_func = self._only = function
        self.__name__, self.__doc__ = function.__name__, function.__doc__
        self._signatures = signatures
        self._callee = self._dispatcher = None
        self._options = options


class Intrinsic(Kernel):
    """A function for kernels to call that is no compiled Python: ``make`` gives what numba calls instead."""

    def __init__(self, function: Any, make: Callable[[Any], Any]) -> None:
        self.py_func = self._only = function
        self.__name__, self.__doc__ = function.__name__, function.__doc__
        self._make = make

    @cached_property
    def _callee(self) -> Any:
        return self._make(self.py_func)

    @property
    def _dispatcher(self) -> Any:
        return self._callee


def made_by(make: Callable[[Any], Any]) -> Callable[[Any], Intrinsic]:
    """A decorator: kernels call what ``make`` gives for the function, when the first of them is compiled."""
    return lambda function: Intrinsic(function, make)


def _bit_count(function: Any) -> Any:
    """An instruction of all processors that no Python expression becomes."""
    from numba.cpython.unsafe import numbers

    return getattr(numbers, function.__name__)


def _bit_deposit(function: Any) -> Any:
    """An instruction that only some processors have; on others, the function itself is compiled."""
    if not machine_code.has("bmi2"):
        return Inlined(function, ("uint64(uint64, uint64)",), {})._called()
    from llvmlite import ir
    from numba.core import types
    from numba.extending import intrinsic

    def build(_context: Any, builder: Any, _signature: Any, values: Any) -> Any:
        word = ir.IntType(64)
        kind = ir.FunctionType(word, [word, word])
        return builder.call(builder.module.declare_intrinsic("llvm.x86.bmi.pdep.64", (), kind), values)

    def typed(_typing: Any, _bits: Any, _mask: Any) -> Any:
        return types.uint64(types.uint64, types.uint64), build

    return intrinsic(typed)


def _choice(_function: Any) -> Any:
    """A choice that becomes no branch: the compiler is told that nobody can predict it."""
    from numba import types
    from numba.extending import intrinsic

    def build(_context: Any, builder: Any, _signature: Any, values: Any) -> Any:
        choice = builder.select(*values)
        choice.set_metadata("unpredictable", builder.module.add_metadata([]))
        return choice

    def typed(_typing: Any, _condition: Any, _one: Any, _other: Any) -> Any:
        return types.uint64(types.boolean, types.uint64, types.uint64), build

    return intrinsic(typed)


def inlined(*signatures: str, always: bool = False, apart: bool = False) -> Callable[[Any], Inlined]:
    """Compile a function for these signatures wherever a kernel calls it.

    LLVM may leave a long one as a function that is called, unless it is ``always`` to become a part. It may
    take arrays to lie ``apart`` from each other, so that nothing written in one is read in another.
    """
    options = {"forceinline": always, "noalias": apart}
    return lambda function: Inlined(function, signatures, {name: True for name in options if options[name]})


@made_by(_bit_count)
def trailing_zeros(value: int) -> int:
    """How many zeros a number of 64 bits ends with; 64 for 0."""
    return (value & -value).bit_length() - 1 if value else 64


@made_by(_bit_count)
def leading_zeros(value: int) -> int:
    """How many zeros a number of 64 bits starts with; 64 for 0."""
    return 64 - value.bit_length()


@made_by(_bit_deposit)
def deposited(bits, mask):  # type: ignore[no-untyped-def]
    """The bits of a number, from the lowest on, at the places of those set in a mask; those over are lost."""
    one = np.uint64(1)
    found = np.uint64(0)
    while bits:
        place = mask & ~(mask - one)
        if bits & one:
            found |= place
        mask &= ~place
        bits >>= one
    return found


@made_by(_choice)
def chosen(condition: bool, one: Any, other: Any) -> Any:
    """``one`` where the condition is true, else ``other``, both of them uint64 and computed in any case."""
    return one if condition else other


@inlined("uint64(uint64)", always=True)
def ones(bits):  # type: ignore[no-untyped-def]
    """How many bits are set: LLVM knows this for the processor's instruction."""
    one, two, four, places = np.uint64(1), np.uint64(2), np.uint64(4), np.uint64(56)
    bits -= bits >> one & np.uint64(0x5555555555555555)
    bits = (bits & np.uint64(0x3333333333333333)) + (bits >> two & np.uint64(0x3333333333333333))
    bits = bits + (bits >> four) & np.uint64(0x0F0F0F0F0F0F0F0F)
    return bits * np.uint64(0x0101010101010101) >> places
