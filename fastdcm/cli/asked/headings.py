"""Options that stand under one heading of ``--help``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

from fastdcm.cli.grouped import option
from fastdcm.errors import OptionError

FROM_ONE = click.IntRange(1)

_Decorated = TypeVar("_Decorated", bound=Callable[..., Any])


class Given(tuple[tuple[str, ...], dict[str, Any]]):
    """Names and settings of an option."""


def given(*names: str, **settings: Any) -> Given:
    """An option, as `click.option` takes it."""
    return Given((names, settings))


def under(heading: str, *options: Given) -> Callable[[_Decorated], _Decorated]:
    """A decorator that gives a command these options."""

    def decorate(command: _Decorated) -> _Decorated:
        for names, settings in reversed(options):
            command = option(heading, *names, **settings)(command)
        return command

    return decorate


def parsed(parse: Callable[[str], Any]) -> Callable[[click.Context, click.Parameter, str | None], Any]:
    """A callback that hands an option's text to a function of `fastdcm.options`."""

    def callback(ctx: click.Context, param: click.Parameter, value: str | None) -> Any:
        try:
            return None if value is None else parse(value)
        except OptionError as error:
            raise click.BadParameter(error.message, ctx, param) from error

    return callback
