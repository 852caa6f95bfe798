"""The command line of hcsrt.

``hcsrt run`` runs one command in a compute system, ``hcsrt validate`` checks documents and ``hcsrt schema`` shows what
they may have in them, ``hcsrt doctor`` finds out whether HCS can be used, and ``hcsrt errors`` explains an HRESULT.
Each is a module of its own, imported when it is called.
"""

import sys
from collections.abc import Generator
from contextlib import contextmanager
from importlib import import_module
from typing import Any

import click

import hcsrt

from .shield import shield_streams

_VERBS = ("doctor", "errors", "run", "schema", "validate")


@contextmanager
def _ended_by_ctrl_c() -> Generator[None, None, None]:
    try:
        yield
    except KeyboardInterrupt:
        # click would make it a 1, which has a meaning of its own.
        sys.exit(130)


class _Verbs(click.Group):
    """Commands that are imported when they are asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(_VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _VERBS:
            return None
        command: click.Command = getattr(import_module(f"{__name__}.{cmd_name}"), cmd_name)
        return command

    def make_context(self, *args: Any, **options: Any) -> click.Context:
        with _ended_by_ctrl_c():
            return super().make_context(*args, **options)

    def invoke(self, ctx: click.Context) -> Any:
        with _ended_by_ctrl_c():
            return super().invoke(ctx)


def _print_version(context: click.Context, parameter: click.Parameter, wanted: bool) -> None:
    if wanted:
        try:
            backend: str = hcsrt.backend()
        except (OSError, ValueError) as error:
            backend = f"none, {error}"
        # click would write UTF-8, whatever the encoding of stdout.
        if sys.stdout is not None:
            print(f"hcsrt {hcsrt.__version__} (backend: {backend})", flush=True)
        context.exit()


@click.group(cls=_Verbs, context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--version",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_print_version,
    help="Show the version and the backend, and exit.",
)
def command_line() -> None:
    """Run commands in compute systems of the Windows Host Compute Service, or of its emulator."""


def main() -> None:
    """Run the command line and exit; what nobody foresaw is a failure of hcsrt, told in one line."""
    shield_streams()
    try:
        command_line(prog_name="hcsrt")
    except Exception as error:
        # Needs rich, as each verb does: where that is missing, hcsrt.__main__ says so.
        from .output import FAILED, complain

        complain(error)
        sys.exit(FAILED)
