"""The benchmarks: that they run and say what they are to say. How fast anything is, no test asks."""

import html
import importlib.util
import json
import re
import subprocess
import sys
from collections.abc import Callable, Generator
from contextlib import contextmanager
from importlib.machinery import EXTENSION_SUFFIXES
from itertools import product
from pathlib import Path
from typing import Any, ClassVar

import pytest

import hcsrt

from ..helpers.platforms import WINDOWS, compiler

if WINDOWS:
    pytest.skip("the native library of the benchmarks is for Linux and macOS", allow_module_level=True)
if Path(hcsrt.__file__).resolve().parents[1] != Path(__file__).resolve().parents[2]:
    pytest.skip("needs the editable install", allow_module_level=True)

from benchmarks.harness.bars import bars, growth_bar, judged
from benchmarks.harness.conditions import spinning, usable_processors
from benchmarks.harness.docs import FIGURES, MARKED, PAGE, TABLES, joined, rendered
from benchmarks.harness.figures import scale_of, summary, text_of, three, works_in
from benchmarks.harness.measure import EFFORTS, Series, swept
from benchmarks.harness.names import (
    CORE,
    GIL_CALLBACK,
    IN_FLIGHT,
    LATENCIES,
    OWNER,
    PROCESSOR_TIME,
    SWEEPS,
    Case,
    Sweep,
)
from benchmarks.harness.report import PLOTTED, apart, paired, swept_figures
from benchmarks.harness.running import Tree, beside, chosen, measure_in_turns
from benchmarks.harness.worker import KINDS

ROOT = Path(__file__).resolve().parents[2]
PLOTS = [*PLOTTED.values(), *(sweep.plot for sweep in SWEEPS)]


def benchmarks(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "benchmarks", *arguments], cwd=ROOT, capture_output=True, text=True, timeout=280
    )


@pytest.mark.slow
@compiler
def test_everything_is_measured_and_set_against_its_bar(tmp_path: Path) -> None:
    done = benchmarks("--tiny", "--json", tmp_path / "figures.json")
    assert done.returncode == 0, done.stderr
    result = json.loads((tmp_path / "figures.json").read_text())
    values = {(one["work"], one["contestant"]): one["values"] for one in result["series"]}
    left_out = " ".join(result["notes"])

    works = ("own, drop", "own, close", "call", "close 10,000", "hand over", "round trip", "threads", "emulator")
    whole = "async, 1024 in flight, 0 ms, 1024 B, 1 thread completes: rate"
    for work in (*works, whole, "async, 1 in flight, 0 ms, 1024 B, 1 thread completes: rate"):
        of_work = {contestant: found for (name, contestant), found in values.items() if name == work}
        assert of_work, work
        # Each was measured in the same rounds.
        assert len({len(found) for found in of_work.values()}) == 1
        assert all(value > 0 for found in of_work.values() for value in found)
    for contestant in ("cffi, API mode", "pybind11", "nanobind", "PyO3"):
        assert (("own, drop", contestant) in values) != (f"{contestant}: " in left_out), contestant
    assert ("own, drop", "hcsrt from Cython") in values
    assert ("memory", "hcsrt.ComputeSystem") in values
    assert ("import", "from hcsrt import ComputeSystem") in values

    for name in (whole, "async, 1 in flight, 0 ms, 1024 B, 1 thread completes: rate"):
        contestants = {contestant for work, contestant in values if work == name}
        assert contestants >= {f"{verb}, asyncio" for verb in ("await system.properties()", "system.properties()")}
    assert {name for work, name in values if work == "close 10,000"} >= {"hcsrt", CORE}
    assert {name for work, name in values if work == "hand over"} >= {"hcsrt", OWNER}
    for pair in product(IN_FLIGHT, LATENCIES):
        assert (f"{Case(*pair)}: worst", "hcsrt, asyncio") in values

    for sweep in SWEEPS:
        counts = sweep.counts_in({work for work, _ in values})
        assert len(counts) > 1, sweep
        for count in counts:
            of_work = {contestant: found for (work, contestant), found in values.items() if work == sweep.at(count)}
            assert of_work, sweep.at(count)
            assert len({len(found) for found in of_work.values()}) == 1
        assert f"{sweep.title}, {sweep.of}" in done.stdout

    judgements = judged([Series(**one) for one in result["series"]], result["machine"])
    for bar in judgements:
        assert (bar["measured"] is None) == (bar["holds"] is None)
    told = re.findall(r" (holds|missed) │$", done.stdout, re.MULTILINE)
    assert told == [{True: "holds", False: "missed"}[bar["holds"]] for bar in judgements if bar["measured"]]
    measured_of = {bar["what"]: bar["measured"] for bar in judgements if bar["work"].startswith("async")}
    assert len(measured_of) == 5
    assert all(measured_of.values())
    assert {name for work, name in values if work.startswith("async, 1024 in flight, 0 ms, 128 B")} >= {"C++"}
    assert result["machine"]["python"] in done.stdout
    # And all of it fits into the documentation.
    run = summary(result)
    page = PAGE.read_text()
    tables = dict(named_tables(rendered(page, {"gil": run, "gil, pinned": run, "free-threaded": run})))
    assert tables.keys() == TABLES.keys()
    for name, text in tables.items():
        lines = text.splitlines()
        # Instructions need valgrind and its headers.
        assert len(lines) > 2 or f"{name}: " in left_out, name
        assert len({line.count("|") for line in lines}) == 1, name
    assert "await system.properties(), asyncio" in tables["verbs"]


