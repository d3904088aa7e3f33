"""The `mfg` command: its groups, its global options, and the last handler of every error.

Belongs here: putting commands together. Doesn't belong here: any command.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from mfg_assets.cli import (
    audit,
    bom,
    change,
    check,
    context,
    contracts,
    dead_letters,
    dev,
    doctor,
    examples,
    exceptions,
    export,
    lot,
    publish,
    query,
    release,
    replay,
    run,
    simulate,
    trace,
)
from mfg_assets.cli.failures import exit_code_of, show_error, show_unexpected
from mfg_assets.cli.output import prepare_streams
from mfg_assets.errors import MfgError

_GLOBAL = ("--estate", "--home")


class Root(TyperGroup):
    """The root group: global options may stand anywhere, and no error shows a stack trace."""

    def main(self, args: Sequence[str] | None = None, *positional: Any, **options: Any) -> Any:
        """Run a command and end the process with its exit code."""
        prepare_streams()
        arguments = _globals_first(list(sys.argv[1:] if args is None else args))
        try:
            return super().main(arguments, *positional, **options)
        except MfgError as error:
            show_error(error)
            sys.exit(exit_code_of(error))
        except Exception as error:  # noqa: BLE001 - the last handler: the trace goes to a log, people get a sentence
            show_unexpected(error, context.home_folder())
            sys.exit(1)


def _globals_first(arguments: list[str]) -> list[str]:
    """`mfg run --estate X` as `mfg --estate X run`, up to a `--`."""
    first: list[str] = []
    rest: list[str] = []
    pending = iter(arguments)
    for argument in pending:
        if argument == "--":
            rest += [argument, *pending]
        elif argument in _GLOBAL:
            first += [argument, *([value] if (value := next(pending, None)) is not None else [])]
        elif argument.startswith(tuple(f"{name}=" for name in _GLOBAL)):
            first.append(argument)
        else:
            rest.append(argument)
    return first + rest


def _version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        typer.echo(f"mfg {version('mfg-assets')}")
        raise typer.Exit


app = typer.Typer(
    cls=Root,
    name="mfg",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog=examples.of("mfg --estate estates/adventureworks check", "mfg --estate estates/adventureworks run"),
)


@app.callback()
def root(
    estate: Annotated[Path | None, typer.Option(help="Folder of the estate; default MFG_ESTATE.")] = None,
    home: Annotated[Path | None, typer.Option(help="Everything a run writes; default MFG_HOME, else .mfg.")] = None,
    version: Annotated[
        bool, typer.Option("--version", help="Print the version and exit.", callback=_version, is_eager=True)
    ] = False,
) -> None:
    """Make a manufacturer's PLM, ERPs, MES and WMS agree, and show where they don't."""
    context.choose(estate, home)


for module in (check, run, replay, dev, query, export, trace, doctor, contracts):
    module.register(app)
for module in (audit, bom, change, dead_letters, exceptions, lot, publish, release, simulate):
    app.add_typer(module.app)


def main() -> None:
    """Entry point of the `mfg` script."""
    command = typer.main.get_command(app)
    try:
        command(prog_name="mfg")
    finally:
        try:
            sys.stdout.flush()
        except BrokenPipeError:
            # Who reads has gone (`mfg query … | head`): nothing is wrong, and Python must not complain at its end.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


if __name__ == "__main__":
    main()
