"""The command ``python -m hcsrt.check_host``.

With argparse, since a wheel alone has to be enough: the command line of hcsrt needs the extra ``cli``.
"""

from __future__ import annotations

import argparse
import os
import platform
import sys
import textwrap
from collections.abc import Sequence
from contextlib import ExitStack, suppress
from dataclasses import replace
from datetime import UTC, datetime
from itertools import chain, count
from pathlib import Path
from typing import Any

from .._addresses import address
from . import catalogue, checking
from .reducing import Reducer, Whole
from .report import Report
from .settings import Backend, Settings

FOUND_NOTHING_WRONG = 0
FOUND_SOMETHING_WRONG = 1
WRONG_COMMAND = 2
TRIED_NOTHING = 3
INTERRUPTED = 130

_EXIT_CODES = """\
exit codes:
  0    every probe that can run here has seen what hcsrt expects
  1    a probe has seen something else, has crashed or hung: send the file all the more;
       or this command has failed: send its traceback, too
  2    the command is wrong, or the file cannot be written
  3    nothing was tried, since HCS cannot be used here
  130  ended by Ctrl-C; the file has what was seen by then
"""


def seconds(text: str) -> float:
    number = float(text)
    if not 0 < number <= 86_400:
        raise ValueError(text)
    return number


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m hcsrt.check_host",
        description=textwrap.fill(
            "Find out on this host how HCS does what its documentation leaves open, and write it into one file, for "
            "whoever works on hcsrt. Needs a Windows with the feature Containers or Hyper-V, and an elevated prompt.",
            78,
        ),
        epilog=_EXIT_CODES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("--output", type=Path, metavar="FILE", help="the file, which must not exist yet")
    parser.add_argument(
        "--limit", type=seconds, default=300.0, metavar="SECONDS", help="how long a probe may take (default: 300)"
    )
    parser.add_argument("--only", metavar="TEXT", help="run the probes only whose name begins with this text")
    parser.add_argument(
        "--layers",
        default="",
        metavar="FOLDERS",
        help=f"the folders of an image's layers, the uppermost first, with {os.pathsep!r} between them; "
        "by default those of Docker and containerd are looked for",
    )
    parser.add_argument("--scratch", metavar="VOLUME", help="the volume of a prepared writable layer on them")
    parser.add_argument(
        "--restart", action="store_true", help="also kill and restart vmcompute, WITH ALL THAT RUNS ON THIS HOST"
    )
    parser.add_argument(
        "--names", action="store_true", help="leave the names of user and host, and folders, in the file"
    )
    parser.add_argument(
        "--emulator", action="store_true", help="try this command on the emulator, which tells nothing of HCS"
    )
    return parser


def _say(text: str = "") -> None:
    # Nobody who reads has to stay until the end, and no terminal has to know every letter.
    with suppress(OSError, ValueError):
        encoding = getattr(sys.stdout, "encoding", None) or "ascii"
        print(text.encode(encoding, "backslashreplace").decode(encoding), flush=True)


def _say_paragraph(text: str) -> None:
    _say(textwrap.fill(" ".join(text.split()), 100, break_long_words=False, break_on_hyphens=False))
    _say()


def _ended(sentence: str) -> str:
    """Return a sentence with the one dot at its end that it may have already."""
    return sentence.rstrip().rstrip(".") + "."


def _announce_probes(settings: Settings, count: int) -> None:
    """Say what will be done to the host."""
    where = "the emulator, which tells nothing of HCS" if settings.backend == "emulator" else "this host"
    _say_paragraph(
        f"This tries {count} things on {where}. It creates containers and virtual machines of its own, with the owner "
        f"{settings.owner}, and removes them again; files and writable layers are made in {settings.folder}. No other "
        "compute system is touched."
    )
    if settings.restart:
        _say_paragraph("It also KILLS the service vmcompute AND WITH IT ALL THAT RUNS IN HCS, and starts it again.")


def _announce_file(path: Path, *, names: bool) -> None:
    """Say what the file will hold, and where it will be."""
    _say(f"What is found out goes into one file, {path}:")
    _say("  - the versions of Windows, computecore.dll, Python and hcsrt, the architecture, the number of processors")
    _say("  - what `hcsrt doctor` finds")
    _say(
        "  - for each point that nobody knows of HCS: what was seen, how many seconds that took, and an error with its"
    )
    _say("    traceback and with the numbers that the probe had in hand")
    _say("  - what this command was told, and what it had to remove")
    kept = "stay, as --names asks" if names else "are left out"
    _say_paragraph(
        "The environment of this process is not in it, no value of an environment variable of another one, and nothing "
        "of the compute systems of others. The names of the user, of the host, its domain and servers, and the "
        f"folders of paths, {kept}."
    )
    whom = address("Issues") or "whoever has asked you for it"
    _say_paragraph(f"Nothing is sent anywhere. Read the file, and then send it to {whom}.")


def main(arguments: Sequence[str] | None = None, *, modules: Sequence[str] = catalogue.MODULES) -> int:
    """Run the command, and return its exit code.

    Args:
        arguments: What follows the command; that of this process by default.
        modules: The modules with the probes.
    """
    try:
        return _main(arguments, modules)
    except KeyboardInterrupt:
        return INTERRUPTED


