"""The results as tables in the terminal and as plots."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from .figures import Figure, Works, median_text, ratio_text, scale_of, three, works_of
from .measure import Series, Spread, ratio
from .names import ASYNCIO, BARE, BURSTS, COLOURS, HCSRT, LOOP, base, place

REFERENCES = (
    HCSRT,
    f"{HCSRT}, {ASYNCIO}",
    f"{LOOP}, {ASYNCIO}",
    f"{HCSRT}: 1 thread",
    "python -c pass",
    "properties",
)
"""The contestants that the others of a work are compared with: the first of them that took part."""


def by_work(series: list[Series]) -> dict[str, list[Series]]:
    works: dict[str, list[Series]] = {}
    for one in sorted(series, key=lambda one: place(one.contestant)):
        works.setdefault(one.work, []).append(one)
    return works


def reference_of(series: list[Series]) -> Series:
    names = {one.contestant: one for one in series}
    return next((names[name] for name in REFERENCES if name in names), series[0])


def ratio_to(one: Series, reference: Series) -> str:
    return escape(ratio_text(ratio(one, reference))) if one.unit == reference.unit else ""


def print_tables(console: Console, series: list[Series]) -> None:
    works = works_of(series)
    cases: dict[str, dict[str, list[Series]]] = {}
    for work, of_work in by_work(series).items():
        case, colon, metric = work.rpartition(": ")
        if colon and case.startswith("async"):
            cases.setdefault(case, {})[metric] = of_work
            continue
        reference = reference_of(of_work)
        table = Table(title=work, title_justify="left", title_style="bold")
        table.add_column("contestant", min_width=36)
        table.add_column("median", justify="right")
        table.add_column(escape(f"/ {reference.contestant}  [quartiles]"), justify="right")
        for one in of_work:
            table.add_row(one.contestant, median_text(works[work][one.contestant]), ratio_to(one, reference))
        console.print(table)
    for case, metrics in cases.items():
        print_case(console, case, metrics, works)


def print_case(console: Console, case: str, metrics: dict[str, list[Series]], works: Works) -> None:
    """Print in one line what a contestant did in one case of asynchronous operations."""
    reference = reference_of(metrics["rate"])
    table = Table(title=case, title_justify="left", title_style="bold")
    table.add_column("contestant")
    ratio_column = escape(f"/ {reference.contestant}  [quartiles]")
    for column in ("operations", ratio_column, "50th", "99th percentile", "loop late by", "processors"):
        table.add_column(column, justify="right")
    shown = ("median", "worst", "lag", "processor")
    for one in metrics["rate"]:
        rest = [works.get(f"{case}: {metric}", {}).get(one.contestant) for metric in shown]
        table.add_row(
            one.contestant,
            median_text(works[one.work][one.contestant]),
            ratio_to(one, reference),
            *(median_text(other) if other else "" for other in rest),
        )
    console.print(table)


def print_bars(console: Console, rows: list[dict[str, Any]]) -> None:
    table = Table(title="The bars", title_justify="left", title_style="bold")
    for column in ("work", "what"):
        table.add_column(column)
    for column in ("bar", escape("measured  [quartiles]"), ""):
        table.add_column(column, justify="right")
    for row in rows:
        measured = "left out" if row["measured"] is None else escape(ratio_text(Spread(*row["measured"])))
        verdict = {True: "[green]holds[/]", False: "[red]missed[/]", None: ""}[row["holds"]]
        table.add_row(row["work"], row["what"], row["bar"], measured, verdict)
    console.print(table)


# --- plots ----------------------------------------------------------------------------------------------------------

PLOTTED = {
    "own, drop": "own",
    "call": "call",
    "close 10,000": "close_all",
    "round trip": "round_trip",
    f"{BURSTS[0]}: rate": "async",
}
"""The works that are drawn, with the name of the file."""


def plot(works: Works, folder: Path, machine: str) -> list[Path]:
    """Draw one SVG a work: the medians, with the quartiles as whiskers. Grey is a limit, blue is hcsrt."""
    import matplotlib

    matplotlib.use("svg")
    # A fixed salt: the same figures give the same file. Text stays text: as outlines it would be half of the file.
    matplotlib.rcParams.update({"svg.hashsalt": "hcsrt", "svg.fonttype": "none", "font.family": "sans-serif"})
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for work, name in PLOTTED.items():
        if work in works:
            paths.append(folder / f"{name}.svg")
            draw(works[work], work, paths[-1], machine)
    return paths


def draw(figures: dict[str, Figure], work: str, path: Path, machine: str) -> None:
    from matplotlib import pyplot

    # Without the operations a second in C++, beside which the others could not be seen.
    names = sorted((name for name in figures if (name, figures[name].unit) != (BARE, "/s")), key=place, reverse=True)
    factor, unit = scale_of(max((figures[name] for name in names), key=lambda figure: figure.spread.median))
    rows = range(len(names))
    medians = [figures[name].spread.median * factor for name in names]
    # White in any theme, so that readers of a dark page see the same colours.
    figure, axes = pyplot.subplots(figsize=(7.5, 0.7 + 0.28 * len(names)), layout="constrained", facecolor="white")
    # Clipping would wrap each mark into an element of its own.
    axes.barh(rows, medians, height=0.7, color=[COLOURS[base(name)] for name in names], clip_on=False)
    lows = [figures[name].spread.low * factor for name in names]
    highs = [figures[name].spread.high * factor for name in names]
    axes.hlines(rows, lows, highs, color="black", linewidth=1, clip_on=False)
    for row, median, high in zip(rows, medians, highs, strict=True):
        axes.annotate(three(median), (max(median, high), row), (4, 0), textcoords="offset points", va="center", size=8)
    axes.set_yticks(rows, names, size=8)
    axes.tick_params(length=0, labelsize=8)
    axes.set_xticks([])
    axes.set_xlabel(machine, size=7, loc="left")
    figure.suptitle(f"{work.removesuffix(': rate')}: {unit}, median and quartiles", size=10, x=0.01, ha="left")
    axes.margins(y=0.02)
    axes.spines[["top", "right", "bottom"]].set_visible(False)
    figure.savefig(path, metadata={"Date": None, "Creator": None})
    pyplot.close(figure)