def test_a_bar_is_judged_by_the_median_of_ratios_within_rounds() -> None:
    burst = "async, 1024 in flight, 0 ms, 1024 B, 1 thread completes: rate"
    rows = judged(
        [
            # 1.0, 1.2 and 2.0 times the other: the ratio of the medians would be 2.
            Series("call", "hcsrt", "s", [1.0, 6.0, 4.0]),
            Series("call", "nanobind", "s", [1.0, 5.0, 2.0]),
            Series("close 10,000", "hcsrt", "s", [2.9, 2.9, 9.0]),
            Series("close 10,000", "C++", "s", [1.0, 1.0, 1.0]),
            Series(burst, "hcsrt, asyncio", "/s", [60.0, 70.0, 80.0]),
            Series(burst, "the loop alone, asyncio", "/s", [100.0, 100.0, 100.0]),
            Series(burst, "the callback takes the GIL, asyncio", "/s", [10.0, 10.0, 20.0]),
            Series("import", "from hcsrt import ComputeSystem", "s", [0.03, 0.04, 0.05]),
            Series("import", "import subprocess", "s", [0.02, 0.02, 0.05]),
        ],
        {"free_threaded": False},
    )
    found = {(row["work"], row["what"]): row for row in rows}

    def is_judged(work: str, what: str, median: float, holds: bool) -> None:
        row = found.pop((work, what))
        assert row["measured"][0] == pytest.approx(median)
        assert row["measured"][1] <= row["measured"][0] <= row["measured"][2]
        assert row["holds"] is holds

    is_judged("call", "hcsrt, guarded / nanobind, unguarded", 1.2, False)
    is_judged("close 10,000", "hcsrt / a loop of C++", 2.9, True)
    is_judged(burst, "hcsrt / the loop alone", 0.7, True)
    is_judged(burst, "hcsrt / the callback takes the GIL", 6.0, True)
    is_judged("import", "from hcsrt import ComputeSystem / import subprocess", 1.5, False)
    assert all(row["measured"] is row["holds"] is None for row in found.values())


def test_growth_is_a_ratio_within_rounds_of_the_largest_count_to_the_smallest() -> None:
    sweep = Sweep("a system", "alive", (10, 100), "alive")
    made: list[int] = []

    @contextmanager
    def turns_at(count: int) -> Generator[dict[str, Callable[[], float]]]:
        made.append(count)
        yield {"stop": lambda: float(count * len(made)), "start": lambda: 1.0}
        made.append(-count)

    series = {(one.work, one.contestant): one for one in swept(sweep, turns_at, 2)}
    # Each count in each round, and nothing is left of one when the next one begins.
    assert made == [10, -10, 100, -100, 100, -100, 10, -10]
    assert series["a system, 10 alive", "stop"].values == [10.0, 70.0]
    assert series["a system, 100 alive", "stop"].values == [300.0, 500.0]
    spread = growth_bar(sweep, "stop", 1.2).measured(series)
    assert spread is not None
    assert (spread.low + spread.high) / 2 == pytest.approx((30 + 50 / 7) / 2)
    assert not growth_bar(sweep, "stop", 1.2).holds(spread)
    level = growth_bar(sweep, "start", 1.2)
    assert level.text == "start: 100 / 10 alive"
    assert level.holds(level.measured(series) or spread)


def named_tables(page: str) -> list[tuple[str, str]]:
    return [(found[2], found[3]) for found in MARKED.finditer(page)]


