"""Operands of ``convert``: which are sources, and whether the last one is meant as the output."""

from __future__ import annotations

import os

from fastdcm.batch.lists import is_list
from fastdcm.batch.naming import strip_extension
from fastdcm.batch.targets import holds_many, is_image_name
from fastdcm.errors import OptionError
from fastdcm.sources.addresses import shown

#: Entries looked at to tell an empty output folder from an input.
_LOOK_AT = 1000


def split_operands(operands: list[str], output: str | None) -> tuple[list[str], str | None]:
    """(sources, output), where ``IN.dcm OUT.jpg`` names both.

    Raises `OptionError`, with the command that was meant, where the last operand can only be an
    output.
    """
    if output is not None or len(operands) < 2:
        return operands, output
    *sources, last = operands
    if is_list(last):
        return operands, None
    if is_image_name(last) and not os.path.isdir(last):
        if len(sources) == 1 and not holds_many(sources[0]):
            return sources, last
        if not os.path.exists(last):
            meant = _command(sources, "FOLDER")
            raise OptionError(f"{shown(last)} can hold one image, not many; name a folder: {meant}")
    elif _is_meant_as_output(last):
        raise OptionError(
            f"{shown(last)} holds nothing to convert; to write there: {_command(sources, last)}"
        )
    return operands, None


def _command(sources: list[str], output: str) -> str:
    import shlex

    words = [shlex.quote(shown(source)) for source in sources[:2]]
    more = ["..."] if len(sources) > 2 else []
    return " ".join(["fastdcm convert", *words, *more, "-o", shlex.quote(shown(output))])


def _is_meant_as_output(path: str) -> bool:
    """A name that does not exist and is no DICOM file's, or a folder without any possible input."""
    if os.path.isdir(path):
        return _holds_no_input(path)
    return not os.path.lexists(path) and strip_extension(path) == path


def _holds_no_input(folder: str) -> bool:
    looked_at = 0
    for _, _, files in os.walk(folder):
        for name in files:
            looked_at += 1
            if looked_at > _LOOK_AT or not is_image_name(name):
                return False
    return True
