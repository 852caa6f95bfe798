"""The results as tables in the terminal and as plots."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from .bars import BARS
from .measure import Series, Spread, ratio
from .names import BARE, BURSTS, CYTHON, ENGINE, HCSRT, LOOP, PLAIN

REFERENCES = (
    HCSRT,
    ENGINE,
    f"{ENGINE}, asyncio",
    f"{LOOP}, asyncio",
    f"{HCSRT}: 1 thread",
    "python -c pass",
    "properties",
)
"""What the others of the same work are set against: the first of these that there is."""


def by_work(series: list[Series]) -> dict[str, list[Series]]:
    works: dict[str, list[Series]] = {}
    for one in series:
        works.setdefault(one.work, []).append(one)
    return works


def reference_of(series: list[Series]) -> Series:
    names = {one.contestant: one for one in series}
    return next((names[name] for name in REFERENCES if name in names), series[0])


def quantity(value: float, unit: str) -> str:
    if unit == "s":
        for factor, name in ((1e9, "ns"), (1e6, "µs"), (1e3, "ms")):
            if value * factor < 1000:
                return f"{value * factor:.3g} {name}"
        return f"{value:.3g} s"
    if unit == "B/s":
        return f"{value / 1e6:,.0f} MB/s"
    if unit == "/s":
        return f"{value:,.0f} /s"
    return f"{value:,.0f} {unit}"


def spread_text(spread: Spread, scale: float = 1.0) -> str:
    return f"{spread.median * scale:.2f}  [{spread.low * scale:.2f}, {spread.high * scale:.2f}]"


def print_tables(console: Console, series: list[Series]) -> None:
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
        table.add_column(f"/ {reference.contestant}  \\[quartiles]", justify="right")
        for one in sorted(of_work, key=lambda one: Spread.of(one.values).median):
            table.add_row(
                one.contestant,
                quantity(Spread.of(one.values).median, one.unit),
                spread_text(ratio(one, reference)).replace("[", "\\["),
            )
        console.print(table)
    for case, metrics in cases.items():
        print_case(console, case, metrics)


def print_case(console: Console, case: str, metrics: dict[str, list[Series]]) -> None:
    """What a contestant did in one case of asynchronous operations, in one line."""
    found = {(metric, one.contestant): one for metric, of_metric in metrics.items() for one in of_metric}
    reference = reference_of(metrics["rate"])
    table = Table(title=case, title_justify="left", title_style="bold")
    table.add_column("contestant", min_width=36)
    for column in ("operations", f"/ {reference.contestant}  \\[quartiles]", "50th", "99th percentile", "loop late by"):
        table.add_column(column, justify="right")
    for one in sorted(metrics["rate"], key=lambda one: Spread.of(one.values).median, reverse=True):
        rest = [found.get((metric, one.contestant)) for metric in ("median", "worst", "lag")]
        table.add_row(
            one.contestant,
            quantity(Spread.of(one.values).median, one.unit),
            spread_text(ratio(one, reference)).replace("[", "\\["),
            *(quantity(Spread.of(other.values).median, other.unit) if other else "" for other in rest),
        )
    console.print(table)


def judged(series: list[Series]) -> list[dict[str, Any]]:
    """Each bar with what was measured."""
    found = {(one.work, one.contestant): one for one in series}
    rows = []
    for bar in BARS:
        spread = bar.measured(found)
        values = spread and [bar.scale * value for value in (spread.median, spread.low, spread.high)]
        rows.append(
            {
                "work": bar.work,
                "what": bar.text,
                "bar": f"{'≤' if bar.at_most else '≥'} {bar.limit:g} {bar.unit}".strip(),
                "measured": values,
                "holds": None if spread is None else bar.holds(spread),
            }
        )
    return rows


def print_bars(console: Console, rows: list[dict[str, Any]]) -> None:
    table = Table(title="The bars", title_justify="left", title_style="bold")
    for column in ("work", "what"):
        table.add_column(column)
    for column in ("bar", "measured  \\[quartiles]", ""):
        table.add_column(column, justify="right")
    for row in rows:
        measured = "left out" if row["measured"] is None else spread_text(Spread(*row["measured"])).replace("[", "\\[")
        verdict = {True: "[green]holds[/]", False: "[red]missed[/]", None: ""}[row["holds"]]
        table.add_row(row["work"], row["what"], row["bar"], measured, verdict)
    console.print(table)


# --- plots ----------------------------------------------------------------------------------------------------------

OURS, LIMIT, OTHERS = "#2a6fbb", "#888888", "#c9a063"
COLOURS = {HCSRT: OURS, CYTHON: OURS, ENGINE: OURS, BARE: LIMIT, PLAIN: LIMIT, LOOP: LIMIT}
PLOTTED = {
    "own, drop": "own",
    "call": "call",
    "close 10,000": "close_all",
    "round trip": "round_trip",
    f"{BURSTS[0]}: rate": "async",
}
"""The works that are drawn, with the name of the file."""
SCALES = {"s": (1e9, "nanoseconds each"), "/s": (1e-3, "thousands a second")}


def colour(contestant: str) -> str:
    """That of the contestant, whatever its event loop."""
    return COLOURS.get(contestant.removesuffix(", asyncio").removesuffix(", uvloop"), OTHERS)


def plot(series: list[Series], folder: Path, machine: str) -> list[Path]:
    """One SVG a work: the medians, with the quartiles as whiskers. Grey is a limit, blue is hcsrt."""
    import matplotlib

    matplotlib.use("svg")
    # The same figures give the same file.
    matplotlib.rcParams["svg.hashsalt"] = "hcsrt"
    # Text as text: half of a file would be the outlines of letters.
    matplotlib.rcParams["svg.fonttype"] = "none"
    from matplotlib import pyplot

    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for work, of_work in by_work(series).items():
        if work not in PLOTTED:
            continue
        ordered = sorted(of_work, key=lambda one: Spread.of(one.values).median, reverse=True)
        scale, label = SCALES[of_work[0].unit]
        spreads = [Spread.of(value * scale for value in one.values) for one in ordered]
        figure, axes = pyplot.subplots(figsize=(7.5, 0.6 + 0.32 * len(ordered)), layout="constrained")
        bars = axes.barh(
            [one.contestant for one in ordered],
            [spread.median for spread in spreads],
            xerr=[[s.median - s.low for s in spreads], [s.high - s.median for s in spreads]],
            color=[colour(one.contestant) for one in ordered],
            error_kw={"elinewidth": 0.8},
        )
        axes.bar_label(bars, [f"{spread.median:.3g}" for spread in spreads], padding=4, fontsize=8)
        axes.set_xlabel(f"{label}: median and quartiles; {machine}", fontsize=7)
        axes.set_title(work, fontsize=10, loc="left")
        axes.tick_params(labelsize=8)
        axes.spines[["top", "right"]].set_visible(False)
        path = folder / f"{PLOTTED[work]}.svg"
        figure.savefig(path, metadata={"Date": None, "Creator": None})
        pyplot.close(figure)
        paths.append(path)
    return paths
