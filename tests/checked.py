"""Kernels from the same source with numba's checks of bounds, in a process of their own."""

from __future__ import annotations

import os
import subprocess
import sys

from tests.conftest import ROOT

_START = """
from fastdcm.kernels import machine_code

# Nothing is loaded or kept: all is compiled anew, and so with checks.
machine_code.load = lambda *arguments: None
machine_code.keep = lambda *arguments: None

import numpy as np
from fastdcm.kernels.jit import kernel

@kernel("int64(int64[::1], int64)")
def beyond(array, index):
    return array[index]

try:
    beyond(np.zeros(3, np.int64), 3)
except Exception as error:
    print(type(error).__name__)
"""


def printed_with_checks(program: str, *, timeout: int = 600) -> str:
    """What a program prints that runs kernels; it fails where one reads or writes outside of an array."""
    done = subprocess.run(
        [sys.executable, "-c", _START + program],
        capture_output=True,
        text=True,
        check=False,
        timeout=timeout,
        cwd=ROOT,
        env={**os.environ, "NUMBA_BOUNDSCHECK": "1"},
    )
    assert done.returncode == 0, done.stderr
    checked, _, found = done.stdout.partition("\n")
    # numba says which error it was, machine code of ours only that there was one.
    assert checked in ("IndexError", "RuntimeError"), done.stdout
    return found
