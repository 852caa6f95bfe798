"""Swarm chaos: from one seed a mix of faults, and what a manager of containers makes of a thousand such mixes."""

import asyncio
import functools
import importlib.util
import io
import json
import os
import sys
from collections import Counter
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import hcsrt
from hcsrt._facade import times
from hcsrt.emulator import Host, chaos, container_document, plausible, world
from hcsrt.emulator.assumptions import ASSUMPTIONS
from hcsrt.emulator.chaos import Kind
from hcsrt.faults import Fault

from ..helpers.platforms import emulator_by_name
from ..helpers.programs import guest

pytestmark = [emulator_by_name, pytest.mark.filterwarnings("ignore::hcsrt.NoIsolationWarning")]

SEEDS = range(200)


def data(seed: int) -> list[dict[str, Any]]:
    return [fault.to_dict() for fault in chaos.swarm(seed)]


@functools.cache
def of_all_seeds() -> list[list[dict[str, Any]]]:
    return [data(seed) for seed in SEEDS]


# --- what a seed gives ------------------------------------------------------------------------------------------------


def test_a_seed_always_gives_the_same_mix_and_each_another() -> None:
    for seed in range(5):
        assert data(seed) == data(seed)
        assert chaos.unknowns(seed) == chaos.unknowns(seed)
    assert len({json.dumps([data(seed), chaos.unknowns(seed)]) for seed in range(20)}) == 20


def test_each_kind_is_on_in_one_run_of_four_with_a_rate_of_its_own() -> None:
    kinds = chaos.kinds()
    assert len({kind.name for kind in kinds}) == len(kinds) > 100
    here = Counter[str]()
    rates: set[float] = set()
    for faults in of_all_seeds():
        for fault in faults:
            here[fault["action"]] += 1
            if "probability" in fault:
                rates.add(fault["probability"])
    for action in ("fail", "delay", "drop", "duplicate", "reorder", "missing"):
        number = sum(kind.action == action for kind in kinds)
        assert 0.15 < here[action] / (number * len(SEEDS)) < 0.35, action
    assert max(rates) <= 0.45
    assert len(rates) > 100
    assert "hang" not in here


def test_one_more_kind_leaves_all_others_as_they_were(monkeypatch: pytest.MonkeyPatch) -> None:
    before = [data(seed) for seed in range(20)]
    kinds = chaos.kinds()
    new = Kind("new", chaos.FAULTS, ["HcsStartComputeSystem"], "fail", (1, 1), errors=["E_ABORT"])
    monkeypatch.setattr(chaos, "kinds", lambda: [new, *kinds])
    after = [data(seed) for seed in range(20)]
    assert after != before
    assert [[each for each in seed if each.get("error") != "E_ABORT"] for seed in after] == before


def test_no_wait_for_an_outcome_fails() -> None:
    """Its caller would take that for the outcome, and close what is still in use: seeds 4 and 461 did so."""
    sites = ("HcsWaitForOperation", "HcsGetOperationResult")
    faults = [fault for faults in of_all_seeds() for fault in faults if fault["site"].startswith(sites)]
    actions = {fault["action"] for fault in faults}
    assert "delay" in actions
    assert "fail" not in actions


def test_what_is_plausible_can_be() -> None:
    """A name that is misspelt would make no fault, and nobody would miss it."""
    named = {*plausible._FAILURES, *plausible._OUTCOMES, *plausible.NEWER, *plausible.ENDING}
    assert named <= set(plausible.functions())
    for function in (*named, "HcsPauseComputeSystem"):
        for error in (*plausible.failures(function), plausible.DISCONNECTED):
            Fault.from_dict({"site": function, "action": "fail", "error": error})


def test_one_more_error_leaves_most_kinds_with_theirs(monkeypatch: pytest.MonkeyPatch) -> None:
    def errors() -> list[str]:
        faults = [fault for seed in range(50) for fault in data(seed) if fault["site"] == "HcsCreateProcess"]
        return [fault["error"] for fault in faults if fault["action"] == "fail"]

    before = errors()
    given = chaos.plausible.failures

    def one_more(function: str) -> tuple[str, ...]:
        return (*given(function), "E_ABORT")

    monkeypatch.setattr(chaos.plausible, "failures", one_more)
    monkeypatch.setattr(chaos, "kinds", chaos.kinds.__wrapped__)
    after = errors()
    assert "E_ABORT" in after
    assert all(now in (then, "E_ABORT") for then, now in zip(before, after, strict=True))


def test_a_fault_draws_the_same_numbers_wherever_it_was_added() -> None:
    def fired(*others: dict[str, Any], twice: bool = False) -> list[int]:
        with Host(5) as host:
            for other in others:
                host.faults.add(other)
            fault = host.faults.on("HcsOpenComputeSystem", probability=0.5).fail("E_ABORT")
            again = host.faults.on("HcsOpenComputeSystem", probability=0.5).fail("E_ABORT")
            for _ in range(64):
                with pytest.raises(hcsrt.HcsError):
                    hcsrt.ComputeSystem.open("nobody")
            return [each.number for each in (again if twice else fault).fired]

    alone = fired()
    assert 16 < len(alone) < 48
    other = {"site": "HcsOpenComputeSystem", "action": "delay", "seconds": 0, "probability": 0.5}
    assert fired(other, other | {"site": "HcsCreateProcess"}) == alone
    assert fired(twice=True) != alone


