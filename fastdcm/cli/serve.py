"""``fastdcm serve``: a folder as a DICOMweb server."""

from __future__ import annotations

import logging
import sys
from importlib.util import find_spec
from typing import Any

import click

from fastdcm.cli.messages import error_line
from fastdcm.errors import FastdcmError, OptionError
from fastdcm.options.serve import ServeOptions

_USUAL = ServeOptions()
_EXAMPLES = """\b
Examples:
  fastdcm serve study/                                      http://127.0.0.1:8080/
  fastdcm serve study/ --cors https://viewer.example        for a viewer in a browser
  fastdcm serve /data --host 0.0.0.0 --token-file token     for other machines
"""


@click.command(epilog=_EXAMPLES)
@click.argument("folder", metavar="DIR", type=click.Path(exists=True, file_okay=False))
@click.option("--host", default=_USUAL.host, show_default=True, help="Address to listen at.")
@click.option("--port", default=_USUAL.port, show_default=True, help="Port to listen at; 0 takes a free one.")
@click.option(
    "--token",
    envvar="FASTDCM_TOKEN",
    help="Requests must carry it (or FASTDCM_TOKEN: others may see arguments).",
)
@click.option("--token-file", type=click.File(), help="A file whose first line is the token.")
@click.option("--insecure", is_flag=True, help="Let everybody who reaches the address read everything.")
@click.option(
    "--cors", multiple=True, metavar="ORIGIN", help="Pages of this origin may read answers; * for all."
)
@click.option("--url", default="", help="Where others find the server, behind a proxy.")
@click.option("--index", type=click.Path(dir_okay=False), help="Where the index is kept.  [the user's cache]")
@click.option(
    "--rescan",
    default=_USUAL.rescan,
    show_default=True,
    metavar="SECONDS",
    help="Look for changes; 0: never.",
)
@click.option("-j", "--jobs", type=click.IntRange(1), metavar="N", help="Processes that read files.  [cores]")
@click.option("--queue", default=_USUAL.queue, show_default=True, help="Requests that may wait for them.")
@click.option(
    "--timeout", default=_USUAL.timeout, show_default=True, metavar="SECONDS", help="For one image at most."
)
@click.option(
    "--cache", default=_USUAL.cache_bytes >> 20, show_default=True, metavar="MIB", help="Kept images."
)
@click.option(
    "--max-pixels", default=_USUAL.max_pixels, show_default=True, help="Of a frame, and of an image."
)
@click.option("-v", "--verbose", is_flag=True, help="A line for each request.")
def serve(folder: str, token_file: Any, cache: int, verbose: bool, **asked: Any) -> None:
    """Serve a folder of DICOM files by DICOMweb: search, retrieval, rendered images.

    Nothing is written to the folder, and nothing outside of it is reached. Changes are followed.
    """
    try:
        if token_file is not None:
            if asked["token"]:
                raise OptionError("--token and --token-file exclude each other")
            asked["token"] = token_file.readline().strip()
        options = ServeOptions(**{**asked, "token": asked["token"] or ""}, cache_bytes=cache << 20)
        _check_extra()
    except OptionError as error:
        raise click.UsageError(error.message) from error
    from fastdcm.serve.run import serve as run

    logging.basicConfig(
        stream=sys.stderr,
        level=logging.INFO if verbose else logging.WARNING,
        format="%(asctime)s %(message)s",
    )
    _tell_of_kernels()
    logging.getLogger("fastdcm.serve").setLevel(logging.INFO if verbose else logging.WARNING)
    try:
        run(folder, options, lambda url: click.echo(f"serving {folder} at {url}"))
    except FastdcmError as error:
        error_line(f"error: {error}")
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)


def _tell_of_kernels() -> None:
    from fastdcm.kernels.places import are_cached

    if not are_cached({"display", "elements"}):
        error_line("notice: kernels are not compiled, so that rendering is slower: run fastdcm warmup once")


def _check_extra() -> None:
    missing = [name for name in ("httptools", "starlette", "uvicorn") if find_spec(name) is None]
    if missing:
        raise OptionError(f"serving needs {' and '.join(missing)}: pip install '.[web]' in the source tree")
