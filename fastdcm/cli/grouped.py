"""Options under headings in ``--help``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

_Decorated = TypeVar("_Decorated", bound=Callable[..., Any])


class _GroupedOption(click.Option):
    def __init__(self, *args: Any, group: str, **settings: Any) -> None:
        super().__init__(*args, **settings)
        self.group = group


def option(group: str, *names: str, **settings: Any) -> Callable[[_Decorated], _Decorated]:
    """`click.option` under the heading ``group``."""
    return click.option(*names, cls=_GroupedOption, group=group, **settings)


class GroupedCommand(click.Command):
    """A command whose help lists options by heading, in the order of their declaration."""

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        groups: dict[str, list[tuple[str, str]]] = {}
        for parameter in self.get_params(ctx):
            if isinstance(parameter, click.Option) and (record := parameter.get_help_record(ctx)):
                names, text = record
                heading = getattr(parameter, "group", "Other")
                # click appends the range of numbers, which the metavar says already
                groups.setdefault(heading, []).append((names, text.partition("  [")[0]))
        for heading, records in groups.items():
            with formatter.section(heading):
                formatter.write_dl(records)
