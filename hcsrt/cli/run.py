"""The command ``hcsrt run``: one command in a compute system of its own.

Its exit codes are those of ``docker run``: the command's own, 124 when the time was up, 125 when hcsrt itself failed,
126 when the command cannot be invoked and 127 when it cannot be found.
"""

import json
import math
import os
import signal
import sys
import warnings
from typing import Any

import click

import hcsrt

from .._facade.once import document_needed, document_of_run, id_of_run
from .._facade.times import Deadline
from ..errors import NoIsolationWarning
from .environment import collect
from .job import Job, Report, carry_out
from .output import FAILED, TIMED_OUT, complain
from .signals import Interrupted, Signals
from .streams import NoUtf8Error, read_in_time, text_of, writer_to


class _WrongUsage(click.UsageError):
    exit_code = FAILED  # the usual 2 might be the command's


class _RunCommand(click.Command):
    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        try:
            return super().parse_args(ctx, args)
        except click.UsageError as error:
            raise _WrongUsage(error.format_message(), ctx) from None


def _check_entries(context: click.Context, parameter: click.Parameter, values: tuple[str, ...]) -> tuple[str, ...]:
    if not all(value.partition("=")[0] for value in values):
        raise click.BadParameter("expected NAME or NAME=VALUE")
    return values


def _refuse_empty(context: click.Context, parameter: click.Parameter, value: str | None) -> str | None:
    if value == "":
        raise click.BadParameter("must not be empty")
    return value


def _refuse_endless(context: click.Context, parameter: click.Parameter, value: float | None) -> float | None:
    if value is not None and not math.isfinite(value):
        raise click.BadParameter("expected a finite number of seconds")
    return value


def _read_document(source: str | None, owner: str | None, deadline: Deadline) -> dict[str, Any]:
    """Return the compute system document of ``--document``, or the emulator's own."""
    if source is None:
        if hcsrt.backend() == "windows":
            raise document_needed("--document", "a JSON file")
        return hcsrt.emulator.container_document(owner=owner or "hcsrt")
    data = read_in_time(None if source == "-" else source, deadline)
    try:
        text = text_of(data)
    except NoUtf8Error as error:
        raise ValueError(f"--document {source}: {error}") from None
    document = document_of_run(text, f"--document {source}")
    if owner is not None:
        document["Owner"] = owner
    return document


@click.command(cls=_RunCommand, context_settings={"allow_interspersed_args": False})
@click.option(
    "--id", "id_", metavar="ID", callback=_refuse_empty, help="Id of the compute system; a new one by default."
)
@click.option("--owner", metavar="NAME", callback=_refuse_empty, help="Owner of the compute system; hcsrt by default.")
@click.option("--document", metavar="FILE|-", help="JSON document of the compute system; - reads it from stdin.")
@click.option("--cwd", metavar="DIR", help="Working directory of the command.")
@click.option(
    "-e",
    "entries",
    metavar="NAME[=VALUE]",
    multiple=True,
    callback=_check_entries,
    help="Set an environment variable, without a value to the one it has here; may be repeated.",
)
@click.option(
    "--env-file",
    "env_files",
    metavar="FILE",
    multiple=True,
    help="Set the variables of a file with lines like the values of -e, which overrides them; may be repeated.",
)
@click.option("-i", "interactive", is_flag=True, help="Forward stdin to the command.")
@click.option("-t", "terminal", is_flag=True, help="Give the command a pseudo-terminal.")
@click.option(
    "--timeout",
    metavar="S",
    type=click.FloatRange(min=0),
    callback=_refuse_endless,
    help="Seconds that everything may take; exit code 124.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document with output, exit code and timings.")
@click.option("-q", "--quiet", is_flag=True, help="Do not say that the command is not isolated from this machine.")
@click.argument("command", metavar="COMMAND [ARG]...", nargs=-1, required=True, type=click.UNPROCESSED)
def run(
    id_: str | None,
    owner: str | None,
    document: str | None,
    cwd: str | None,
    entries: tuple[str, ...],
    env_files: tuple[str, ...],
    interactive: bool,
    terminal: bool,
    timeout: float | None,
    as_json: bool,
    quiet: bool,
    command: tuple[str, ...],
) -> None:
    """Run a command in a compute system of its own and exit with its exit code.

    The system is created and started first, and stopped when the command has exited. The first Ctrl-C goes to the
    command, the second terminates the system. Other signals go to the command too; one that its guest does not know
    ends both.
    """
    if interactive and document == "-":
        raise _WrongUsage("-i and --document - both want stdin")
    if terminal and as_json:
        raise _WrongUsage("-t is for a person, --json for a program: choose one")
    if interactive and terminal and not os.isatty(0):
        # A pseudo-terminal passes no end of file on: the command would wait for more for ever.
        raise _WrongUsage("-t with -i needs a terminal on stdin; leave out -t")
    if sys.platform != "win32":
        # Inherited as ignored, SIGCHLD would make the kernel discard the exit codes of the emulator's programs.
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    warnings.simplefilter("ignore", NoIsolationWarning)
    report = Report(id_ or id_of_run())
    deadline = Deadline(timeout)
    try:
        with Signals() as signals:
            system = _read_document(document, owner, deadline)
            environment = collect(env_files, entries, deadline)
            job = Job(report.id, system, command, cwd, environment, interactive, terminal)
            if hcsrt.backend() == "emulator" and not quiet:
                click.echo("hcsrt: emulated compute system: the command runs on this machine, not isolated", err=True)
            code = carry_out(job, report, signals, deadline, live=not as_json)
    except Interrupted as interrupted:
        code = 128 + interrupted.number
    except Exception as error:
        report.timed_out = isinstance(error, TimeoutError) and deadline.passed()
        report.error = TimeoutError(f"timed out after {timeout:g} s") if report.timed_out else error
        code = TIMED_OUT if report.timed_out else FAILED
    if as_json:
        text = json.dumps(report.as_document(), indent=2)
        try:
            writer_to(1)(memoryview(f"{text}\n".encode()))
        except OSError as error:
            complain(error)
            code = FAILED
    elif report.error is not None:
        complain(report.error)
    sys.exit(code)
