"""The native sources themselves: every interleaving, threads under sanitizers, and that both checks can fail."""

import os
import subprocess
from pathlib import Path

import pytest

from ..helpers.native import COMPILER, FAKE, PACKAGE, Mutation, build, named, run
from ..helpers.native import NATIVE as HERE

pytestmark = pytest.mark.skipif(os.name == "nt" or COMPILER is None, reason="needs a C++ compiler for POSIX threads")

FAKE_HCS = FAKE / "fake_hcs.cpp"
FORKS_SOURCE = PACKAGE / "native/core/forks.cpp"
REAPER_SOURCE = PACKAGE / "native/core/reaper.cpp"
OPERATIONS_SOURCE = PACKAGE / "native/core/operations.cpp"
EVENTS_SOURCE = PACKAGE / "native/core/events.cpp"
CHOSEN_SOURCE = PACKAGE / "native/backends/chosen.cpp"
ENGINE_SOURCES = sorted((PACKAGE / "native/engine").glob("*.cpp"))
WITH_ENGINE = [FAKE_HCS, FORKS_SOURCE, REAPER_SOURCE, OPERATIONS_SOURCE, EVENTS_SOURCE, CHOSEN_SOURCE, *ENGINE_SOURCES]
ENGINE = [HERE / "engine_stress.cpp", *WITH_ENGINE]
EVENTS = HERE / "events_stress.cpp"
INTERPOSE_SOURCES = sorted((PACKAGE / "native/interpose").glob("*.cpp"))
INTERPOSE = [HERE / "interpose_test.cpp", FAKE_HCS, FORKS_SOURCE, *INTERPOSE_SOURCES]
FAULTS = [HERE / "interpose_faults.cpp", *INTERPOSE[1:]]
EMULATOR_SOURCES = [it for it in sorted((PACKAGE / "native/emulator").glob("*.cpp")) if it.name != "windows.cpp"]
ASIDE = [HERE / "aside_stress.cpp", *WITH_ENGINE, PACKAGE / "native/core/aside.cpp"]
REAPER = [HERE / "reaper_stress.cpp", FAKE_HCS, FORKS_SOURCE, REAPER_SOURCE, OPERATIONS_SOURCE, EVENTS_SOURCE]


def model(folder: Path, headers: Path = PACKAGE / "native") -> subprocess.CompletedProcess[str]:
    primitives = '-DHCSRT_STATE_PRIMITIVES="model_primitives.h"'
    return run(build(folder / "model", [HERE / "model.cpp"], primitives, headers=headers))


PROTOCOL = [
    Mutation(
        "detach ignores the calls inside",
        "uint32_t seen = HCSRT_OWNED;\n    if (hcsrt_word_swap",
        "uint32_t seen = hcsrt_word_load(word);\n    if (hcsrt_state_is_open(seen) && hcsrt_word_swap",
    ),
    Mutation(
        "leave never releases",
        "return (before & ~HCSRT_BOUND) == (HCSRT_OWNED | HCSRT_CLOSING | HCSRT_USER);",
        "return (void)before, 0;",
    ),
    Mutation("close releases although used", "return !(seen & HCSRT_USERS);", "return 1;"),
    Mutation(
        "enter ignores closing",
        "if (!hcsrt_state_is_open(seen)) return HCSRT_CLOSED;\n        if ((seen & HCSRT_USERS)",
        "if (!(seen & HCSRT_OWNED)) return HCSRT_CLOSED;\n        if ((seen & HCSRT_USERS)",
    ),
    Mutation(
        "a bound handle is given away",
        "uint32_t seen = HCSRT_OWNED;\n    if (hcsrt_word_swap",
        "uint32_t seen = hcsrt_word_load(word) & ~HCSRT_USERS;\n    if (hcsrt_state_is_open(seen) && hcsrt_word_swap",
    ),
]

ORDERINGS = [
    Mutation(
        f"{operation} is {order.lower()}",
        f"{call}, __ATOMIC_ACQ_REL{rest}",
        f"{call}, __ATOMIC_{order}{rest}",
    )
    for operation, call, rest, orders in [
        ("leave", "__atomic_fetch_sub(word, amount", ")", ["RELAXED", "RELEASE", "ACQUIRE"]),
        ("enter", "__atomic_compare_exchange_n(word, seen, next, 0", ", __ATOMIC_RELAXED)", ["RELAXED", "RELEASE"]),
    ]
    for order in orders
]


