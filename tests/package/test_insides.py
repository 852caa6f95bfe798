"""No test changes the emulator from inside: what tests need of it, those of users need too, and there is a way."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from ..helpers.pages import REPOSITORY

TESTS = REPOSITORY / "tests"

# White boxes: they show the effect of each choice, and what becomes of calls that the service has when its world ends,
# or of a world whose service does not end.
EXCEPTIONS = {
    "emulator/test_assumptions.py": {"verbs", "_native.reply", "_native.take", "setattr(_native)", "model", "_outbox"},
    "emulator/test_chaos.py": {"model"},
    "emulator/test_world.py": {"verbs", "setattr(Service)"},
}

# What the service is made of, and how it speaks to native code.
PARTS = {"verbs", "model", "_outbox", "_at_once", "variation"}
NATIVE = {"emit", "reply", "take"}
# What drives it from outside, as tests do; those of its own may change it.
TOOLS = {"chaos", "plausible", "sometimes", "sweep"}
CHANGES = {"setattr", "delattr", "setitem", "delitem", "object", "dict"}


def is_emulators(target: ast.expr, imported: set[str]) -> bool:
    """Whether an expression is of hcsrt.emulator, as text or as an object."""
    if isinstance(target, ast.Constant):
        return isinstance(target.value, str) and target.value.startswith("hcsrt.emulator.")
    text = ast.unparse(target)
    return text in imported or text.startswith(("emulator.", "hcsrt.emulator.", "_native")) or "service()" in text


def changes(call: ast.Call, imported: set[str]) -> bool:
    """Whether a call puts something of a test's own into the emulator, by whatever name of monkeypatch or mock."""
    if not (isinstance(call.func, ast.Attribute) and call.func.attr in CHANGES and call.args):
        return False
    target, *others = call.args
    named = target if isinstance(target, ast.Constant) else others[0] if others else None
    name = named.value if isinstance(named, ast.Constant) and isinstance(named.value, str) else ""
    # Constants are durations, which a test may shorten.
    return is_emulators(target, imported) and not name.rpartition(".")[2].strip("_").isupper()


def found_in(tree: ast.Module) -> Iterator[str]:
    """Yield what changes the emulator from inside."""
    imported = {
        alias.asname or alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and f"{node.module}.".startswith("hcsrt.emulator.")
        for alias in node.names
        if alias.name not in TOOLS
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute):
            owner = ast.unparse(node.value)
            if node.attr in PARTS and "service" in owner:
                yield node.attr
            if node.attr in NATIVE and owner.endswith("_native"):
                yield f"_native.{node.attr}"
        elif isinstance(node, ast.Call) and changes(node, imported):
            yield f"{ast.unparse(node.func).rpartition('.')[2]}({ast.unparse(node.args[0])})"
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and "\n" in node.value:
            # The program of another Python.
            yield from (part for part in ("_native.emit", ".verbs[", "service().model") if part in node.value)


@pytest.mark.parametrize("file", sorted(TESTS.rglob("*.py")), ids=lambda file: file.relative_to(TESTS).as_posix())
def test_nobody_changes_the_emulator_from_inside(file: Path) -> None:
    name = file.relative_to(TESTS).as_posix()
    found = set(found_in(ast.parse(file.read_text(encoding="utf-8")))) if file != Path(__file__) else set()
    assert found <= EXCEPTIONS.get(name, set()), (
        "use hcsrt.faults, Host.assume(), Host.service, send_event() or tests/helpers/services.py"
    )


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("emulator._native.emit(key, 2)", {"_native.emit"}),
        ("monkeypatch.setattr(emulator._native, 'emit', spy)", {"setattr(emulator._native)"}),
        ("monkeypatch.setattr('hcsrt.emulator.launch.start', spy)", {"setattr('hcsrt.emulator.launch.start')"}),
        ("monkeypatch.setattr('hcsrt.emulator.sweep._GRACE', 1)", set()),
        ("from hcsrt.emulator import imports\npatch.setattr(imports, 'psutil', None)", {"setattr(imports)"}),
        ("from hcsrt.emulator.service import Service\npatch.setattr(Service, 'stop', spy)", {"setattr(Service)"}),
        ("from hcsrt.emulator import stopping\npatch.setattr(stopping, 'SHUTDOWN_GRACE', 0.1)", set()),
        ("world.service().verbs['HcsStartComputeSystem'] = None", {"verbs"}),
        (
            "patch.setitem(emulator.world.service().verbs, 'x', None)",
            {"verbs", "setitem(emulator.world.service().verbs)"},
        ),
        ("def f(service):\n    return service.model.systems", {"model"}),
        ("PROGRAM = '''\n_native.emit(key, 1)\n'''", {"_native.emit"}),
        ("faults.on('HcsStartComputeSystem').hang()\nmonkeypatch.setattr(times, 'FIRST_QUERY', 1)", set()),
    ],
)
def test_what_counts_as_inside(text: str, found: set[str]) -> None:
    assert set(found_in(ast.parse(text))) == found
