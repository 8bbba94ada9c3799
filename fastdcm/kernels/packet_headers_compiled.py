"""`fastdcm.kernels.packet_headers`, compiled. Importing this imports numba."""

from __future__ import annotations

from types import FunctionType
from typing import Any

from fastdcm.kernels import packet_headers
from fastdcm.kernels.inlined import inlined
from fastdcm.kernels.jit import kernel

_BYTES, _IN, _OUT = "Array(uint8, 1, 'C', readonly=True)", "Array(int64, 1, 'C', readonly=True)", "int64[::1]"
_READER = f"{_BYTES}, {_OUT}"
_PRECINCT = f"{_READER}, {_OUT}"

_compiled: dict[str, Any] = {}


def _compile(name: str, signature: str, how: Any = kernel) -> Any:
    """A function for this signature, which calls those that are compiled before it."""
    plain = getattr(packet_headers, name)
    bound = FunctionType(plain.__code__, {**plain.__globals__, **_compiled}, name)
    _compiled[name] = how(signature)(bound)
    return _compiled[name]


load = _compile("load", f"void({_READER})", inlined)
bits = _compile("bits", f"int64({_READER}, int64)", inlined)
start = _compile("start", f"int64({_READER}, int64, int64)")
finish = _compile("finish", f"void({_READER})")
below = _compile("below", f"boolean({_PRECINCT}, int64, int64, int64, int64)", inlined)
number_of_passes = _compile("number_of_passes", f"int64({_READER})", inlined)
places = _compile("places", "int64(int64)", inlined)
passes_together = _compile("passes_together", "int64(int64, int64, int64)", inlined)
read_blocks = _compile("read_blocks", f"int64({_PRECINCT}, int64, int64, {_OUT}, int64)", inlined)
read_packet = _compile("read_packet", f"int64({_PRECINCT}, int64, int64, {_OUT})")
read_header = _compile("read_header", f"int64({_PRECINCT}, int64, int64, int64, int64, {_OUT})")
check_suffixes = _compile("check_suffixes", f"int64({_BYTES}, int64, {_IN}, int64)")
