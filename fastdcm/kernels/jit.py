"""The one decorator: compiled by numba for fixed types, once; then loaded as machine code, and linked when
it is called first.

numba is imported where something has to be compiled only. What `fastdcm.kernels.machine_code` cannot
keep or load is compiled anew in each process, and called through numba.
"""

from __future__ import annotations

from collections.abc import Callable
from types import FunctionType
from typing import Any

from fastdcm.kernels import Compiling, machine_code
from fastdcm.kernels.machine_code import Native, Signature


class Kernel:
    """A compiled function; ``py_func`` is the same in Python.

    Arrays must have the types of one of its signatures and be in C order. Raises `TypeError`.
    """

    def __init__(self, function: FunctionType, signatures: tuple[str, ...]) -> None:
        self.py_func = function
        self.__name__, self.__doc__ = function.__name__, function.__doc__
        self._signatures = signatures
        self._options: dict[str, bool] = {}
        self._dispatcher: Any = None
        self._callee: Any = None
        self._natives = [self._native(signature) for signature in signatures]
        if len(self._natives) == 1:
            self._only = self._natives[0]
        else:
            self._only = self._first

    def __call__(self, *arguments: Any) -> Any:
        result = self._only(*arguments)
        if result is NotImplemented:
            raise TypeError(f"{self.__name__} has no signature for {', '.join(map(_type, arguments))}")
        return result

    def _first(self, *arguments: Any) -> Any:
        for native in self._natives:
            result = native(*arguments)
            if result is not NotImplemented:
                return result
        return NotImplemented

    def _native(self, signature: str) -> Native:
        package, _, module = self.py_func.__module__.rpartition(".")
        name = self.__name__
        # What is defined elsewhere has another source than the one by which machine code is known.
        is_ours = package == "fastdcm.kernels"
        try:
            types = Signature(signature)
        except ValueError:
            return self._by_numba()
        code = machine_code.load(module, name, signature) if is_ours else None
        if code is None:
            code = self._compiled(signature, types)
            if code is None:
                return self._by_numba()
            if is_ours:
                machine_code.keep(module, name, signature, code)
        return types.native(code)

    def _compiled(self, signature: str, types: Signature) -> bytes | None:
        """Machine code that stands alone; None where it needs numba's own functions."""
        with Compiling():
            from numba.core.errors import NumbaError

            try:
                dispatcher = self._alone(signature)
            except NumbaError:  # it makes arrays, which only numba can; or is no kernel, which numba will say
                return None
            (compiled,) = dispatcher.overloads.values()
            return machine_code.emit(compiled.library.get_llvm_str(), compiled.fndesc.llvm_func_name, types)

    def _alone(self, *signatures: str) -> Any:
        """Compiled without reference counts, which arrays of the caller do not need, and without what
        Python would call it by.
        """
        import numba

        _let_numba_take("noalias")
        return numba.jit(  # type: ignore[call-overload]
            list(signatures),
            nopython=True,
            nogil=True,
            _nrt=False,
            no_cpython_wrapper=True,
            no_cfunc_wrapper=True,
            **self._options,
        )(self._bound(Kernel._called))

    def _called(self) -> Any:
        """The function as other kernels call it."""
        if self._callee is None:
            self._callee = self._alone(*self._signatures)
        return self._callee

    def _by_numba(self) -> Native:
        """The function as numba calls it."""
        if self._dispatcher is None:
            import numba

            self._dispatcher = numba.jit(list(self._signatures), nopython=True, nogil=True)(
                self._bound(Kernel._by_numba)
            )
        return self._dispatcher  # type: ignore[no-any-return]

    def _bound(self, compiled: Callable[[Kernel], Any]) -> Callable[..., Any]:
        """The Python function, with the kernels that it calls as numba knows them."""
        plain = self.py_func
        called = {
            name: compiled(value)
            for name in plain.__code__.co_names
            if isinstance(value := plain.__globals__.get(name), Kernel)
        }
        if not called:
            return plain
        bound = FunctionType(plain.__code__, {**plain.__globals__, **called}, plain.__name__)
        bound.__module__ = plain.__module__
        return bound


def _let_numba_take(flag: str) -> None:
    """Make one of the compiler's flags an option of numba's decorator, which has not all of them."""
    from numba.core.cpu import CPUTargetOptions
    from numba.core.options import TargetOptions

    if not hasattr(CPUTargetOptions, flag):
        setattr(CPUTargetOptions, flag, TargetOptions.Mapping(flag))  # type: ignore[no-untyped-call]


def kernel(*signatures: str) -> Callable[[Any], Kernel]:
    """Compile a function for the given signatures, at once, so that nothing compiles in mid-run."""
    return lambda function: Kernel(function, signatures)


def _type(value: Any) -> str:
    shape = getattr(value, "shape", None)
    return type(value).__name__ if shape is None else f"{value.dtype}{list(shape)}"
