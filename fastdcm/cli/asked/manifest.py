"""The heading *Manifest*: the account of a run, and going on from it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from fastdcm.cli.asked.headings import given, under
from fastdcm.errors import OptionError

if TYPE_CHECKING:
    from fastdcm.options.manifest import ManifestOptions

manifest_options = under(
    "Manifest",
    given(
        "--manifest",
        metavar="RUN.jsonl",
        type=click.Path(),
        help="A row a frame: source, output, what came of it, how it is shown; .parquet makes a table, too.",
    ),
    given("--checksum", is_flag=True, help="With the SHA-256 of each output, for fastdcm verify."),
    given(
        "--resume",
        is_flag=True,
        help="Go on from the manifest: do what is left; with --overwrite replace what others left, too.",
    ),
    given("--retry-failed", is_flag=True, help="Try again what failed before, too."),
)


def manifest_of(asked: dict[str, Any]) -> ManifestOptions | None:
    """Options of the manifest; None without one."""
    path = asked["manifest"]
    if path is None:
        for name in ("checksum", "resume", "retry_failed"):
            if asked[name]:
                raise OptionError(f"--{name.replace('_', '-')} is for --manifest")
        return None
    from fastdcm.options.manifest import ManifestOptions

    return ManifestOptions(path, asked["checksum"], asked["resume"], asked["retry_failed"])
