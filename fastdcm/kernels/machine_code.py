"""Kernels as machine code: kept as object files, and loaded without numba.

numba compiles a kernel once. Importing it again in every process that runs the kernel takes 0.3 s, of which
llvmlite, by which numba loads machine code as well, needs 0.04 s (benches/bench_kernels.py).

numba's functions take where to put the result, where to put an exception, then the arguments, an array as
(owner, parent, items, bytes an item, address, shape..., strides...), and return 0 where there was no
exception. `Signature.entry` is what stands before: it takes all arguments in a row of 8 bytes each, an array
as the address of its object, which begins with (data, number of sides, shape, strides) in NumPy's ABI.
"""

from __future__ import annotations

import ctypes
import os
import re
import struct
import threading
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from typing import Any, NamedTuple

import llvmlite
import llvmlite.binding as llvm
import numpy as np

from fastdcm.kernels.places import file_name, folders, source_digest


class _Scalar(NamedTuple):
    """A type of numbers: how LLVM, `struct` (padded to 8 bytes) and ctypes call it."""

    llvm: str
    packed: str
    c: Any


_SCALARS = {
    "boolean": _Scalar("i8", "?7x", ctypes.c_bool),
    "uint8": _Scalar("i8", "B7x", ctypes.c_uint8),
    "int8": _Scalar("i8", "b7x", ctypes.c_int8),
    "uint16": _Scalar("i16", "H6x", ctypes.c_uint16),
    "int16": _Scalar("i16", "h6x", ctypes.c_int16),
    "uint32": _Scalar("i32", "I4x", ctypes.c_uint32),
    "int32": _Scalar("i32", "i4x", ctypes.c_int32),
    "uint64": _Scalar("i64", "Q", ctypes.c_uint64),
    "int64": _Scalar("i64", "q", ctypes.c_int64),
    "float32": _Scalar("float", "f4x", ctypes.c_float),
    "float64": _Scalar("double", "d", ctypes.c_double),
}
_SIGNATURE = re.compile(r"(UniTuple\((\w+), (\d+)\)|\w+)\((.*)\)")
_ARGUMENT = re.compile(
    r"Array\((?P<item>\w+), (?P<sides>\d), 'C', readonly=True\)"
    r"|(?P<written>\w+)\[(?P<colons>(?::, )*)::1\]"
    r"|(?P<scalar>\w+)"
)
# In LLVM's language: what has a name, and functions with what they do.
_NAME = re.compile(r'@("[^"]+"|[\w.$-]+)')
_FUNCTION = re.compile(rf"^define [^@\n]*{_NAME.pattern}(.*?)^\}}$", re.MULTILINE | re.DOTALL)
#: What machine code may call: functions that every process has.
_COMMON = frozenset({"memset", "memcpy", "memmove"})
_DIGEST_BYTES = 16
_ENTRY = "fastdcm_entry"
_ENTRY_TYPE = ctypes.CFUNCTYPE(ctypes.c_int32, ctypes.c_char_p, ctypes.c_void_p)

Native = Callable[..., Any]


# NumPy's C API: NPY_ARRAY_C_CONTIGUOUS, NPY_ARRAY_ALIGNED, NPY_ARRAY_WRITEABLE.
_READ = 0x0001 | 0x0100
_WRITTEN = _READ | 0x0400


class _Array(NamedTuple):
    """An argument that is an array; ``flags`` are those of NumPy that it must have."""

    dtype: Any
    sides: int
    flags: int