def of_engine(part: str, name: str, before: str, after: str) -> Mutation:
    return Mutation(name, before, after, f"engine/{part}")


# Also mutations of tests/native/test_engine_model.py, which walks what the threads of a stress only happen to meet.
ENGINE_PROTOCOL = [
    of_engine(
        "word.h",
        "the callback delivers a call that is held",
        "return seen & HELD ? Signal::NOTED : Signal::DELIVER;",
        "return Signal::DELIVER;",
    ),
    of_engine(
        "word.h",
        "the supervisor leaves a disconnected call alone that nobody holds",
        "return (seen & FLAGS) == (LIVE | DISCONNECTED);",
        "return (void)seen, false;",
    ),
    of_engine(
        "word.h",
        "the holder ends its holding without looking",
        "if (seen & (COMPLETED | ABANDONED | DISCONNECTED)) return false;",
        "",
    ),
    of_engine(
        "word.h",
        "who abandons takes a call that is held",
        "bool taken = seen & (HELD | COMPLETED);",
        "bool taken = seen & COMPLETED;",
    ),
    of_engine(
        "worker.cpp",
        "the guard is left too late",
        "if (request.leave) request.leave(request.subject);\n    request.leave = nullptr;\n"
        "    bool more = pool->leave_lane(call);",
        "auto leave = request.leave;\n    void *subject = request.subject;\n    bool more = pool->leave_lane(call);\n"
        "    if (call->collected || !unhold(call)) complete_held(call);\n"
        "    for (int64_t end = now_ms() + 2; leave && now_ms() < end;) {}\n"
        "    if (leave) leave(subject);\n    return (void)more;",
    ),
]


