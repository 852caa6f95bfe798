"""The results as tables in the terminal and as plots."""

from __future__ import annotations

import io
import statistics
from itertools import cycle
from math import ceil
from pathlib import Path
from textwrap import wrap
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from .figures import UNTOLD, Figure, Works, median_text, ratio_text, scale_of, three, works_of
from .measure import Series, Spread, ratio
from .names import (
    ASYNCIO,
    BARE,
    BURSTS,
    COLOURS,
    HCSRT,
    LOOP,
    NO_TABLE,
    SUBPROCESS,
    SWEEPS,
    Sweep,
    base,
    colours_of,
    place,
)

REFERENCES = (
    HCSRT,
    f"{HCSRT}, {ASYNCIO}",
    f"{LOOP}, {ASYNCIO}",
    f"{HCSRT}: 1 thread",
    "python -c pass",
    NO_TABLE,
    "properties",
    SUBPROCESS,
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
    swept = {of.at(count) for of in SWEEPS for count in of.counts}
    for work, of_work in by_work(series).items():
        if work in swept:
            continue
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
    for of in SWEEPS:
        if of.counts_in(works):
            print_sweep(console, of, series)


def print_sweep(console: Console, of: Sweep, series: list[Series]) -> None:
    """Print in one line what a contestant's work costs at each count, and how it grows."""
    found = {(one.work, one.contestant): one for one in series}
    works = works_of(series)
    counts = of.counts_in(works)
    first, last = of.at(counts[0]), of.at(counts[-1])
    table = Table(title=f"{of.title}, {of.of}", title_justify="left", title_style="bold")
    table.add_column("contestant")
    for column in (
        *(f"{count:,}" for count in counts),
        escape(f"{counts[-1]:,} / {counts[0]:,}  [quartiles]"),
    ):
        table.add_column(column, justify="right")
    for name in sorted(works[first], key=place):
        figures = [works[of.at(count)].get(name) for count in counts]
        grown = escape(ratio_text(ratio(found[last, name], found[first, name]))) if (last, name) in found else ""
        table.add_row(name, *(median_text(figure) if figure else "" for figure in figures), grown)
    console.print(table)


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


def paired(before: Series, after: Series, pairs: int) -> Spread:
    """Return the spread of the ratios after to before, one of each pair of processes: of their medians."""

    def medians(one: Series) -> list[float]:
        each = len(one.values) // pairs
        return [statistics.median(one.values[number * each : (number + 1) * each]) for number in range(pairs)]

    return Spread.of(a / b for a, b in zip(medians(after), medians(before), strict=True))


def print_pairs(console: Console, before: list[Series], after: list[Series], against: dict[str, Any]) -> None:
    """Print what two trees took for the same work; contestants other than hcsrt show what is chance."""
    known = {(one.work, one.contestant): one for one in before}
    for work, of_work in by_work(after).items():
        pairs = [(known[work, one.contestant], one) for one in of_work if (work, one.contestant) in known]
        if not pairs or work.endswith(UNTOLD):
            continue
        table = Table(title=work, title_justify="left", title_style="bold")
        table.add_column("contestant", min_width=36)
        for column in (f"before, {against['before']}", f"after, {against['after']}"):
            table.add_column(column, justify="right")
        table.add_column(escape("after / before  [quartiles]"), justify="right")
        for old, new in pairs:
            medians = (median_text(Figure(one.unit, Spread.of(one.values))) for one in (old, new))
            table.add_row(new.contestant, *medians, escape(ratio_text(paired(old, new, against["pairs"]))))
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


# In points. A phone shows a picture at 0.6 of this width, and text of these sizes can be read there, too.
WIDTH = 405
MARGIN = 8
SIZE = 13
NOTE = 12.5
# Of a dark page: the other colours can be seen on either.
DARK = {"#ffffff": "#0d1117", "#000000": "#f0f6fc", COLOURS[HCSRT]: "#4493f8"}
STYLE = "".join(
    [
        "text { fill: #000000; }",
        "@media (prefers-color-scheme: dark) {",
        f" text {{ fill: {DARK['#000000']}; }}",
        *(
            f' [style*="{what}: {light}"] {{ {what}: {dark} !important; }}'
            for light, dark in DARK.items()
            for what in ("fill", "stroke")
        ),
        " }",
    ]
)


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
    for of in SWEEPS:
        if of.counts_in(works):
            paths.append(folder / f"{of.plot}.svg")
            draw_sweep(works, of, paths[-1], machine)
    return paths


def draw(figures: dict[str, Figure], work: str, path: Path, machine: str) -> None:
    from matplotlib import pyplot

    # Without the operations a second in C++, beside which the others could not be seen.
    names = sorted((name for name in figures if (name, figures[name].unit) != (BARE, "/s")), key=place, reverse=True)
    factor, unit = scale_of(max((figures[name] for name in names), key=lambda figure: figure.spread.median))
    rows = range(len(names))
    medians = [figures[name].spread.median * factor for name in names]
    title = wrap(f"{work.removesuffix(': rate')}: {unit}, median and quartiles", 48)
    note = wrap(machine, 52)
    height = (len(title) * SIZE + len(note) * NOTE) * 1.25 + 42 * len(names) + 4 * MARGIN
    figure, axes = pyplot.subplots(figsize=(WIDTH / 72, height / 72), layout="constrained", facecolor="white")
    figure.get_layout_engine().set(w_pad=MARGIN / 72, h_pad=MARGIN / 72)
    # Clipping would wrap each mark into an element of its own.
    axes.barh(rows, medians, height=0.4, color=[COLOURS[base(name)] for name in names], clip_on=False)
    lows = [figures[name].spread.low * factor for name in names]
    highs = [figures[name].spread.high * factor for name in names]
    axes.hlines(rows, lows, highs, color="black", linewidth=1, clip_on=False)
    for row, name, median, high in zip(rows, names, medians, highs, strict=True):
        near = {"textcoords": "offset points", "size": SIZE}
        axes.annotate(three(median), (max(median, high), row), (4, 0), va="center", **near)
        # Above its bar, where it may be as long as the picture is wide.
        axes.annotate(name, (0, row + 0.2), (0, 4), **near)
    axes.set_xticks([])
    axes.set_yticks([])
    axes.set_xlabel("\n".join(note), size=NOTE, loc="left", multialignment="left")
    figure.suptitle("\n".join(title), size=SIZE, x=MARGIN / WIDTH, ha="left")
    axes.set_ylim(-0.3, len(names) - 0.3)
    axes.spines[["top", "right", "bottom"]].set_visible(False)
    write_plot(figure, path)


def write_plot(figure: Any, path: Path) -> None:
    from matplotlib import pyplot

    text = io.StringIO()
    figure.savefig(text, format="svg", metadata={"Date": None, "Creator": None})
    pyplot.close(figure)
    path.write_text(text.getvalue().replace("</style>", f"\n{STYLE}</style>", 1), "utf-8", newline="\n")


def swept_figures(works: Works, of: Sweep) -> dict[str, list[Figure]]:
    """Return the figures of each contestant that was measured at each count."""
    counts = of.counts_in(works)
    names = set.intersection(*(set(works[of.at(count)]) for count in counts))
    return {name: [works[of.at(count)][name] for count in counts] for name in sorted(names, key=place)}


def apart(values: list[float], least: float, high: float) -> list[float]:
    """Return ascending values, moved so that each is at least so many times the one before, and none above high.

    They are moved up where they can be, and down from there.
    """
    moved: list[float] = []
    for value in values:
        moved.append(max(value, moved[-1] * least) if moved else value)
    for number in reversed(range(len(moved))):
        moved[number] = min(moved[number], high)
        high = moved[number] / least
    return moved


def draw_sweep(works: Works, of: Sweep, path: Path, machine: str) -> None:
    """Draw a line for each contestant over the counts; where a cost does not grow, it is level."""
    from matplotlib import pyplot
    from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

    counts = of.counts_in(works)
    figures = swept_figures(works, of)
    colours = colours_of(list(figures))
    factor, unit = scale_of(min((found[0] for found in figures.values()), key=lambda figure: figure.spread.median))
    title = wrap(f"{of.title}: {unit}, median, by number {of.of}", 48)
    note = wrap(machine, 52)
    columns = 1 if max(map(len, figures)) > 20 else 2
    # A line of the legend needs 20 points, and a figure at the end of a line 15.
    inner = max(200, 15 * len(figures))
    height = (len(title) * SIZE + len(note) * NOTE) * 1.25 + 20 * ceil(len(figures) / columns) + inner + 60
    figure, axes = pyplot.subplots(figsize=(WIDTH / 72, height / 72), layout="constrained", facecolor="white")
    figure.get_layout_engine().set(w_pad=MARGIN / 72, h_pad=MARGIN / 72)
    places = range(len(counts))
    for (name, found), marker in zip(figures.items(), cycle("osD^vP*X")):
        medians = [figure.spread.median * factor for figure in found]
        axes.plot(places, medians, color=colours[name], marker=marker, linewidth=2, label=name, clip_on=False)
    last = sorted(figures.values(), key=lambda found: found[-1].spread.median)
    ends = [found[-1].spread.median * factor for found in last]
    low, high = (
        chosen(found.spread.median * factor for each in figures.values() for found in each) for chosen in (min, max)
    )
    for end, at in zip(ends, apart(ends, max(high / low, 2) ** (15 / inner), high), strict=True):
        axes.annotate(three(end), (places[-1], at), (8, 0), textcoords="offset points", va="center", size=SIZE)
    axes.set_yscale("log")
    axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,g}"))
    axes.yaxis.set_minor_locator(NullLocator())
    axes.set_xticks(places, [f"{count:,}" for count in counts])
    axes.tick_params(labelsize=SIZE)
    axes.spines[["top", "right"]].set_visible(False)
    figure.suptitle("\n".join(title), size=SIZE, x=MARGIN / WIDTH, ha="left")
    figure.legend(
        *axes.get_legend_handles_labels(),
        loc="outside lower left",
        ncols=columns,
        fontsize=SIZE,
        frameon=False,
        title="\n".join(note),
        title_fontsize=NOTE,
        alignment="left",
    )
    write_plot(figure, path)
