"""The native sources themselves: every interleaving, threads under sanitizers, and that both checks can fail."""

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

HERE = Path(__file__).parent / "native"
PACKAGE = Path(__file__).parent.parent / "hcsrt"
COMPILER = os.environ.get("CXX") or shutil.which("clang++-19") or shutil.which("g++") or shutil.which("c++")

pytestmark = pytest.mark.skipif(os.name == "nt" or COMPILER is None, reason="needs a C++ compiler for POSIX threads")

ENGINE = [HERE / "engine_stress.cpp", PACKAGE / "native/engine.cpp", PACKAGE / "native/reaper.cpp"]
REAPER = [HERE / "reaper_stress.cpp", PACKAGE / "native/reaper.cpp", PACKAGE / "native/events.cpp"]


def build(program: Path, sources: list[Path], *flags: str, headers: Path = PACKAGE / "native") -> Path:
    includes = [f"-I{headers}", f"-I{PACKAGE / 'include'}", f"-I{HERE}"]
    command = [COMPILER, "-std=c++17", "-O1", "-g", "-Wall", "-Wextra", "-pthread", *includes, *flags]
    subprocess.run([*command, *map(str, sources), "-o", str(program)], check=True)
    return program


def run(*command: str | Path) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"TSAN_OPTIONS": "halt_on_error=1", "UBSAN_OPTIONS": "halt_on_error=1"}
    return subprocess.run(
        [str(part) for part in command], capture_output=True, text=True, timeout=240, env=environment, check=False
    )


def model(folder: Path, headers: Path = PACKAGE / "native") -> subprocess.CompletedProcess[str]:
    primitives = '-DHCSRT_STATE_PRIMITIVES="model_primitives.h"'
    return run(build(folder / "model", [HERE / "model.cpp"], primitives, headers=headers))


@dataclass(frozen=True)
class Mutation:
    name: str
    before: str
    after: str

    def apply(self, folder: Path, name: str = "state.h") -> Path:
        text = (PACKAGE / "native" / name).read_text()
        found = text.count(self.before)
        assert found == 1, f"{name} has changed: the mutation {self.name!r} finds its line {found} times"
        (folder / name).write_text(text.replace(self.before, self.after))
        return folder


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


# Each is also a mutation of tests/engine/model.py, which walks what the threads of a stress only happen to meet.
ENGINE_PROTOCOL = [
    Mutation("the callback pushes a call that is held", "if (!(seen & HELD)) arrive(call);", "arrive(call);"),
    Mutation("the holder lets go without looking", "if (seen & (COMPLETED | ABANDONED)) return false;", ""),
    Mutation(
        "who cancels takes a call that is held",
        "if (seen & (HELD | COMPLETED)) return false;",
        "if (seen & COMPLETED) return false;",
    ),
    Mutation(
        "the guard is left too late",
        "if (request.leave) request.leave(request.subject);\n    request.leave = nullptr;\n"
        "    call->pool->leave_lane(call);",
        "auto leave = request.leave;\n    void *subject = request.subject;\n    call->pool->leave_lane(call);\n"
        "    if (call->fetched || !let_go(call)) settle(call);\n    if (leave) leave(subject);\n    return;",
    ),
]


def named(mutation: Mutation) -> str:
    return mutation.name.replace(" ", "-")


def test_every_interleaving_keeps_the_invariants(tmp_path):
    done = model(tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "no violation" in done.stdout


@pytest.mark.parametrize("mutation", PROTOCOL, ids=named)
def test_the_model_check_catches(mutation, tmp_path):
    done = model(tmp_path, mutation.apply(tmp_path))
    assert done.returncode == 1, done.stdout + done.stderr
    assert "violation: " in done.stdout


@pytest.mark.parametrize("mutation", PROTOCOL[:4], ids=named)
def test_the_stress_catches(mutation, tmp_path):
    program = build(tmp_path / "stress", [HERE / "stress.cpp"], "-fsanitize=address", headers=mutation.apply(tmp_path))
    assert run(program, "20000").returncode != 0


def test_stress(tmp_path):
    done = run(build(tmp_path / "stress", [HERE / "stress.cpp"]), "20000")
    assert done.returncode == 0, done.stdout + done.stderr


def test_reaper_stress(tmp_path):
    done = run(build(tmp_path / "reaper", REAPER), "2000")
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("wait", [[], ["wait"]], ids=["callbacks", "waiters"])
def test_engine_stress(wait, tmp_path):
    done = run(build(tmp_path / "engine", ENGINE), "2000", *wait)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.slow
@pytest.mark.parametrize("mutation", ENGINE_PROTOCOL, ids=named)
def test_the_engine_stress_catches(mutation, tmp_path):
    mutation.apply(tmp_path, "engine.cpp")
    sources = [ENGINE[0], tmp_path / "engine.cpp", ENGINE[2]]
    program = build(tmp_path / "engine", sources, "-fsanitize=address")
    assert run("timeout", "20", program, "4000").returncode != 0


@pytest.mark.slow
@pytest.mark.parametrize("sanitizer", ["thread", "address,undefined"])
@pytest.mark.parametrize(
    ("sources", "arguments"),
    [
        pytest.param([HERE / "stress.cpp"], ["60000"], id="state"),
        pytest.param(REAPER, ["6000"], id="reaper"),
        pytest.param(ENGINE, ["6000"], id="engine"),
        pytest.param(ENGINE, ["1000", "wait"], id="engine waiters"),
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
