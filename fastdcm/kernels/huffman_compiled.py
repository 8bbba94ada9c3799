"""`fastdcm.kernels.huffman`, compiled. Importing this imports numba."""

from __future__ import annotations

from fastdcm.kernels import huffman
from fastdcm.kernels.jit import kernel

_BYTES, _INTEGERS = "Array(uint8, 1, 'C', readonly=True)", "Array(int64, 1, 'C', readonly=True)"
_TABLE = "Array(int32, 1, 'C', readonly=True)"
_RESULT, _SCAN = "UniTuple(int64, 3)", f"{_BYTES}, {_INTEGERS}, {_INTEGERS}, int64, int64"

combine = kernel("void(int32[::1])")(huffman.combine)
walk_differences = kernel(f"{_RESULT}({_SCAN}, {_TABLE})")(huffman.walk_differences)
walk_blocks = kernel(f"{_RESULT}({_SCAN}, {_INTEGERS}, {_INTEGERS}, {_TABLE})")(huffman.walk_blocks)
walk_band = kernel(f"{_RESULT}({_SCAN}, int64, int64, boolean, int64[::1], {_TABLE})")(huffman.walk_band)
