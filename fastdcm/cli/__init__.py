"""The command ``fastdcm``. Each subcommand is one file, loaded when it is called."""

from __future__ import annotations

import os
from importlib import import_module

import click

from fastdcm.system import leave

#: Name -> (where it is, what it does in a line); so that ``--help`` loads none of them.
_COMMANDS = {
    "convert": ("fastdcm.cli.convert:convert", "Convert DICOM files to JPEG, PNG, and other formats."),
    "get": ("fastdcm.cli.get:get", "Fetch images from DICOMweb servers, rendered there or here."),
    "info": ("fastdcm.cli.info:info", "Tell what a file holds and how it would be rendered."),
    "serve": ("fastdcm.cli.serve:serve", "Serve a folder by DICOMweb: search, retrieval, rendered images."),
    "verify": ("fastdcm.cli.verify:verify", "Tell whether the images of a manifest are what was written."),
    "report": ("fastdcm.cli.report:report", "Make a page of what a manifest tells."),
    "warmup": ("fastdcm.cli.warmup:warmup", "Compile what is compiled, ahead of time."),
    "doctor": ("fastdcm.cli.doctor:doctor", "Tell versions, codecs and caches of this installation."),
}


class _LazyGroup(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _COMMANDS:
            return None
        module, _, name = _COMMANDS[cmd_name][0].partition(":")
        command: click.Command = getattr(import_module(module), name)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, summary) for name, (_, summary) in _COMMANDS.items()])


def _print_version(ctx: click.Context, _: click.Parameter, value: bool) -> None:
    if not value or ctx.resilient_parsing:
        return
    from fastdcm import __version__

    click.echo(f"fastdcm {__version__}")
    ctx.exit()


@click.group(cls=_LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--version",
    is_flag=True,
    expose_value=False,
    is_eager=True,
    callback=_print_version,
    help="Show the version and exit.",
)
def cli() -> None:
    """DICOM images to JPEG, PNG and other formats, fast.

    \b
    fastdcm convert scan.dcm               scan.jpg beside it
    fastdcm convert study/ -o images/      a folder and all below it
    fastdcm get https://server/dicom-web/studies/1.2.3 -o images/
    """


def main() -> None:
    """The console script: 0 done, 1 something failed, 2 wrong usage, 130 interrupted."""
    # NumPy's linear algebra, which nothing here uses, would start a thread a core at import.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    try:
        cli(prog_name="fastdcm")
    except SystemExit as end:
        if end.code is None or isinstance(end.code, int):
            leave(end.code or 0)
        raise
