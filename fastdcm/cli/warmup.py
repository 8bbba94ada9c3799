"""``fastdcm warmup``: compile all kernels now, so that no later run has to; for images of containers."""

from __future__ import annotations

import os
import pkgutil
import sys
from importlib import import_module

import click

from fastdcm.cli.messages import counted, error_line


@click.command()
def warmup() -> None:
    """Compile all kernels, and show where they are kept.

    Kernels are compiled for this machine's processor; on another kind they are compiled anew.
    """
    import fastdcm.kernels
    from fastdcm.kernels import places
    from fastdcm.kernels.jit import Kernel

    modules: set[str] = set()
    for module in pkgutil.iter_modules(fastdcm.kernels.__path__):
        # Defining a kernel compiles or loads it. Other classes are of functions that become part of one.
        defined = vars(import_module(f"fastdcm.kernels.{module.name}")).values()
        modules |= {each.py_func.__module__.rpartition(".")[2] for each in defined if type(each) is Kernel}
    if not places.are_cached(modules):
        error_line(f"the compiled kernels cannot be kept: {places.in_words()}")
        sys.exit(1)
    for folder in places.folders():
        names = os.listdir(folder) if os.path.isdir(folder) else []
        kept = [name for name in names if f"-{places.source_digest()}-" in name]
        if kept:
            size = sum(os.path.getsize(os.path.join(folder, name)) for name in kept)
            click.echo(f"{counted(len(kept), 'kernel')}, {size / 1e6:.1f} MB, in {folder}")