@pytest.mark.slow
def test_every_interleaving_keeps_the_invariants(tmp_path):
    done = model(tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "no violation" in done.stdout


@pytest.mark.slow
@pytest.mark.parametrize("mutation", PROTOCOL, ids=named)
def test_the_model_check_catches(mutation, tmp_path):
    done = model(tmp_path, mutation.apply(tmp_path))
    assert done.returncode == 1, done.stdout + done.stderr
    assert "violation: " in done.stdout


@pytest.mark.slow
@pytest.mark.parametrize("mutation", PROTOCOL[:4], ids=named)
def test_the_stress_catches(mutation, tmp_path):
    program = build(tmp_path / "stress", [HERE / "stress.cpp"], "-fsanitize=address", headers=mutation.apply(tmp_path))
    assert run(program, "20000").returncode != 0


@pytest.mark.slow
def test_stress(tmp_path):
    done = run(build(tmp_path / "stress", [HERE / "stress.cpp"]), "20000")
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.slow
def test_reaper_stress(tmp_path):
    done = run(build(tmp_path / "reaper", REAPER), "2000")
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.slow
def test_reaper_and_engine_without_memory(tmp_path):
    done = run(build(tmp_path / "program", [HERE / "no_memory.cpp", *WITH_ENGINE], "-ldl"))
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.slow
@pytest.mark.parametrize("wait", [[], ["wait"]], ids=["callbacks", "waiters"])
def test_engine_stress(wait, tmp_path):
    done = run(build(tmp_path / "engine", ENGINE), "2000", *wait)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.slow
def test_a_call_that_goes_on_loses_nothing_and_takes_no_processor(tmp_path):
    done = run(build(tmp_path / "collect", [HERE / "collect.cpp", OPERATIONS_SOURCE], "-fsanitize=address,undefined"))
    assert done.stdout.split() == ["1", "0", "1", "0", "1", "0", "0"], done.stderr


@pytest.mark.slow
def test_a_request_of_another_size_is_taken_if_it_asks_for_nothing_unknown(tmp_path):
    program = build(tmp_path / "requests", [HERE / "engine_requests.cpp", *WITH_ENGINE], "-fsanitize=address,undefined")
    done = run(program)
    # This build's size; longer, with nothing in what is appended; with something in it; shorter than ever; none given.
    assert done.stdout.split() == ["7", "7", "-1", "-1", "-1"], done.stderr


FAILED_CREATE = [HERE / "failed_create.cpp", *WITH_ENGINE]
OURS_OF_REAPER = "bool ours = call.creates == HCSRT_CREATES_PROCESS || !hcsrt_failed(result);"
OURS_OF_ENGINE = "ok || (request.creates == HCSRT_CREATES_PROCESS && word::is_abandoned(call->word));"
FAILED_CREATE_MUTATIONS = [
    Mutation(name, before, after, source)
    for source, name, before, after in [
        (
            "core/reaper.cpp",
            "the reaper only closes a process that failed",
            OURS_OF_REAPER,
            "bool ours = !hcsrt_failed(result);",
        ),
        ("core/reaper.cpp", "the reaper ends a system that failed", OURS_OF_REAPER, "bool ours = true;"),
        ("engine/worker.cpp", "the engine only closes a process that failed", OURS_OF_ENGINE, "ok;"),
        (
            "engine/worker.cpp",
            "the engine ends a system that failed",
            OURS_OF_ENGINE,
            "word::is_abandoned(call->word);",
        ),
        (
            "engine/worker.cpp",
            "the engine ends a process that its receiver has seen fail",
            OURS_OF_ENGINE,
            "ok || request.creates == HCSRT_CREATES_PROCESS;",
        ),
        (
            "engine/worker.cpp",
            "the engine waits for the loop of an abandoned call",
            "if (call->collected && word::is_abandoned(call->word)) release_created(call);",
            "",
        ),
    ]
]


@pytest.mark.slow
def test_a_create_that_fails_with_a_handle_leaves_nothing(tmp_path):
    done = run("timeout", "60", build(tmp_path / "program", FAILED_CREATE))
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.slow
@pytest.mark.parametrize("mutation", FAILED_CREATE_MUTATIONS, ids=named)
def test_of_a_create_that_fails_with_a_handle_catches(mutation, tmp_path):
    mutated = mutation.apply(tmp_path) / mutation.source
    sources = [mutated if source == PACKAGE / "native" / mutation.source else source for source in FAILED_CREATE]
    done = run("timeout", "60", build(tmp_path / "mutated", sources, headers=tmp_path))
    assert "violation: " in done.stderr


@pytest.mark.slow
@pytest.mark.parametrize("mutation", ENGINE_PROTOCOL, ids=named)
def test_the_engine_stress_catches(mutation, tmp_path):
    mutated = mutation.apply(tmp_path) / mutation.source
    sources = [mutated if source == PACKAGE / "native" / mutation.source else source for source in ENGINE]
    program = build(tmp_path / "mutated", sources, "-fsanitize=address", headers=tmp_path)
    assert run("timeout", "20", program, "4000").returncode != 0


@pytest.mark.slow
@pytest.mark.parametrize("sanitizer", ["thread", "address,undefined"])
@pytest.mark.parametrize(
    ("sources", "arguments"),
    [
        pytest.param([HERE / "stress.cpp"], ["60000"], id="state"),
        pytest.param(REAPER, ["6000"], id="reaper"),
        pytest.param(ASIDE, ["4000"], id="aside"),
        pytest.param(ENGINE, ["6000"], id="engine"),
        pytest.param(ENGINE, ["1000", "wait"], id="engine waiters"),
        pytest.param([EVENTS, EVENTS_SOURCE, FORKS_SOURCE], ["1500"], id="events"),
        pytest.param(INTERPOSE, ["20000"], id="interpose"),
        pytest.param(FAULTS, ["1000"], id="faults"),
    ],
)
def test_sanitizers_find_nothing(sanitizer, sources, arguments, tmp_path):
    done = run(build(tmp_path / "program", sources, f"-fsanitize={sanitizer}"), *arguments)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.slow
@pytest.mark.parametrize("mutation", ORDERINGS, ids=named)
def test_the_thread_sanitizer_catches(mutation, tmp_path):
    program = build(tmp_path / "stress", [HERE / "stress.cpp"], "-fsanitize=thread", headers=mutation.apply(tmp_path))
    done = run(program, "20000")
    assert done.returncode != 0
    assert "data race" in done.stderr


# --- the table around a table ---------------------------------------------------------------------------------------


def of_interpose(part: str, name: str, before: str, after: str) -> Mutation:
    return Mutation(name, before, after, f"interpose/{part}")


# Not wrong, but it makes frequent what is rare: that a call comes to a rule that has ended, or is another site's.
STALE = of_interpose(
    "rules.cpp",
    "what has ended is found",
    "fetch_and(~(uint64_t{1} << place % 64)",
    "fetch_and(~(uint64_t{0} << place % 64)",
)
WAKES_NOBODY = of_interpose(
    "rules.cpp",
    "the end of a rule wakes nobody",
    "arm(slot->rule, false);\n    slot->signal.fetch_add(1, std::memory_order_acq_rel);\n    wake_all(slot->signal);",
    "arm(slot->rule, false);\n    slot->signal.fetch_add(1, std::memory_order_acq_rel);",
)
RULE_MUTATIONS = [
    of_interpose(
        "rules.cpp",
        "a call does not see that a rule has ended",
        "acq_rel) & ACTIVE) && slot.site",
        "acq_rel) | ACTIVE) && slot.site",
    ),
    of_interpose(
        "rules.cpp",
        "the end of a rule waits for nobody",
        ">= INSIDE) wait_on(slot->word, seen, FOREVER);",
        "> ~0u) wait_on(slot->word, seen, FOREVER);",
    ),
    of_interpose(
        "rules.cpp",
        "a call leaves a rule relaxed",
        "slot.word.fetch_sub(INSIDE, std::memory_order_acq_rel)",
        "slot.word.fetch_sub(INSIDE, std::memory_order_relaxed)",
    ),
]


WITHHELD_MUTATIONS = [
    of_interpose(
        "deliveries.cpp",
        "HCS tells although the outcome is withheld",
        "bool comes_now = !(inside->held.fetch_or(TOLD) & WITHHELD);",
        "bool comes_now = inside->held.fetch_or(TOLD) | 1;",
    ),
    of_interpose(
        "deliveries.cpp",
        "the end of a rule forgets the callback",
        "if ((before & (WITHHELD | TOLD)) == (WITHHELD | TOLD) &&",
        "if ((before & (WITHHELD | TOLD)) == ~0u &&",
    ),
    of_interpose("deliveries.cpp", "nobody is woken", "wake_all(entry->held);", ""),
]

FAULT_MUTATIONS = [
    of_interpose("handles.cpp", "a close waits for nobody", "for_all_of(entry_, wait_for_callbacks);", ""),
    of_interpose(
        "handles.cpp",
        "a close waits for itself",
        "uint32_t own = times_inside(entry);",
        "uint32_t own = 0 * entry->index;",
    ),
    of_interpose(
        "handles.cpp",
        "what is too late finds the next one",
        "if (generation(seen) != generation(context) || (seen",
        "if ((seen",
    ),
    of_interpose(
        "handles.cpp",
        "a callback begins while its handle closes",
        "(seen & (ACTIVE | CLOSED)) != ACTIVE",
        "!(seen & ACTIVE)",
    ),
    of_interpose("deliveries.cpp", "the end of a rule leaves what it keeps", "});\n    flush();\n}", "});\n}"),
    of_interpose("deliveries.cpp", "what is released is not looked at", "is_over(item.rule, item.released) ||", ""),
    of_interpose("deliveries.cpp", "nothing overtakes", "|| is_overtaken(item)", ""),
    of_interpose(
        "deliveries.cpp",
        "a refused call swallows the callback of the one before",
        "was refused. */\n    Inside inside(context_of(entry));\n    if (inside) give_out(inside);",
        "was refused. */\n    Inside inside(context_of(entry));\n    if (inside) uncover(inside.entry());",
    ),
    of_interpose(
        "deliveries.cpp",
        "a call inherits the delay of the last one",
        "if (inside->turn.load(std::memory_order_relaxed) == item->turn) give_out",
        "give_out",
    ),
    of_interpose(
        "interpose.cpp",
        "what a failed create has not written is read",
        "give_nothing(system);\n        hcsrt_result result = pass_on<Entry>(id, document",
        "hcsrt_result result = pass_on<Entry>(id, document",
    ),
    of_interpose(
        "handles.cpp",
        "a document is released while somebody reads it",
        "while (entry->readers.load()) std::this_thread::yield();",
        "",
    ),
    of_interpose("deliveries.cpp", "what is due later comes first", "one->due > other->due", "one->due < other->due"),
    of_interpose("deliveries.cpp", "equals come in any order", "one->number > other->number", "false"),
    of_interpose(
        "deliveries.cpp",
        "the second one comes after the close",
        "    once();\n    if (twice && !inside.is_closed()) once();",
        "    once();\n    if (twice) once();",
    ),
]


@pytest.mark.slow
def test_interpose(tmp_path):
    done = run(build(tmp_path / "program", INTERPOSE), "3000")
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.slow
def test_faults_and_a_forked_child(tmp_path):
    done = run(build(tmp_path / "program", FAULTS), "500", "fork")
    assert done.returncode == 0, done.stdout + done.stderr


def interpose_with(mutation: Mutation, folder: Path, *flags: str, sources: list[Path] = INTERPOSE) -> Path:
    mutation.apply(folder)
    given = [folder / "interpose" / source.name for source in sources]
    mutated = [own if own.exists() else source for own, source in zip(given, sources, strict=True)]
    return build(folder / "program", mutated, *flags)


@pytest.mark.slow
def test_the_interpose_test_hangs_where_a_call_is_not_woken(tmp_path):
    assert run("timeout", "10", interpose_with(WAKES_NOBODY, tmp_path), "100").returncode == 124


@pytest.mark.slow
@pytest.mark.parametrize("mutation", WITHHELD_MUTATIONS, ids=named)
def test_the_interpose_test_catches(mutation, tmp_path):
    assert run("timeout", "10", interpose_with(mutation, tmp_path), "100").returncode != 0


@pytest.mark.slow
@pytest.mark.parametrize("mutation", FAULT_MUTATIONS, ids=named)
def test_the_test_of_faults_catches(mutation, tmp_path):
    program = interpose_with(mutation, tmp_path, "-fsanitize=address", sources=FAULTS)
    # On a busy machine the threads do not always meet.
    assert any(run("timeout", "30", program, "500").returncode for _ in range(5))


@pytest.mark.slow
def test_interpose_where_calls_come_to_rules_that_have_ended(tmp_path):
    done = run(interpose_with(STALE, tmp_path, "-fsanitize=thread"), "20000")
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.slow
@pytest.mark.parametrize("mutation", RULE_MUTATIONS, ids=named)
def test_the_thread_sanitizer_catches_of_interpose(mutation, tmp_path):
    STALE.apply(tmp_path)
    done = run(interpose_with(mutation, tmp_path, "-fsanitize=thread"), "20000")
    assert done.returncode != 0
    assert "data race" in done.stderr or "violation: " in done.stderr


# --- events ---------------------------------------------------------------------------------------------------------


def of_events(name: str, before: str, after: str) -> Mutation:
    return Mutation(name, before, after, "core/events.cpp")


# Not wrong, but it makes frequent what is rare: that a callback loses the processor while it puts an event in.
SLOW_CALLBACK = of_events("a slow callback", "    slot.item = item;", "    sched_yield(); slot.item = item;")
NO_MEMORY = of_events("no memory", "std::malloc(sizeof(Document) + bytes)", "(bytes ? nullptr : std::malloc(1))")

EVENT_MUTATIONS = [
    of_events("the end of a subscription waits for nobody", "for (; seen != OWNED; seen", "for (; seen == 0; seen"),
    of_events("a callback enters what has ended", "fetch_add(INSIDE) & ACTIVE)", "fetch_add(INSIDE) & ~0u)"),
    of_events(
        "the latch is looked at after the queue",
        "if (how == HCSRT_NOT_EXITED) return",
        "sched_yield(); how = watch->latch.load();\n    if (how == HCSRT_NOT_EXITED) return",
    ),
    of_events(
        "the close is looked at after the latch",
        "return closed ? HCSRT_NEXT_END",
        "sched_yield();\n    return watch->closed.load() ? HCSRT_NEXT_END",
    ),
    of_events(
        "an event that is being put in is passed over",
        "if (subscriber->head.load() != subscriber->tail.load()) return",
        "if (subscriber->head.load() > subscriber->tail.load()) return",
    ),
    of_events("a dropped event is not counted", "each->lost.fetch_add(1);", ""),
    of_events("the exit is told twice", "if (subscriber->ended.exchange(true)) return HCSRT_NEXT_END;", ""),
    of_events("who comes late is not notified", "if (notify && watch->latch.load() != HCSRT_NOT_EXITED)", "if (false)"),
]

EVENT_ORDERINGS = [
    of_events("an event is published relaxed", "free_turn + 1, std::memory_order_release", "free_turn + 1, RELAXED"),
    of_events("a slot is freed relaxed", "full_turn + 1, std::memory_order_release", "full_turn + 1, RELAXED"),
    of_events("a callback leaves relaxed", "guard.fetch_sub(INSIDE)", "guard.fetch_sub(INSIDE, RELAXED)"),
    of_events(
        "a document is dropped relaxed",
        "document->references.fetch_sub(1, std::memory_order_acq_rel)",
        "document->references.fetch_sub(1, RELAXED)",
    ),
]


def events_stress(folder: Path, *flags: str) -> Path:
    sources = [EVENTS, folder / "core/events.cpp", FORKS_SOURCE]
    return build(folder / "events", sources, "-DRELAXED=std::memory_order_relaxed", *flags)


@pytest.mark.slow
def test_events_stress(tmp_path):
    done = run(build(tmp_path / "events", [EVENTS, EVENTS_SOURCE, FORKS_SOURCE]), "600")
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.slow
def test_events_stress_with_slow_callbacks(tmp_path):
    done = run(events_stress(SLOW_CALLBACK.apply(tmp_path)), "600")
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.slow
def test_events_without_memory_for_their_documents(tmp_path):
    program = events_stress(NO_MEMORY.apply(tmp_path), "-fsanitize=address")
    done = run(program, "300", "no-memory")
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.slow
def test_an_event_behind_the_exit_takes_no_count_with_it(tmp_path):
    look = "if (how == HCSRT_NOT_EXITED) return"
    of_events("a late event", look, f"look_is_over();\n    {look}").apply(tmp_path)
    source = tmp_path / "core/events.cpp"
    text = source.read_text()
    source.write_text(text.replace("namespace {", "void look_is_over();\nnamespace {", 1))

    def counted():
        return run(
            build(tmp_path / "late", [HERE / "late_event.cpp", source, FORKS_SOURCE], "-fsanitize=address")
        ).stdout

    assert counted() == "0 1\n"
    # And as it would be if the count were taken after the look.
    assert text.count(", lost, share(document)}") == 1
    source.write_text(source.read_text().replace(", lost, share(", ", subscriber->lost.exchange(0), share("))
    assert counted() == "0 0\n"


@pytest.mark.slow
@pytest.mark.parametrize("mutation", EVENT_MUTATIONS, ids=named)
def test_the_events_stress_catches(mutation, tmp_path):
    SLOW_CALLBACK.apply(tmp_path)
    done = run(events_stress(mutation.apply(tmp_path), "-fsanitize=address"), "3000")
    assert done.returncode != 0
    assert "violation: " in done.stderr or "AddressSanitizer" in done.stderr


@pytest.mark.slow
@pytest.mark.parametrize("mutation", EVENT_ORDERINGS, ids=named)
def test_the_thread_sanitizer_catches_of_events(mutation, tmp_path):
    done = run(events_stress(mutation.apply(tmp_path), "-fsanitize=thread"), "1500")
    assert done.returncode != 0
    assert "data race" in done.stderr


@pytest.mark.slow
def test_a_callback_that_throws_is_a_misuse(tmp_path):
    # Without the types of exceptions in the emulator, as it is built.
    sources = [HERE / "throwing_callback.cpp", *EMULATOR_SOURCES, *INTERPOSE_SOURCES]
    program = build(tmp_path / "throwing", sources, "-fno-rtti")
    done = run(program)
    assert done.returncode == 0, done.stdout + done.stderr
    misuses = done.stdout.splitlines()
    assert len(misuses) == 2
    assert all("had a callback that threw, which would unwind into HCS; catch everything in it" in it for it in misuses)
    assert run(program, "right").stdout == ""


@pytest.mark.slow
def test_a_callback_that_throws_on_the_thread_of_faults_is_a_misuse_too(tmp_path):
    program = build(tmp_path / "throwing", [HERE / "throwing_callback.cpp", *EMULATOR_SOURCES, *INTERPOSE_SOURCES])
    done = run(program, "late")
    assert done.returncode == 0, done.stdout + done.stderr
    misuses = done.stdout.splitlines()
    # Each comes twice.
    assert len(misuses) == 4
    assert all("completion callback" in it and "had a callback that threw" in it for it in misuses)


@pytest.mark.slow
def test_a_world_ends_after_the_callbacks_that_run(tmp_path):
    program = build(tmp_path / "ended", [HERE / "ended_world.cpp", *EMULATOR_SOURCES], "-fno-rtti")
    done = run(program)
    assert (done.returncode, done.stdout) == (0, ""), done.stdout + done.stderr