class Signature:
    """A signature as `fastdcm.kernels.jit.kernel` takes it. Raises `ValueError` for what is none of these."""

    def __init__(self, text: str) -> None:
        found = _SIGNATURE.fullmatch(text)
        if found is None:
            raise ValueError(text)
        result, item, count, arguments = found.groups()
        self._is_tuple = item is not None
        self._result: Any = None if result == "void" else _scalar(item or result).c * int(count or 1)
        self._arguments: list[_Array | _Scalar] = []
        position = 0
        while position < len(arguments):
            match = _ARGUMENT.match(arguments, position)
            if match is None or arguments[match.end() : match.end() + 2] not in ("", ", "):
                raise ValueError(text)
            self._arguments.append(_argument(match))
            position = match.end() + 2

    def entry(self, symbol: str) -> str:
        """In LLVM's language, the function that calls a native one with arguments that lie in a row."""
        lines, values = [], []
        names = iter(range(1, 1000))

        def load(kind: str, address: str, offset: int) -> str:
            place, value = f"%v{next(names)}", f"%v{next(names)}"
            lines.append(f"{place} = getelementptr i8, ptr {address}, i64 {offset}")
            lines.append(f"{value} = load {kind}, ptr {place}")
            return value

        for number, argument in enumerate(self._arguments):
            if isinstance(argument, _Scalar):
                values.append(f"{argument.llvm} {load(argument.llvm, '%arguments', 8 * number)}")
                continue
            head = object.__basicsize__
            array = load("ptr", "%arguments", 8 * number)
            data, shape, strides = (load("ptr", array, head + 8 * field) for field in (0, 2, 3))
            sides = [load("i64", shape, 8 * side) for side in range(argument.sides)]
            items = sides[0]
            for side in sides[1:]:
                product = f"%v{next(names)}"
                lines.append(f"{product} = mul i64 {items}, {side}")
                items = product
            values += ["ptr null", "ptr null", f"i64 {items}", f"i64 {argument.dtype.itemsize}"]
            values.append(f"ptr {data}")
            values += [f"i64 {side}" for side in sides]
            values += [f"i64 {load('i64', strides, 8 * side)}" for side in range(argument.sides)]
        return "\n".join(
            (
                f"define i32 @{_ENTRY}(ptr %arguments, ptr %place) {{",
                "%nowhere = alloca [2 x ptr]",
                "%exception = getelementptr ptr, ptr %nowhere, i64 1",
                "%absent = icmp eq ptr %place, null",
                "%result = select i1 %absent, ptr %nowhere, ptr %place",
                *lines,
                f'%status = call i32 @"{symbol}"(ptr %result, ptr %exception, {", ".join(values)})',
                "ret i32 %status",
                "}",
            )
        )

    def native(self, code: bytes) -> Native:
        """The function of an object file; it returns `NotImplemented` for other types of arrays.

        It is linked at its first call: of most modules, a process needs one or two functions. It does not
        hold the interpreter's lock while it runs, and reads and writes arrays in place.
        Raises `struct.error` for numbers that are out of range.
        """
        function: Any = None
        pack = struct.Struct(
            "=" + "".join("Q" if isinstance(each, _Array) else each.packed for each in self._arguments)
        ).pack
        arrays = [
            (position, *each) for position, each in enumerate(self._arguments) if isinstance(each, _Array)
        ]
        count, result_type, is_tuple = len(self._arguments), self._result, self._is_tuple

        def call(*values: Any) -> Any:
            nonlocal function
            if len(values) != count:
                return NotImplemented
            row = list(values)
            for position, dtype, sides, flags in arrays:
                value = values[position]
                if not isinstance(value, np.ndarray) or value.ndim != sides:
                    return NotImplemented
                # Types of numbers mostly are one object, and to compare two takes the time of all else here.
                if value.dtype is not dtype and value.dtype != dtype:
                    return NotImplemented
                if value.flags.num & flags != flags:
                    return NotImplemented
                row[position] = id(value)
            if function is None:
                function = _ENTRY_TYPE(link(code))
            result = None if result_type is None else result_type()
            if function(pack(*row), result):
                raise RuntimeError("a kernel failed")
            if result is None:
                return None
            return tuple(result) if is_tuple else result[0]

        return call


def _scalar(name: str) -> _Scalar:
    if name not in _SCALARS:
        raise ValueError(name)
    return _SCALARS[name]


def _argument(match: re.Match[str]) -> _Array | _Scalar:
    if match["scalar"]:
        return _scalar(match["scalar"])
    item = match["item"] or match["written"]
    _scalar(item)
    sides = int(match["sides"]) if match["item"] else match["colons"].count(":") + 1
    dtype = np.dtype("bool" if item == "boolean" else item)
    return _Array(dtype, sides, _WRITTEN if match["written"] else _READ)


@cache
def _processor() -> tuple[str, str]:
    """Name and features of this machine's processor, for which code is made."""
    return llvm.get_host_cpu_name(), llvm.get_host_cpu_features().flatten()


