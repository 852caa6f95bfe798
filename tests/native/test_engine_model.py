"""Every interleaving of the engine's steps, and that the walk can find what it looks for."""

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest


def load() -> ModuleType:
    path = Path(__file__).parent / "engine_model.py"
    spec = importlib.util.spec_from_file_location("engine_model", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    # dataclasses look their module up.
    sys.modules["engine_model"] = module
    spec.loader.exec_module(module)
    return module


model = load()


@pytest.mark.parametrize("answer", model.ANSWERS)
def test_small_scenarios_keep_the_invariants(answer):
    assert all(model.walk(scenario) > 20 for scenario in model.scenarios(answer, most=1))


@pytest.mark.slow
@pytest.mark.parametrize("answer", model.ANSWERS)
def test_every_scenario_keeps_the_invariants(answer):
    assert sum(map(model.walk, model.scenarios(answer))) > 1000


@pytest.mark.parametrize("mutation", model.MUTATIONS)
def test_the_walk_catches(mutation):
    assert model.catches(mutation), model.MUTATIONS[mutation]
