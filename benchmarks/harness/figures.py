"""The results of a run in short: medians and quartiles, for tables, plots and the documentation."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from math import floor, log10
from typing import Any

from .bars import judged
from .measure import Series, Spread
from .names import BURSTS

UNTOLD = ": others"
"""The works that tell how a run went, not what it measured."""
PERCENTILES = (": median", ": worst", ": lag")
"""The works of which the median is kept, without the quartiles: each value is of thousands of operations already."""


@dataclass(frozen=True)
class Figure:
    unit: str
    spread: Spread


Works = dict[str, dict[str, Figure]]
"""By work and contestant."""


def works_of(series: Iterable[Series]) -> Works:
    works: Works = {}
    for one in series:
        works.setdefault(one.work, {})[one.contestant] = Figure(one.unit, Spread.of(one.values))
    return works


def rounded(value: float, digits: int) -> float:
    return float(f"{value:.{digits}g}")


def kept(work: str, spread: Spread) -> tuple[float, ...]:
    if work.endswith(PERCENTILES) or spread.low == spread.high:
        return (spread.median,)
    return (spread.median, spread.low, spread.high)


def told(work: str) -> bool:
    """Return whether the figures of a work are kept: what no table shows of the cases of asynchronous work is not."""
    case, _, metric = work.rpartition(": ")
    if not case.startswith("async, ") or case == str(BURSTS[0]):
        return not work.endswith(UNTOLD)
    return metric == "rate" or (metric in ("worst", "lag") and case not in map(str, BURSTS))


def summary(result: dict[str, Any]) -> dict[str, Any]:
    """Return a result without its single values. The bars are judged first: their ratios need values of one round."""
    series = [Series(**one) for one in result["series"]]
    rows = judged(series, result["machine"])
    for row in rows:
        row["measured"] = row["measured"] and [rounded(value, 4) for value in row["measured"]]
    return {
        **{name: result[name] for name in ("effort", "seconds", "machine", "notes")},
        "bars": rows,
        "works": {
            work: {
                contestant: [of.unit, *(rounded(value, 3) for value in kept(work, of.spread))]
                for contestant, of in of_work.items()
            }
            for work, of_work in works_of(series).items()
            if told(work)
        },
    }


def works_in(short: dict[str, Any]) -> Works:
    """Return the works of a summary."""
    return {
        work: {
            contestant: Figure(unit, Spread(*values) if len(values) > 1 else Spread(*(3 * values)))
            for contestant, (unit, *values) in of_work.items()
        }
        for work, of_work in short["works"].items()
    }


def compact(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def text_of(runs: dict[str, dict[str, Any]]) -> str:
    """Return JSON with a line for each bar and each work."""

    def lines(value: dict[str, Any] | list[Any]) -> str:
        entries = value.items() if isinstance(value, dict) else ((None, item) for item in value)
        text = ",\n".join(f"{'' if key is None else compact(key) + ':'}{compact(item)}" for key, item in entries)
        return f"{{\n{text}\n}}" if isinstance(value, dict) else f"[\n{text}\n]"

    def one(run: dict[str, Any]) -> str:
        texts = {key: lines(value) if key in ("bars", "works") else compact(value) for key, value in run.items()}
        rest = ",\n".join(f"{compact(key)}:{text}" for key, text in texts.items())
        return f"{{\n{rest}\n}}"

    return "{\n" + ",\n".join(f"{compact(build)}:{one(run)}" for build, run in runs.items()) + "\n}\n"


SCALES = {
    "s": ((1.0, "s"), (1e3, "ms"), (1e6, "µs"), (1e9, "ns")),
    "/s": ((1e-3, "k/s"),),
    "B/s": ((1e-6, "MB/s"),),
    "B": ((1e-6, "MB"), (1.0, "B")),
}
"""Of each unit, with what they are called; the first that makes a figure one or more."""


def scale_of(figure: Figure) -> tuple[float, str]:
    scales = SCALES.get(figure.unit, ((1.0, figure.unit),))
    return next((scale for scale in scales if figure.spread.median * scale[0] >= 1), scales[-1])


def three(value: float) -> str:
    """Return a number with three significant digits; a whole one as it is."""
    if value == round(value):
        return f"{value:,.0f}"
    places = 2 - floor(log10(abs(value)))
    return f"{round(value, places):,.{max(0, places)}f}"


def median_text(figure: Figure) -> str:
    factor, unit = scale_of(figure)
    return f"{three(figure.spread.median * factor)} {unit}"


def spread_text(figure: Figure) -> str:
    """Return the median, with the quartiles in brackets."""
    factor, unit = scale_of(figure)
    median, low, high = (three(value * factor) for value in vars(figure.spread).values())
    return f"{median} [{low}, {high}] {unit}"


def ratio_text(spread: Spread) -> str:
    return f"{spread.median:.2f} [{spread.low:.2f}, {spread.high:.2f}]"