def test_the_documentation_shows_the_figures_that_are_kept() -> None:
    runs = json.loads(FIGURES.read_text())
    page = PAGE.read_text()
    shown = named_tables(page)
    assert sorted(name for name, _ in shown) == sorted(TABLES)
    assert page.count("<!-- ") == 2 * len(TABLES)
    # By table: what differs is told.
    assert dict(shown) == dict(named_tables(rendered(page, runs)))
    assert FIGURES.stat().st_size < 100_000
    assert text_of(runs) == FIGURES.read_text()


def test_the_plots_show_the_figures_that_are_kept() -> None:
    works = works_in(json.loads(FIGURES.read_text())["gil"])
    plots = {path.stem: path.read_text() for path in FIGURES.parent.glob("*.svg")}
    assert sorted(plots) == sorted(PLOTS)
    for work, name in PLOTTED.items():
        texts = re.findall(r"<text [^>]*>([^<]*)</text>", plots[name])
        labels = sorted(html.unescape(text) for text in texts)
        drawn = {of: figure for of, figure in works[work].items() if (of, figure.unit) != ("C++", "/s")}
        scale, _ = scale_of(max(drawn.values(), key=lambda figure: figure.spread.median))
        for contestant, figure in drawn.items():
            assert contestant in labels
            assert three(figure.spread.median * scale) in labels, contestant
        assert sum(label in works[work] for label in labels) == len(drawn)
        assert plots[name].count("clip-path") == 0
        assert len(plots[name]) < 40_000


