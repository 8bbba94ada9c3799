"""``fastdcm report``."""

from __future__ import annotations

import sys

import click

from fastdcm.cli.messages import error_line, printable, write_line
from fastdcm.errors import OptionError, OutputError


@click.command()
@click.argument("manifest", type=click.Path())
@click.option("-o", "--output", metavar="PAGE.html", type=click.Path(), help="The page; default: beside it.")
@click.option("--overwrite", is_flag=True, help="Replace what is there, also where it is no such page.")
def report(manifest: str, output: str | None, overwrite: bool) -> None:
    """Make a page of what a manifest tells: what was converted, what failed and why, how fast, and pictures.

    The page is one file that needs no network. It shows pixels and paths of the data: handle it like these.
    """
    from fastdcm.manifest.page import write_page

    try:
        path = write_page(manifest, output, overwrite=overwrite)
    except OptionError as error:
        raise click.UsageError(error.message) from error
    except OutputError as error:
        error_line(f"error: {error}")
        sys.exit(1)
    write_line(sys.stdout, printable(path))
