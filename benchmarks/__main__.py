"""Measure hcsrt beside its alternatives, on the same work with the same native library.

    pip install -e '.[bench]'
    python -m benchmarks --quick

It needs the editable install, compiles what it compares on first use, and takes some two minutes then; without --quick
some fifteen minutes on an idle machine. Most work is measured by several processes in turn, and in each of them the
contestants take turns, so that a noisy machine favours nobody.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import tomllib
from importlib import metadata
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Any

from .harness.build import CONTESTANTS, compiler, module_file
from .harness.conditions import named

if TYPE_CHECKING:
    from rich.console import Console

ROOT = Path(__file__).resolve().parents[1]


def need_editable_install() -> None:
    try:
        import psutil  # noqa: F401
        import rich  # noqa: F401

        import hcsrt

        if Path(hcsrt.__file__).resolve().parents[1] == ROOT:
            return
        reason = f"hcsrt comes from {Path(hcsrt.__file__).parent}"
    except ImportError as error:
        reason = str(error)
    sys.exit(f"benchmarks need the editable install: pip install -e '.[bench]' in {ROOT} ({reason})")


def processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    return next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), platform.machine())


def contestants_compiler() -> str:
    done = subprocess.run([*compiler(), "--version"], capture_output=True, text=True, check=False)
    return (done.stdout.splitlines() or [compiler()[0]])[0]


def pyo3_version() -> str:
    lock = tomllib.loads((CONTESTANTS / "pyo3" / "Cargo.lock").read_text())
    return next(package["version"] for package in lock["package"] if package["name"] == "pyo3")


def machine(load: float) -> dict[str, Any]:
    packages = {}
    for name in ("hcsrt", "cython", "cffi", "pybind11", "nanobind", "uvloop"):
        try:
            packages[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    if module_file("pyo3_handles").exists():
        packages["PyO3"] = pyo3_version()
    return {
        "processor": processor(),
        "processors": os.cpu_count(),
        "system": platform.platform(terse=True),
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "compiler": platform.python_compiler(),
        "contestants_compiler": contestants_compiler(),
        "free_threaded": not getattr(sys, "_is_gil_enabled", lambda: True)(),
        "load": load,
        "packages": packages,
    }


def measured(arguments: argparse.Namespace, console: Console) -> dict[str, Any]:
    """Return the result of a run. Raises FileNotFoundError if there is no other tree that is built."""
    from .harness.build import build
    from .harness.conditions import conditions
    from .harness.measure import EFFORTS
    from .harness.running import Tree, beside, chosen, compile_in, measure, measure_in_turns, revision

    begin = monotonic()
    load = os.getloadavg()[0]
    tree = Tree(ROOT)
    other = beside(arguments.against) if arguments.against else None
    with console.status("compiling what is compared"):
        tree.note(build())
        if other:
            compile_in(other)
    kinds, left_out = chosen(arguments.only, arguments.effort)
    tree.note(left_out)
    of_machine = machine(load) | {"busy": arguments.busy, "pinned": arguments.pinned}
    how = (kinds, arguments.effort, named(of_machine))
    with console.status("") as status, conditions(arguments.busy, arguments.pinned):
        seconds = measure_in_turns(other, tree, *how, status.update) if other else measure(tree, *how, status.update)
    result = {
        "effort": arguments.effort,
        "seconds": monotonic() - begin,
        "kinds": seconds,
        "machine": of_machine,
        "notes": tree.notes,
        "series": list(tree.collected.values()),
    }
    if other:
        before, after = revision(arguments.against), revision(ROOT)
        result["against"] = {
            "before": before,
            "after": after,
            "pairs": EFFORTS[arguments.effort].processes,
            "series": list(other.collected.values()),
        }
    return result


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    effort = parser.add_mutually_exclusive_group()
    effort.add_argument("--quick", dest="effort", action="store_const", const="quick", help="some two minutes")
    effort.add_argument("--tiny", dest="effort", action="store_const", const="tiny", help="only shows that it works")
    parser.add_argument("--only", nargs="+", metavar="KIND", help="measure only these kinds of work")
    parser.add_argument("--busy", action="store_true", help="beside a process that spins on each processor")
    parser.add_argument("--pinned", action="store_true", help="all of it on one processor")
    parser.add_argument(
        "--against", type=Path, metavar="TREE", help="measure in turns with the hcsrt of another tree that is built"
    )
    parser.add_argument("--json", type=Path, default=ROOT / "build" / "benchmarks.json", help="where the figures go")
    parser.add_argument("--plots", type=Path, metavar="FOLDER", help="draw plots into a folder, as SVG")
    parser.add_argument("--from", dest="given", type=Path, metavar="JSON", help="show figures measured before")
    parser.set_defaults(effort="full")
    arguments = parser.parse_args()
    need_editable_install()

    from rich.console import Console

    from .harness import report
    from .harness.bars import judged
    from .harness.docs import where
    from .harness.figures import works_of
    from .harness.measure import Series
    from .harness.worker import KINDS

    console = Console() if sys.stdout.isatty() else Console(width=120)
    if arguments.given:
        result = json.loads(arguments.given.read_text())
    else:
        unknown = set(arguments.only or ()) - set(KINDS)
        if unknown:
            parser.error(f"no such kind of work: {', '.join(sorted(unknown))}; there are {', '.join(KINDS)}")
        try:
            result = measured(arguments, console)
        except FileNotFoundError as error:
            parser.error(str(error))
        arguments.json.parent.mkdir(parents=True, exist_ok=True)
        arguments.json.write_text(json.dumps(result, indent=1, ensure_ascii=False) + "\n")

    series = [Series(**one) for one in result["series"]]
    if "against" in result:
        before = [Series(**one) for one in result["against"]["series"]]
        report.print_pairs(console, before, series, result["against"])
    else:
        report.print_tables(console, series)
        bars = judged(series, result["machine"])
        works = {one.work for one in series}
        report.print_bars(console, [bar for bar in bars if bar["work"] in works])
    for note in result["notes"]:
        console.print(f"left out: {note}", markup=False, highlight=False)
    seconds = sorted(result.get("kinds", {}).items(), key=lambda item: -item[1])
    if seconds:
        console.print("seconds: " + ", ".join(f"{kind} {of:.0f}" for kind, of in seconds), highlight=False)
    console.print(f"{where(result)}; {result['effort']}, {result['seconds']:.0f} s", highlight=False)
    if arguments.plots:
        for path in report.plot(works_of(series), arguments.plots, where(result)):
            console.print(f"drawn: {path}", highlight=False)


if __name__ == "__main__":
    main()
