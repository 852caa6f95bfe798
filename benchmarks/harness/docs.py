"""Write the figures of runs into docs/explanation/.

    python -m benchmarks.harness.docs [RESULT.json [RESULT.json]]

A result of a CPython with a GIL and one of a free-threaded CPython; of what is not given, and of what a run with --only
has not measured, the figures stay. Medians and quartiles go into performance/figures.json, and from there into the
tables of performance.md, between its markers, and into the plots. Without a result it writes those anew.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from .bars import bars as all_bars
from .conditions import named
from .figures import Figure, Works, median_text, ratio_text, spread_text, summary, text_of, works_in
from .measure import Spread
from .names import (
    ALIVE,
    ASYNCIO,
    AWAITED,
    BLOCKING,
    BURSTS,
    EMPTY,
    HCSRT,
    IN_FLIGHT,
    LATENCIES,
    LOOP,
    PROCESSOR_TIME,
    SWEEPS,
    UVLOOP,
    WHOLE,
    Case,
    base,
    place,
)

FOLDER = Path(__file__).resolve().parents[2] / "docs" / "explanation"
PAGE = FOLDER / "performance.md"
FIGURES = FOLDER / "performance" / "figures.json"
BUILDS = {"gil": "with a GIL", "free-threaded": "free-threaded"}
CONDITIONS = {"gil": "idle", "gil, pinned": "pinned", "gil, busy": "busy", "gil, busy and pinned": "busy and pinned"}
"""Of these runs the page has what is said of other conditions."""
OF_CONDITIONS = [f"{BURSTS[0]}: rate", f"{BURSTS[0]}: processor", *map(PROCESSOR_TIME.at, PROCESSOR_TIME.counts)]
"""The works that are kept of runs on a busy or a pinned machine, besides those that bars are about."""
MARKED = re.compile(r"(<!-- figures: (.+?) -->\n)(.*?)(<!-- end of figures -->)", re.DOTALL)

Runs = dict[str, dict[str, Any]]
Show = Callable[[Figure], str]
Column = tuple[str, str, Show]
"""The title, the work, and how its figure is shown."""


def build_of(run: dict[str, Any]) -> str:
    build = "free-threaded" if run["machine"]["free_threaded"] else "gil"
    condition = named(run["machine"])
    return f"{build}, {condition}" if condition else build


def idle(runs: Runs) -> Runs:
    return {build: run for build, run in runs.items() if build in BUILDS}


def where(run: dict[str, Any]) -> str:
    of = run["machine"]
    condition = named(of)
    text = f"{of['python']} on {of['processors']} x {of['processor']}, {of['system']}"
    return f"{text}, {condition}" if condition else text


def table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    lines = [list(head), *map(list, rows)]
    lines.insert(1, ["---"] * len(lines[0]))
    return "".join(f"| {' | '.join(cells)} |\n" for cells in lines)


def columns_of(works: Works, columns: Iterable[Column], names: Iterable[str] | None = None) -> str:
    """Return a table: a line for each contestant that was measured in any of the columns."""
    columns = list(columns)
    found = {name for _, work, _ in columns for name in works.get(work, {})}
    rows = []
    for name in sorted(found if names is None else found.intersection(names), key=place):
        figures = [works.get(work, {}).get(name) for _, work, _ in columns]
        shown = [show(figure) if figure else "" for figure, (_, _, show) in zip(figures, columns, strict=True)]
        # Markdown would take the underscores for its own.
        rows.append([name.replace("__", r"\_\_"), *shown])
    return table(["", *(title for title, _, _ in columns)], rows)


def of_builds(work: str, show: Show, runs: Runs) -> str:
    """Return a table with a column for each build of CPython."""
    merged = {build: works_in(run).get(work, {}) for build, run in idle(runs).items()}
    return columns_of(merged, [(BUILDS[build], build, show) for build in merged])


# --- the tables -----------------------------------------------------------------------------------------------------


def machines(runs: Runs) -> str:
    def packages(run: dict[str, Any]) -> str:
        return ", ".join(f"{name} {version}" for name, version in run["machine"]["packages"].items())

    rows: dict[str, Callable[[dict[str, Any]], str]] = {
        "Python": lambda run: f"{run['machine']['python']}, {run['machine']['compiler']}",
        "machine": lambda run: f"{run['machine']['processors']} x {run['machine']['processor']}",
        "system": lambda run: run["machine"]["system"],
        "compiled by": lambda run: run["machine"]["contestants_compiler"],
        "with": packages,
        "load before": lambda run: f"{run['machine']['load']:.1f}",
        "run": lambda run: f"{run['effort']}, {run['seconds']:.0f} s",
    }
    return table(
        ["", *(BUILDS[build] for build in idle(runs))],
        ([title, *(show(run) for run in idle(runs).values())] for title, show in rows.items()),
    )


def bars(titles: Mapping[str, str], runs: Runs) -> str:
    runs = {build: run for build, run in runs.items() if build in titles}
    found: dict[tuple[str, str, str], dict[str, str]] = {}
    known = [bar for run in runs.values() for bar in all_bars(run["machine"])]
    works = list(dict.fromkeys(bar.work.removesuffix(": rate") for bar in known))
    for build, run in runs.items():
        for row in run["bars"]:
            text = "left out" if row["measured"] is None else ratio_text(Spread(*row["measured"]))
            verdict = " **missed**" if row["holds"] is False else ""
            found.setdefault((row["work"].removesuffix(": rate"), row["what"], row["bar"]), {})[build] = text + verdict
    rows = []
    before = ""
    for (work, what, bar), of in sorted(found.items(), key=lambda item: works.index(item[0][0])):
        rows.append([work if work != before else "", what, bar, *(of.get(build, "") for build in runs)])
        before = work
    return table(["work", "ratio", "bar", *(titles[build] for build in runs)], rows)


def handles(build: str, runs: Runs) -> str:
    works = works_in(runs[build])
    works = {work: {n: f for n, f in of.items() if n != BLOCKING} for work, of in works.items()}
    columns = [
        ("own, drop", "own, drop"),
        ("own, drop, beside threads that sleep", "own, drop, beside threads that sleep"),
        ("own, `close()`", "own, close"),
        ("a call", "call"),
        ("close, of 10,000", "close 10,000"),
        ("hand over", "hand over"),
    ]
    return columns_of(works, [(title, work, spread_text) for title, work in columns])


def instructions(runs: Runs) -> str:
    works = works_in(runs["gil"])

    def show(work: str, figure: Figure) -> str:
        empty = works[work][EMPTY].spread.median
        return f"{figure.spread.median:,.0f}, {figure.spread.median / empty:.2f}"

    titles = {"own, drop": "own and drop, times the empty loop", "call": "a call, times the empty loop"}
    of = {title: f"instructions: {work}" for work, title in titles.items()}
    return columns_of(works, [(title, work, partial(show, work)) for title, work in of.items()])


def round_trips(runs: Runs) -> str:
    columns = [("completes in the call", "round trip"), ("completes on another thread", "round trip, other thread")]
    return columns_of(works_in(runs["gil"]), [(title, work, spread_text) for title, work in columns])


def bursts(build: str, runs: Runs) -> str:
    case = BURSTS[0]
    metrics: list[tuple[str, str, Show]] = [
        ("operations", "rate", spread_text),
        ("50th percentile", "median", median_text),
        ("99th percentile", "worst", median_text),
        ("loop late by", "lag", median_text),
        ("processors' time each", "processor", spread_text),
    ]
    columns = [(title, f"{case}: {metric}", show) for title, metric, show in metrics]
    works = works_in(runs[build])
    names = [name for name in works.get(columns[0][1], {}) if base(name) not in (AWAITED, BLOCKING)]
    return columns_of(works, columns, names)


def other_bursts(runs: Runs) -> str:
    columns = [
        (f"{case.document} B, {case.threads} thread{'s' * (case.threads > 1)}", f"{case}: rate", spread_text)
        for case in BURSTS[1:]
    ]
    return columns_of(works_in(runs["gil"]), columns)


def grid(metric: str, runs: Runs) -> str:
    works = works_in(runs["gil"])
    columns = [
        (f"{in_flight:,}, {latency} ms", f"{Case(in_flight, latency)}: {metric}", median_text)
        for latency in LATENCIES
        for in_flight in IN_FLIGHT
    ]
    names = {name for _, work, _ in columns for name in works.get(work, {})}
    return columns_of(works, columns, [name for name in names if "," in name and base(name) not in (AWAITED, BLOCKING)])


def verbs(runs: Runs) -> str:
    columns = [(f"{case.in_flight:,} in flight", f"{case}: rate", spread_text) for case in WHOLE]
    names = [f"{name}, {loop}" for name in (LOOP, HCSRT, AWAITED, BLOCKING) for loop in (ASYNCIO, UVLOOP)]
    return columns_of(works_in(runs["gil"]), columns, names)


def by_number(of: str, runs: Runs) -> str:
    """Return one table of all sweeps over the same thing, such as the systems that are alive."""
    works = works_in(runs["gil"])
    sweeps = [sweep for sweep in SWEEPS if sweep.of == of]
    counts = sorted({count for sweep in sweeps for count in sweep.counts})
    rows = []
    for sweep in sweeps:
        named = {name for count in counts for name in works.get(sweep.at(count), {})}
        rows += [[f"**{sweep.title}**", *("" for _ in counts)]] if len(sweeps) > 1 else []
        for name in sorted(named, key=place):
            found = [works.get(sweep.at(count), {}).get(name) for count in counts]
            rows.append([name, *(median_text(figure) if figure else "" for figure in found)])
    return table(["", *(f"{count:,}" for count in counts)], rows)


def of_conditions(work: str, runs: Runs) -> str:
    """Return a table with a column for an idle, a pinned and a busy machine, of the contestants on asyncio."""
    merged: Works = {}
    for build in [build for build in CONDITIONS if build in runs]:
        of_work = works_in(runs[build]).get(work, {})
        merged[build] = {base(name): figure for name, figure in of_work.items() if name.endswith(f", {ASYNCIO}")}
    return columns_of(merged, [(CONDITIONS[build], build, median_text) for build in merged])


def alive(runs: Runs) -> str:
    """Return threads and memory beside the most systems that were alive at once."""
    works = works_in(runs["gil"])
    most = max((count for sweep in ALIVE.values() for count in sweep.counts_in(works)), default=0)
    columns = [(metric, f"{most:,} alive, {metric}") for metric in ("threads", "memory of a system")]
    return columns_of(works, [(title, work, median_text) for title, work in columns])


def footprint(runs: Runs) -> str:
    columns = [("threads", "async, threads", median_text), ("memory", "async, memory of the process", median_text)]
    return columns_of(works_in(runs["gil"]), columns)


def stdout(runs: Runs) -> str:
    columns = [("`read(65536)`", "stdout, read(64 KB)"), ("`capture_output=True`", "stdout, capture_output")]
    return columns_of(works_in(runs["gil"]), [(title, work, spread_text) for title, work in columns])


def programs(runs: Runs) -> str:
    columns = [
        (f"{face}, {number}", f"programs, {face}, {times}")
        for face in ("blocking", "asyncio")
        for number, times in ((1, "one at a time"), (100, "100 at once"))
    ]
    return columns_of(works_in(runs["gil"]), [(title, work, median_text) for title, work in columns])


TABLES: dict[str, Callable[[Runs], str]] = {
    "machines": machines,
    "bars": partial(bars, BUILDS),
    "bars under conditions": partial(bars, {build: title for build, title in CONDITIONS.items() if build != "gil"}),
    "rates under conditions": partial(of_conditions, f"{BURSTS[0]}: rate"),
    **{
        f"processor time under conditions, {count}": partial(of_conditions, PROCESSOR_TIME.at(count))
        for count in (64, 1024)
    },
    "handles": partial(handles, "gil"),
    "handles, free-threaded": partial(handles, "free-threaded"),
    "instructions": instructions,
    "round trips": round_trips,
    "threads": partial(of_builds, "threads", spread_text),
    "memory": partial(of_builds, "memory", median_text),
    "bursts": partial(bursts, "gil"),
    "bursts, free-threaded": partial(bursts, "free-threaded"),
    "other bursts": other_bursts,
    "rates": partial(grid, "rate"),
    "99th percentiles": partial(grid, "worst"),
    "loop lag": partial(grid, "lag"),
    "footprint": footprint,
    "threads and memory": alive,
    "verbs": verbs,
    "stdout": stdout,
    "emulator": partial(of_builds, "emulator", spread_text),
    "programs": programs,
    "faults": partial(of_builds, "a call and faults", spread_text),
    "worlds": partial(of_builds, "worlds", spread_text),
    "tests": partial(of_builds, "worlds, tests", spread_text),
    "import": partial(of_builds, "import", spread_text),
    **{f"by number {of}": partial(by_number, of) for of in dict.fromkeys(sweep.of for sweep in SWEEPS)},
}


def rendered(page: str, runs: Runs) -> str:
    """Return the page with the tables of these runs."""
    return MARKED.sub(lambda found: found[1] + TABLES[found[2]](runs) + found[4], page)


def joined(before: dict[str, Any], now: dict[str, Any]) -> dict[str, Any]:
    """Return what a run has measured, with the figures of before for what it has not."""
    if set(before["works"]) <= set(now["works"]):
        return now
    bars = [bar for bar in now["bars"] if bar["measured"] is not None]
    again = {(bar["work"], bar["what"]) for bar in bars}
    # A bar that there is no more goes.
    known = {(bar["work"], bar["what"]) for bar in now["bars"]} - again
    kept = [bar for bar in before["bars"] if (bar["work"], bar["what"]) in known]
    return {**before, "works": {**before["works"], **now["works"]}, "bars": kept + bars}


def of_condition(run: dict[str, Any]) -> dict[str, Any]:
    """Return what is kept of a run on a busy or a pinned machine."""
    works = {work: of for work, of in run["works"].items() if work in OF_CONDITIONS}
    return {**run, "works": works, "bars": [bar for bar in run["bars"] if bar["measured"]]}


def main(paths: list[str]) -> None:
    from .report import plot

    runs: Runs = json.loads(FIGURES.read_text()) if FIGURES.exists() else {}
    for path in paths:
        run = summary(json.loads(Path(path).read_text()))
        build = build_of(run)
        runs[build] = joined(runs[build], run) if build in runs else run
        if named(run["machine"]):
            runs[build] = of_condition(runs[build])
    runs = {build: runs[build] for build in dict.fromkeys([*BUILDS, *CONDITIONS, *runs]) if build in runs}
    FIGURES.write_text(text_of(runs))
    # Read back, so that the page shows the figures as they are kept.
    runs = json.loads(FIGURES.read_text())
    PAGE.write_text(rendered(PAGE.read_text(), runs))
    written = [FIGURES, PAGE, *plot(works_in(runs["gil"]), FIGURES.parent, where(runs["gil"]))]
    print(*(f"{path.relative_to(FOLDER.parents[1])}: {path.stat().st_size:,} bytes" for path in written), sep="\n")


if __name__ == "__main__":
    main(sys.argv[1:])