def _main(arguments: Sequence[str] | None, modules: Sequence[str]) -> int:
    parser = _parser()
    given = parser.parse_args(arguments)
    names = [probe.name for probe in catalogue.probes(modules) if probe.name.startswith(given.only or "")]
    if not names:
        parser.error(f"no probe has a name that begins with {given.only}")
    report = _begun(parser, given)
    backend: Backend = "emulator" if given.emulator else "windows"
    with ExitStack() as stack:
        try:
            folder = stack.enter_context(checking.folder_of_a_run(backend))
        except OSError as error:
            report.discard()
            parser.error(f"no folder can be made for what the probes write: {error}")
        settings = Settings(
            owner=folder.name,
            folder=str(folder),
            backend=backend,
            layers=tuple(filter(None, given.layers.split(os.pathsep))),
            scratch=given.scratch,
            restart=given.restart,
        )
        try:
            return _check(settings, report, modules, names, given)
        except BaseException as error:
            what = "Interrupted" if isinstance(error, KeyboardInterrupt) else "This command has failed"
            _say(f"{what}. Cleaning up, at most {checking.CLEANING_SECONDS:g} seconds ...")
            try:
                _clean(settings, report)
                code = _written(report, INTERRUPTED)
            except KeyboardInterrupt:
                _say("Interrupted again. What was not cleaned up the next run removes.")
                _say(f"Written to {report.path}")
                code = INTERRUPTED
            if isinstance(error, KeyboardInterrupt):
                return code
            raise


def _begun(parser: argparse.ArgumentParser, given: argparse.Namespace) -> Report:
    """Return the report, whose file nobody else has."""
    began = f"hcsrt-check-host-{datetime.now(UTC):%Y%m%d-%H%M%S}"
    # Another one may begin in the same second.
    names = chain([f"{began}.json"], (f"{began}-{number}.json" for number in count(2)))
    path = Path(given.output or next(names))
    while True:
        try:
            report = Report(path.absolute(), _asked(given), Whole() if given.names else Reducer())
            report.write(catalogue.points())
            return report
        except FileExistsError:
            if given.output:
                parser.error(f"{path} exists already")
            path = Path(next(names))
        except OSError as error:
            if not os.path.isdir(path.parent) and isinstance(error, FileNotFoundError | NotADirectoryError):
                parser.error(f"{path.parent} is no folder")
            parser.error(f"{path} cannot be written: {error.strerror or error}")


def _asked(given: argparse.Namespace) -> dict[str, Any]:
    return {
        "backend": "emulator" if given.emulator else "windows",
        "limit": given.limit,
        "only": given.only,
        "layers": bool(given.layers),
        "scratch": given.scratch is not None,
        "restart": given.restart,
        "names": given.names,
    }


def _check(
    settings: Settings,
    report: Report,
    modules: Sequence[str],
    names: Sequence[str],
    given: argparse.Namespace,
) -> int:
    _say("Looking at this host ...")
    try:
        found = checking.examine(settings, given.limit)
        report.host, report.doctor, report.why_not = found["host"], found["findings"], found["why_not"]
    except checking.NoAnswer as error:
        report.why_not = f"HCS and the doctor cannot be asked: {error}"
    if report.why_not is not None and platform.system() != "Windows":
        _say(f"Nothing can be found out here: {_ended(report.why_not)}")
        report.discard()
        checking.remove(Path(settings.folder))
        if not given.emulator:
            _say("To see what this command does, try it on the emulator: --emulator")
        return TRIED_NOTHING
    if report.why_not is not None:
        _say_paragraph(f"Nothing can be tried here: {_ended(report.why_not)} The file has what the doctor finds.")
        _announce_file(report.path, names=given.names)
        report.is_complete = True
        checking.remove(Path(settings.folder))
        return _written(report, TRIED_NOTHING)
    _announce_probes(settings, len(names))
    _announce_file(report.path, names=given.names)
    for abandoned in checking.abandoned_folders(settings.backend):
        _clean(replace(settings, owner=abandoned.name, folder=str(abandoned)), report)
    width = len(str(len(names)))

    def began(name: str) -> None:
        report.running = name
        _write(report)

    for name, record in checking.run(settings, modules, names, given.limit, began):
        report.running = None
        report.records[name] = record
        _write(report)
        reason = f": {record['reason']}" if "reason" in record else ""
        place = f"{len(report.records):{width}}/{len(names)}"
        _say(f"{place}  {record['outcome']:8} {record['seconds']:7.1f} s  {name}{reason}")
    _clean(settings, report)
    report.is_complete = True
    return _written(report, FOUND_SOMETHING_WRONG if report.wrong else FOUND_NOTHING_WRONG)


def _clean(settings: Settings, report: Report) -> None:
    """Remove what a run has left behind, and its folder, unless something is left that it has to be found by."""
    left, all_gone = checking.clean(settings)
    report.left_behind += left
    if all_gone:
        checking.remove(Path(settings.folder))


def _write(report: Report) -> bool:
    try:
        report.write(catalogue.points())
    except OSError as error:
        _say(f"The file cannot be written: {error}")
        return False
    return True


def _written(report: Report, code: int) -> int:
    if not _write(report):
        return WRONG_COMMAND
    _say()
    counts = [record["outcome"] for record in report.records.values()]
    if counts:
        _say(", ".join(f"{counts.count(outcome)} {outcome}" for outcome in dict.fromkeys(sorted(counts))))
    for name in report.wrong:
        error = report.records[name].get("error", "").strip().splitlines()
        _say(f"{report.records[name]['outcome']}: {name}: {error[-1] if error else ''}")
    _say(f"Written to {report.path}")
    return code