def light_of(color: str) -> float:
    """Return how light a color is to the eye, from 0 to 1."""
    parts = [int(color[start : start + 2], 16) / 255 for start in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return sum(part * weight for part, weight in zip(linear, (0.2126, 0.7152, 0.0722), strict=True))


@pytest.mark.parametrize("sweep", SWEEPS)
def test_the_plot_of_a_sweep_names_each_line_and_its_last_figure(sweep: Sweep) -> None:
    works = works_in(json.loads(FIGURES.read_text())["gil"])
    plot = (FIGURES.parent / f"{sweep.plot}.svg").read_text()
    texts = [html.unescape(text) for text in re.findall(r"<text [^>]*>([^<]*)</text>", plot)]
    figures = swept_figures(works, sweep)
    scale, _ = scale_of(min((found[0] for found in figures.values()), key=lambda figure: figure.spread.median))
    for name, found in figures.items():
        assert name in texts
        assert three(found[-1].spread.median * scale) in texts, name
    counts = [f"{count:,}" for count in sweep.counts_in(works)]
    assert [text for text in texts if text in counts][: len(counts)] == counts
    assert len(plot) < 40_000


def test_the_figures_at_the_ends_of_lines_are_moved_apart_and_stay_inside() -> None:
    moved = apart([1.0, 1.0, 99.0, 100.0], 2.0, 100.0)
    assert moved == [1.0, 2.0, 50.0, 100.0]
    assert apart([1.0, 10.0, 100.0], 2.0, 100.0) == [1.0, 10.0, 100.0]


@pytest.mark.parametrize("name", PLOTS)
def test_a_plot_can_be_read_on_a_phone_and_on_a_dark_page(name: str) -> None:
    plot = (FIGURES.parent / f"{name}.svg").read_text()
    (width,) = re.findall(r'viewBox="0 0 ([\d.]+) ', plot)
    sizes = re.findall(r"<text [^>]*?font(?:-size)?: ([\d.]+)px", plot)
    assert len(sizes) == plot.count("<text ") > 10
    # Of a phone 328 pixels are left for a picture.
    assert min(map(float, sizes)) * 328 / float(width) >= 10
    style, marks = plot.split("</style>")
    dark = style.partition("prefers-color-scheme: dark")[2]
    colors = {color: color for color in re.findall(r"(?:fill|stroke): (#\w{6})", marks)}
    colors |= dict(re.findall(r"(?:fill|stroke): (#\w{6})\"\] \{ (?:fill|stroke): (#\w{6}) !important", dark))
    page = light_of(colors.pop("#ffffff"))
    assert page < 0.05
    for before, color in colors.items():
        assert (light_of(color) + 0.05) / (page + 0.05) >= 3, before
    (text,) = re.findall(r"text \{ fill: (#\w{6})", dark)
    assert light_of(text) > 0.8


def test_what_is_kept_of_a_run_gives_a_ratio_within_rounds_and_no_single_values() -> None:
    result = {
        "effort": "tiny",
        "seconds": 1.0,
        "machine": {"free_threaded": True},
        "notes": [],
        "series": [
            {"work": "threads", "contestant": "hcsrt: 2 threads", "unit": "/s", "values": [1.0, 5.0, 3.0]},
            {"work": "threads", "contestant": "hcsrt: 2 processes", "unit": "/s", "values": [2.0, 4.0, 4.0]},
            {"work": "async: others", "contestant": "hcsrt", "unit": "processors", "values": [0.1]},
            # What the page shows of another case.
            {"work": f"{Case(64, 1)}: median", "contestant": "hcsrt", "unit": "s", "values": [0.1]},
        ],
    }
    run = summary(result)
    (bar,) = [bar for bar in run["bars"] if bar["measured"]]
    assert (bar["what"], bar["measured"], bar["holds"]) == ("2 threads / 2 processes", [0.75, 0.625, 1.0], False)
    assert run["works"] == {
        "threads": {"hcsrt: 2 threads": ["/s", 3.0, 2.0, 4.0], "hcsrt: 2 processes": ["/s", 4.0, 3.0, 4.0]}
    }


@pytest.mark.skipif(importlib.util.find_spec("matplotlib") is None, reason="needs matplotlib")
@pytest.mark.slow
def test_figures_of_before_are_shown_and_drawn(tmp_path: Path) -> None:
    figures = {
        "effort": "full",
        "seconds": 1.0,
        "machine": {
            "python": "CPython 3",
            "processors": 1,
            "processor": "one",
            "system": "a system",
            "free_threaded": False,
        },
        "notes": ["PyO3: no Rust toolchain here"],
        "series": [
            {"work": "call", "contestant": "hcsrt", "unit": "s", "values": [4e-8, 5e-8, 6e-8]},
            {"work": "call", "contestant": "nanobind", "unit": "s", "values": [8e-8, 1e-7, 1.2e-7]},
        ],
    }
    path = tmp_path / "figures.json"
    path.write_text(json.dumps(figures))
    done = benchmarks("--from", path, "--plots", tmp_path / "plots")
    assert done.returncode == 0, done.stderr
    line = next(line for line in done.stdout.splitlines() if "nanobind" in line)
    assert "100 ns" in line
    assert "2.00 [2.00, 2.00]" in line
    assert "left out: PyO3: no Rust toolchain here" in done.stdout
    first = (tmp_path / "plots" / "call.svg").read_text()
    assert "<svg" in first
    assert "hcsrt" in first
    assert len(first) < 40_000
    benchmarks("--from", path, "--plots", tmp_path / "plots")
    assert (tmp_path / "plots" / "call.svg").read_text() == first


def test_a_run_of_some_works_leaves_the_figures_of_the_others() -> None:
    def bar(work: str, measured: float | None) -> dict[str, Any]:
        return {"work": work, "what": "a ratio", "measured": measured}

    before = {"seconds": 600, "works": {"call": 1, "faults": 2}, "bars": [bar("call", 1.0), bar("faults", 2.0)]}
    some = {"seconds": 6, "works": {"faults": 3, "new": 4}, "bars": [bar("call", None), bar("faults", 3.0)]}
    found = joined(before, some)
    assert found["works"] == {"call": 1, "faults": 3, "new": 4}
    assert [(each["work"], each["measured"]) for each in found["bars"]] == [("call", 1.0), ("faults", 3.0)]
    assert found["seconds"] == 600
    whole = {**some, "works": {**some["works"], "call": 5}}
    assert joined(before, whole) is whole


def test_a_bar_that_there_is_no_more_goes_with_the_next_run() -> None:
    def bar(what: str, measured: float | None) -> dict[str, Any]:
        return {"work": "import", "what": what, "measured": measured}

    before = {"works": {"import": 1, "call": 1}, "bars": [bar("a difference", 1.0)]}
    now = {"works": {"import": 2}, "bars": [bar("a ratio", 2.0)]}
    assert [each["what"] for each in joined(before, now)["bars"]] == ["a ratio"]


def test_a_quick_run_says_what_it_leaves_out() -> None:
    kinds, left_out = chosen(None, "quick")
    assert not {"latency", "instructions"}.intersection(kinds)
    assert len(kinds) + len(left_out) == len(KINDS)
    assert all(any(f"--only {kind}" in line for line in left_out) for kind in KINDS if kind not in kinds)
    assert chosen(None, "full") == (list(KINDS), [])
    assert chosen(["latency"], "quick") == (["latency"], [])


# --- busy and pinned ------------------------------------------------------------------------------------------------


def test_a_busy_machine_has_a_process_that_spins_on_each_processor_until_the_block_ends() -> None:
    with spinning() as spinners:
        assert len(spinners) == len(usable_processors())
        assert all(spinner.poll() is None for spinner in spinners)
    assert all(spinner.poll() is not None for spinner in spinners)


def test_a_machine_is_judged_by_bars_of_its_own() -> None:
    works = {condition: [bar.work for bar in bars(of)] for condition, of in MACHINES.items()}
    assert {"stdout, read(64 KB)", "worlds"} <= set(works["idle"])
    for condition in ("busy", "pinned"):
        # The clock on the wall tells nothing there.
        assert not {"stdout, read(64 KB)", "worlds", "threads"}.intersection(works[condition])
        assert {PROCESSOR_TIME.at(64), PROCESSOR_TIME.at(1024), "import"} <= set(works[condition])
    (limit,) = {bar.limit for bar in bars(MACHINES["pinned"]) if bar.under == f"{GIL_CALLBACK}, asyncio"}
    assert limit == 4.0


MACHINES = {
    "idle": {"free_threaded": False},
    "busy": {"free_threaded": False, "busy": True, "pinned": False},
    "pinned": {"free_threaded": False, "busy": False, "pinned": True},
}


@pytest.mark.slow
@compiler
def test_a_result_tells_that_its_machine_was_busy_and_pinned(tmp_path: Path) -> None:
    done = benchmarks("--tiny", "--only", "faults", "--busy", "--pinned", "--json", tmp_path / "figures.json")
    assert done.returncode == 0, done.stderr
    result = json.loads((tmp_path / "figures.json").read_text())
    assert (result["machine"]["busy"], result["machine"]["pinned"]) == (True, True)
    assert result["kinds"].keys() == {"faults"}
    assert ", busy and pinned; tiny" in " ".join(done.stdout.split())


# --- two trees ------------------------------------------------------------------------------------------------------


class Told(Tree):
    """A tree that notes what it is to measure."""

    log: ClassVar[list[tuple[str, str]]] = []

    def measure(self, kind: str, effort: str, condition: str) -> None:
        self.log.append((self.root.name, kind))
        if (self.root.name, kind) == ("before", "new"):
            raise RuntimeError("new failed:\nImportError: too old")


def test_two_trees_take_turns_and_what_the_other_cannot_measure_is_left_out() -> None:
    before, after = Told(Path("before")), Told(Path("after"))
    Told.log.clear()
    seconds = measure_in_turns(before, after, ["new", "call"], "quick", "", lambda _: None)
    assert seconds.keys() == {"call"}
    pairs = [("before", "call"), ("after", "call"), ("after", "call"), ("before", "call")]
    assert [entry for entry in Told.log if entry[1] == "call"] == pairs[: 2 * EFFORTS["quick"].processes]
    assert after.notes == ["new, which the other tree cannot measure: ImportError: too old"]


def test_a_pair_is_the_medians_of_two_processes() -> None:
    before = Series("call", "hcsrt", "s", [1.0, 1.0, 9.0, 2.0, 2.0, 2.0])
    after = Series("call", "hcsrt", "s", [0.5, 0.5, 0.5, 3.0, 3.0, 9.0])
    spread = paired(before, after, 2)
    assert (spread.median, spread.low, spread.high) == (1.0, 0.75, 1.25)


def test_another_tree_gets_these_benchmarks_and_its_own_hcsrt(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("benchmarks.harness.running.ROOT", tmp_path)
    other = tmp_path / "other"
    (other / "hcsrt").mkdir(parents=True)
    with pytest.raises(FileNotFoundError, match="not built for this interpreter"):
        beside(other)
    (other / "hcsrt" / f"_core{EXTENSION_SUFFIXES[0]}").touch()
    for _ in range(2):
        root = beside(other).root
    assert root == tmp_path / "build" / "against" / "other"
    assert (root / "hcsrt").resolve() == other / "hcsrt"
    assert (root / "benchmarks" / "works" / "handles.py").is_file()


def test_an_unknown_kind_is_named_with_those_there_are() -> None:
    done = benchmarks("--only", "luck")
    assert done.returncode == 2
    assert "no such kind of work: luck; there are handles," in done.stderr


def test_without_the_editable_install_it_says_so_in_one_line(tmp_path: Path) -> None:
    # A package of that name from elsewhere.
    (tmp_path / "hcsrt").mkdir()
    (tmp_path / "hcsrt" / "__init__.py").write_text("")
    script = (
        f"import sys, runpy; sys.path[:0] = [{str(tmp_path)!r}, {str(ROOT)!r}]; sys.argv = ['benchmarks']; "
        "runpy.run_module('benchmarks', run_name='__main__')"
    )
    done = subprocess.run([sys.executable, "-c", script], cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert line.startswith("benchmarks need the editable install: pip install -e '.[bench]'")
