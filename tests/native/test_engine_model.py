"""Every interleaving of the engine's steps with one call, and that the walk can find what it looks for."""

import os
from dataclasses import dataclass
from pathlib import Path

import pytest

from ..helpers.native import COMPILER, NATIVE, Mutation, build, named, run
from ..helpers.once import made_once

pytestmark = pytest.mark.skipif(os.name == "nt" or COMPILER is None, reason="needs a C++ compiler and ucontext")


@pytest.fixture(scope="module")
def model(tmp_path_factory) -> Path:
    return made_once(tmp_path_factory, "engine_model", compiled) / "model"


def compiled(folder: Path, *headers: Path) -> Path:
    primitives = '-DHCSRT_WORD_PRIMITIVES="engine_model_primitives.h"'
    chosen = {"headers": headers[0]} if headers else {}
    return build(folder / "model", [NATIVE / "engine_model.cpp"], primitives, "-O2", **chosen)


@pytest.mark.slow
def test_every_interleaving_keeps_the_invariants(model):
    done = run(model)
    assert done.returncode == 0, done.stdout + done.stderr
    scenarios, states = (int(word) for word in done.stdout.split() if word.isdigit())
    assert scenarios == 162
    assert states > 1_000_000


@dataclass(frozen=True)
class Step:
    """A mutation of a step outside the word, which the model takes as the engine does; caught where there is a part."""

    name: str
    part: str = ""


STEPS = [
    Step("a failed kick-off ends the holding"),
    Step("who asks does not look when the holding ends"),
    Step("the guard is left after the holding ends"),
    Step("the lists forget the closed port"),
    Step("a call that is delivered late is not abandoned"),
    Step("the closed port keeps its pending calls"),
    Step("a push does not keep the port"),
    Step("the wake-up is cleared after the list is taken"),
    Step("a call that was not started is started"),
    Step("an abandoned call is closed, not given to the reaper"),
    Step("a disconnected call is closed, not given to the reaper"),
    Step("who waits does not hold the call", "wait"),
    Step("who waits keeps the guard", "wait"),
    Step("who waits for news does not look once more", "news"),
    Step("news are counted after they are told", "news"),
    Step("who takes news reads their count afterwards", "news"),
    Step("a wait for news is live too late", "news"),
]


def of_word(name: str, before: str, after: str) -> Mutation:
    return Mutation(name, before, after, "engine/word.h")


# Each with the part of the scenarios that has to find it; "": any.
WORD = [
    (
        of_word(
            "the callback ignores the generation",
            "if (generation_of(seen) != generation || !(seen & LIVE)) return Signal::STALE;",
            "if (!(seen & LIVE)) return Signal::STALE;",
        ),
        "",
    ),
    (
        of_word(
            "the callback ignores that the call has completed",
            "if (seen & COMPLETED) return Signal::REPEATED;",
            "",
        ),
        "",
    ),
    (
        of_word(
            "the callback delivers a call that is held",
            "return seen & HELD ? Signal::NOTED : Signal::DELIVER;",
            "return Signal::DELIVER;",
        ),
        "",
    ),
    (
        of_word(
            "the holding ends without a look",
            "if (seen & (COMPLETED | ABANDONED | DISCONNECTED)) return false;",
            "",
        ),
        "",
    ),
    (
        of_word(
            "the holding ends without a look for a disconnect",
            "if (seen & (COMPLETED | ABANDONED | DISCONNECTED)) return false;",
            "if (seen & (COMPLETED | ABANDONED)) return false;",
        ),
        "lose",
    ),
    (
        of_word(
            "who asks does not hold the call",
            "return swap(word, seen, seen | HELD);",
            "return swap(word, seen, seen);",
        ),
        "ask",
    ),
    (
        of_word(
            "who abandons takes a call that is held",
            "bool taken = seen & (HELD | COMPLETED);",
            "bool taken = seen & COMPLETED;",
        ),
        "cancel",
    ),
    (
        of_word(
            "who abandons does not take the call",
            "seen | HELD | COMPLETED | ABANDONED",
            "seen | ABANDONED",
        ),
        "cancel",
    ),
    (
        of_word(
            "the slot keeps its generation",
            "while (!swap(word, seen, generation_of(seen) + ONE_GENERATION)) {}",
            "while (!swap(word, seen, generation_of(seen))) {}",
        ),
        "again",
    ),
    (
        of_word(
            "who disconnects ignores the generation",
            "if (swap(word, seen, seen | DISCONNECTED)) return true;",
            "set(word, DISCONNECTED);\n        return true;",
        ),
        "again",
    ),
    (
        of_word(
            "the supervisor leaves a disconnected call alone that nobody holds",
            "return (seen & FLAGS) == (LIVE | DISCONNECTED);",
            "return (void)seen, false;",
        ),
        "lose",
    ),
    *(
        (
            of_word(
                f"who {who} gives up where a call is started again",
                "if (generation_of(seen) == generation) return false;",
                "return false;",
            ),
            part,
        )
        for who, part in [("cancels", "cancel"), ("closes a port", "close_port")]
    ),
    (
        of_word(
            "who disconnects gives up where a call is started again",
            "if (swap(word, seen, seen | DISCONNECTED)) return true;",
            "return swap(word, seen, seen | DISCONNECTED);",
        ),
        "refused",
    ),
    (
        of_word(
            "who waits does not look whether the call is abandoned",
            "!(load(word) & (ABANDONED | DISCONNECTED))",
            "!(load(word) & DISCONNECTED)",
        ),
        "wait",
    ),
    (
        of_word(
            "who waits does not look for a disconnect",
            "!(load(word) & (ABANDONED | DISCONNECTED))",
            "!(load(word) & ABANDONED)",
        ),
        "wait",
    ),
    (
        of_word("a wait for news is held", "set(word, LIVE); }", "set(word, LIVE | HELD); }"),
        "news",
    ),
    (
        of_word("a call is given back to HCS unheld", "(seen & ~COMPLETED) | HELD)) {}", "seen & ~COMPLETED)) {}"),
        "",
    ),
    (
        of_word("an abandon in vain stays announced", "announce(-1);", ""),
        "",
    ),
]


@pytest.mark.slow
@pytest.mark.parametrize("step", STEPS, ids=lambda step: step.name.replace(" ", "-"))
def test_the_walk_catches(step, model):
    assert_caught(run(model, step.name, *filter(None, [step.part])))


@pytest.mark.slow
@pytest.mark.parametrize(("mutation", "part"), WORD, ids=[named(mutation) for mutation, _ in WORD])
def test_the_walk_catches_of_the_word(mutation, part, tmp_path):
    model = compiled(tmp_path, mutation.apply(tmp_path))
    assert_caught(run(model, "", *filter(None, [part])))


def assert_caught(done):
    assert done.returncode == 1, done.stdout + done.stderr
    assert "violation: " in done.stdout