def test_what_is_assumed_for_a_run_is_a_part_of_what_hcs_leaves_open() -> None:
    seen = Counter(pair for seed in SEEDS for pair in chaos.unknowns(seed).items())
    assert {name for name, _ in seen} == set(ASSUMPTIONS)
    for name, row in ASSUMPTIONS.items():
        number = sum(seen[name, choice] for choice in row.choices)
        assert 0.1 < number / len(SEEDS) < 0.4, name
        assert all(seen[name, choice] for choice in row.choices), name


# --- a host with it ---------------------------------------------------------------------------------------------------


def test_a_host_has_the_faults_of_its_seed_as_data() -> None:
    seed = next(seed for seed in SEEDS if chaos.unknowns(seed).get("exit_event") == "after_the_result")
    host = Host(seed, chaos="swarm", exit_event="before_the_result")
    assert host.faults.to_list() == data(seed)
    assert repr(host) == f"<Host seed={seed} chaos='swarm' {len(host.faults)} faults not installed yet>"
    assumed = {name: choice for name, choice in host.assumptions.items() if choice is not None}
    assert assumed == chaos.unknowns(seed) | {"exit_event": "before_the_result"}
    again = Host(seed, **assumed)
    for fault in host.faults.to_list():
        again.faults.add(fault)
    assert again.faults.to_list() == host.faults.to_list()
    assert again.assumptions == host.assumptions


def test_chaos_comes_and_goes_within_a_block() -> None:
    with Host(3) as host:
        assert len(host.faults) == 0
        faults = host.chaos("swarm")
        assert faults == list(host.faults) != []
        assert all(fault.active for fault in faults)
        assert [fault.to_dict() for fault in faults] == data(3)
        host.faults.clear()
        with hcsrt.ComputeSystem.create("calm", container_document()) as system:
            system.start()
        assert host.chaos(seed=4) != []
        assert host.faults.to_list() == data(4)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"seed": 1, "chaos": "storm"}, "chaos is 'storm'; give 'swarm'"),
        ({"chaos": "swarm"}, "chaos needs a seed: give the Host one"),
    ],
)
def test_chaos_that_there_is_not(arguments: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        Host(**arguments)


# --- a thousand seeds -------------------------------------------------------------------------------------------------

CHAOS_SECONDS = 0.5
"""Seconds after which nothing goes wrong any more."""
CALM_SECONDS = 60.0
"""Seconds that the load then has to come to its end, on a machine with other things to do."""
BATCH = 25
"""Seeds of one test."""


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wait less for what HCS has lost."""
    monkeypatch.setattr(times, "FIRST_QUERY", 0.05)
    monkeypatch.setattr(times, "LAST_QUERY", 0.2)
    monkeypatch.setattr(times, "EVENT_PATIENCE", 0.05)
    monkeypatch.setattr(times, "DRAIN_QUIET", 0.2)


@pytest.fixture
def manager(quick: None, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """Return examples/manager.py, which is in less of a hurry as a program."""
    pytest.importorskip("rich")
    path = Path(__file__).parents[2] / "examples" / "manager.py"
    spec = importlib.util.spec_from_file_location("examples_manager", path)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, spec.name, module)
    spec.loader.exec_module(module)
    monkeypatch.setattr(module, "FIRST_BACK_OFF", 0.02)
    monkeypatch.setattr(module, "LAST_BACK_OFF", 0.1)
    return module


def manage(manager: ModuleType, seed: int, folder: Path) -> str:
    """Run two containers, the first life of which fails, on a host with the chaos of a seed; return what they say."""
    from rich.console import Console

    said = io.StringIO()
    console = Console(file=said, width=200)
    code = "out('working'); first = not os.path.exists(argv[0]); tell(argv[0]); exit(5 if first else 0)"
    containers = []
    for number in range(2):
        id = f"m-{number}"
        document = container_document("chaos")
        command = guest(code, str(folder / f"{seed}-{id}"))
        containers.append(manager.Container(id, document, command, "cyan", console))

    async def main(host: Host) -> None:
        task = asyncio.create_task(manager.manage(containers, console, 0.5))
        await asyncio.wait([task], timeout=CHAOS_SECONDS)
        host.faults.clear()
        host.service.start()
        await asyncio.wait([task], timeout=CALM_SECONDS)
        if not task.done():
            for each in asyncio.all_tasks():
                each.print_stack()
            os.write(2, f"{world.service() and world.service().model.all_live_systems()}\n".encode())
            task.cancel()
            raise AssertionError(f"seed {seed} hangs: {said.getvalue()}")
        await task

    with Host(seed, chaos="swarm") as host:
        asyncio.run(main(host))
        assert host.settle(30), host.left_behind()
        assert host.misuses() == []
        assert hcsrt.systems() == []
    for container in containers:
        assert container.state == "done"
        # What is started again without a word has ended with an exit code.
        assert container.restarts >= said.getvalue().count(f"{container.id} | failed: ")
    return said.getvalue()


def batches(seeds: range, mark: pytest.MarkDecorator) -> list[Any]:
    return [
        pytest.param(range(first, first + BATCH), marks=mark, id=f"seeds {first} to {first + BATCH - 1}")
        for first in seeds[::BATCH]
    ]


@pytest.mark.timeout(900)
@pytest.mark.parametrize(
    "seeds",
    [
        pytest.param(range(3), id="seeds 0 to 2"),
        *batches(range(200), pytest.mark.slow),
        *batches(range(200, 1000), pytest.mark.long),
    ],
)
def test_a_load_of_containers_comes_to_its_end_in_any_chaos(seeds: range, manager: ModuleType, tmp_path: Path) -> None:
    for seed in seeds:
        manage(manager, seed, tmp_path)
