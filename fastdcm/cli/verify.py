"""``fastdcm verify``."""

from __future__ import annotations

import sys

import click

from fastdcm.cli.messages import counted, error_line, printable, write_line
from fastdcm.errors import OptionError


@click.command()
@click.argument("manifest", type=click.Path())
@click.option("--quiet", is_flag=True, help="Tell of what is wrong only.")
def verify(manifest: str, quiet: bool) -> None:
    """Tell whether the images of a manifest are there, and what was written.

    Sizes are compared, and SHA-256 where the run was asked for --checksum. Ends with 1 where anything is
    wrong. What failed made no image: fastdcm report tells of it.
    """
    from fastdcm.manifest.checking import check

    good = bad = summed = 0
    try:
        for found in check(manifest):
            summed += found.summed
            if found.problem:
                bad += 1
                error_line(f"{printable(found.output)}: {found.problem} (of {printable(found.source)})")
            else:
                good += 1
    except OptionError as error:
        raise click.UsageError(error.message) from error
    if not quiet:
        how = "by SHA-256" if summed == good + bad else f"{summed} of them by SHA-256, the others by size"
        words = f"{counted(good, 'image')} as written ({how if summed else 'by size'})"
        words += f", {bad} not" if bad else ""
        write_line(sys.stdout, words if good or bad else "no image to verify")
    sys.exit(1 if bad else 0)