def has(feature: str) -> bool:
    """Whether this machine's processor has a feature, as LLVM calls it."""
    return bool(llvm.get_host_cpu_features().get(feature))


@cache
def machine_digest() -> str:
    """What machine code depends on besides its source: the processor and who compiles."""
    from hashlib import blake2b

    text = "\n".join((*_processor(), llvmlite.__version__, str(ctypes.sizeof(ctypes.c_void_p))))
    return blake2b(text.encode(), digest_size=6).hexdigest()


@cache
def _target_machine() -> Any:
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    name, features = _processor()
    x86 = llvm.get_default_triple().startswith(("x86_64", "i686"))
    return llvm.Target.from_triple(llvm.get_process_triple()).create_target_machine(
        cpu=name,
        features=features,
        opt=3,
        reloc="static" if x86 else "default",
        codemodel="jitdefault",
        jit=True,
    )


_LOCK = threading.Lock()


def emit(assembly: str, symbol: str, signature: Signature) -> bytes | None:
    """An object file of a function of a module in LLVM's language.

    None where it calls what a process may not have, such as numba's own functions.
    """
    with _LOCK:
        machine = _target_machine()
        assembly = f"{assembly}\n{signature.entry(symbol)}\n"
        module = llvm.parse_assembly(assembly)
        needed = _called(assembly, _ENTRY)
        for function in module.functions:
            if function.is_declaration:
                common = function.name.startswith("llvm.") or function.name in _COMMON
                if function.name in needed and not common:
                    return None
            elif function.name not in needed:
                # It is left out, and with it what it calls.
                function.linkage = "available_externally"
            else:
                function.linkage = "external" if function.name == _ENTRY else "internal"
        return bytes(machine.emit_object(module))


def _called(assembly: str, symbol: str) -> set[str]:
    """The names of a function and of all that it calls.

    They are found in the text: to go through a large kernel by objects takes a second.
    """
    bodies = {name.strip('"'): body for name, body in _FUNCTION.findall(assembly)}
    found: set[str] = set()
    waiting = {symbol}
    while waiting:
        name = waiting.pop()
        found.add(name)
        waiting |= {name.strip('"') for name in _NAME.findall(bodies.get(name, ""))} - found
    return found


_ENGINES: list[Any] = []


def link(code: bytes) -> int:
    """The address of the entry of an object file, which stays in memory."""
    with _LOCK:
        # An engine each, because the entries have one name.
        engine = llvm.create_mcjit_compiler(llvm.parse_assembly(""), _target_machine())
        _ENGINES.append(engine)
        engine.add_object_file(llvm.ObjectFileRef.from_data(code))
        engine.finalize_object()
        return int(engine.get_function_address(_ENTRY))


def load(module: str, name: str, signature: str) -> bytes | None:
    """What was kept of a kernel, for this source and this processor; None where nothing was."""
    file = file_name(module, name, signature, machine_digest())
    for folder in folders():
        with suppress(OSError), open(os.path.join(folder, file), "rb") as opened:
            kept = opened.read()
            code = kept[_DIGEST_BYTES:]
            if kept[:_DIGEST_BYTES] == _digest(code):
                return code
    return None


def keep(module: str, name: str, signature: str, code: bytes) -> None:
    """Keep an object file where that is possible, in the place of those of earlier sources."""
    file = file_name(module, name, signature, machine_digest())
    for folder in folders(make=True):
        temporary = os.path.join(folder, f"{file}.{os.getpid()}")
        try:
            descriptor = os.open(
                temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o600
            )
            with os.fdopen(descriptor, "wb") as opened:
                opened.write(_digest(code) + code)
            os.replace(temporary, os.path.join(folder, file))
        except OSError:
            with suppress(OSError):
                os.unlink(temporary)
            continue
        _remove_outdated(folder, f"{module}.{name}-")
        return


def _digest(code: bytes) -> bytes:
    """What stands before an object file, by which one that is damaged is known."""
    from hashlib import blake2b

    return blake2b(code, digest_size=_DIGEST_BYTES).digest()


def _remove_outdated(folder: str, start: str) -> None:
    current = f"{start}{source_digest()}"
    with suppress(OSError):
        for file in os.listdir(folder):
            if file.startswith(start) and file.endswith(".kernel") and not file.startswith(current):
                os.unlink(os.path.join(folder, file))
