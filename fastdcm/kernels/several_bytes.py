"""Several bytes of an array at once: instructions of processors that no Python expression becomes.

Nothing says whether they lie inside the array; where indices are checked (NUMBA_BOUNDSCHECK), and where an
instruction is one that the processor has not, the Python function itself is compiled.
"""

from __future__ import annotations

import sys
from typing import Any

import numpy as np

from fastdcm.kernels import machine_code
from fastdcm.kernels.inlined import Inlined, made_by

#: Bytes that are compared, or copied.
BLOCK = 64
_ALL = np.uint64(0xFFFFFFFFFFFFFFFF)
_DATA, _BYTES = "Array(uint8, 1, 'C', readonly=True)", "uint8[::1]"


def _is_checked() -> bool:
    from numba.core import config

    return bool(config.BOUNDSCHECK)  # type: ignore[attr-defined]


def _address(context: Any, builder: Any, kind: Any, array: Any, place: Any) -> Any:
    from llvmlite import ir
    from numba.core.cgutils import create_struct_proxy

    data = create_struct_proxy(kind)(context, builder, array).data  # type: ignore[no-untyped-call]
    return builder.gep(data, [builder.zext(place, ir.IntType(64))])


def _load(builder: Any, address: Any, kind: Any) -> Any:
    return builder.load(builder.bitcast(address, kind.as_pointer()), align=1)


def _four(function: Any) -> Any:
    if _is_checked():
        return Inlined(function, (f"uint32({_BYTES}, uint32)",), {})._called()
    from llvmlite import ir
    from numba.core import types
    from numba.extending import intrinsic

    def build(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        four = _load(builder, _address(context, builder, signature.args[0], *values), ir.IntType(32))
        return builder.bswap(four) if sys.byteorder == "little" else four

    def typed(_typing: Any, array: Any, _place: Any) -> Any:
        return types.uint32(array, types.uint32), build

    return intrinsic(typed)


def _equal(function: Any) -> Any:
    if _is_checked() or sys.byteorder == "big":
        return Inlined(function, (f"uint64({_DATA}, uint64, uint8)",), {})._called()
    from llvmlite import ir
    from numba.core import types
    from numba.extending import intrinsic

    def build(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        vector = ir.VectorType(ir.IntType(8), BLOCK)
        block = _load(builder, _address(context, builder, signature.args[0], *values[:2]), vector)
        one = builder.insert_element(ir.Constant(vector, ir.Undefined), values[2], ir.IntType(32)(0))
        places = ir.Constant(ir.VectorType(ir.IntType(32), BLOCK), None)
        wanted = builder.shuffle_vector(one, one, places)
        return builder.bitcast(builder.icmp_unsigned("==", block, wanted), ir.IntType(64))

    def typed(_typing: Any, array: Any, _place: Any, _value: Any) -> Any:
        return types.uint64(array, types.uint64, types.uint8), build

    return intrinsic(typed)


def _copy(function: Any) -> Any:
    if _is_checked() or not machine_code.has("avx512vbmi2"):
        signature = f"void({_DATA}, uint64, uint64, {_BYTES}, uint64)"
        return Inlined(function, (signature,), {"noalias": True})._called()
    from llvmlite import ir
    from numba.core import types
    from numba.extending import intrinsic

    def build(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        data, position, kept, coded, place = values
        vector = ir.VectorType(ir.IntType(8), BLOCK)
        mask = ir.VectorType(ir.IntType(1), BLOCK)
        block = _load(builder, _address(context, builder, signature.args[0], data, position), vector)
        kind = ir.FunctionType(vector, [vector, vector, mask])
        name = "llvm.x86.avx512.mask.compress.v64i8"
        compress = builder.module.globals.get(name) or ir.Function(builder.module, kind, name)
        packed = builder.call(compress, [block, block, builder.bitcast(kept, mask)])
        address = _address(context, builder, signature.args[3], coded, place)
        builder.store(packed, builder.bitcast(address, vector.as_pointer()), align=1)
        return context.get_dummy_value()

    def typed(_typing: Any, array: Any, _position: Any, _kept: Any, coded: Any, _place: Any) -> Any:
        numbers = types.uint64, types.uint64
        return types.void(array, *numbers, coded, types.uint64), build

    return intrinsic(typed)


@made_by(_four)
def four_bytes(coded, place):  # type: ignore[no-untyped-def]
    """Four bytes from a place on, the first one highest; of several places LLVM makes a vector."""
    found = np.uint32(0)
    for number in range(4):
        found = np.uint32(found << np.uint32(8)) | np.uint32(coded[place + np.uint32(number)])
    return found


@made_by(_equal)
def equal_bytes(data, position, value):  # type: ignore[no-untyped-def]
    """Which of `BLOCK` bytes from a position on have a value, as bits, the first one lowest."""
    found = np.uint64(0)
    for number in range(BLOCK):
        found |= np.uint64(data[position + np.uint64(number)] == value) << np.uint64(number)
    return found


@made_by(_copy)
def copy_bytes(data, position, kept, coded, place):  # type: ignore[no-untyped-def]
    """Copy those of `BLOCK` bytes from a position on that have a bit, one behind the other.

    Up to `BLOCK` bytes from a place on are written.
    """
    if kept == _ALL:  # which vectors of any processor do
        for number in range(BLOCK):
            coded[place + np.uint64(number)] = data[position + np.uint64(number)]
        return
    for number in range(BLOCK):
        coded[place] = data[position + np.uint64(number)]
        place += kept >> np.uint64(number) & np.uint64(1)
