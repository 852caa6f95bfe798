"""Programs whose threads were replaced by green ones, as gevent and eventlet do it: hcsrt says so, and does not hang.

Neither is needed here: what they put into _thread is a function of theirs, which starts no thread.
"""

import pytest

from ..helpers.children import run_python
from ..helpers.platforms import emulator_by_name, stand_in
from ..helpers.programs import INSTALL

PATCH = """\
import _thread, threading
start = _thread.start_new_thread

def start_new_thread(function, args=(), kwargs={}):
    if MODULE.startswith(("gevent", "eventlet")):
        raise SystemExit("a green thread was started")
    return start(function, args, kwargs)

start_new_thread.__module__ = MODULE

def patch():
    for module in (_thread, threading):
        for name in ("start_new_thread", "_start_new_thread", "_start_joinable_thread"):
            if hasattr(module, name):
                setattr(module, name, start_new_thread if name != "_start_joinable_thread" else start_joinable)

def start_joinable(function, *, handle=None, daemon=True):
    if MODULE.startswith(("gevent", "eventlet")):
        raise SystemExit("a green thread was started")
    return joinable(function, handle=handle, daemon=daemon)

joinable = getattr(_thread, "start_joinable_thread", None)
"""
USE = f"""\
import hcsrt
{INSTALL}
with hcsrt.ComputeSystem.create("green", hcsrt.emulator.container_document(owner="tests")) as system:
    system.terminate()
print("works")
"""
REMEDIES = {
    "gevent.thread": "gevent.monkey.patch_all(thread=False)",
    "eventlet.green.thread": "eventlet.monkey_patch(thread=False)",
}


def last_line_of(program: str) -> str:
    done = run_python(program)
    return (done.stdout + done.stderr).splitlines()[-1]


@pytest.mark.parametrize("module", REMEDIES)
def test_green_threads_are_refused_at_import(module: str) -> None:
    said = last_line_of(f"MODULE = {module!r}\n{PATCH}\npatch()\nfrom hcsrt import ComputeSystem\n{USE}")
    assert said.startswith("ImportError: hcsrt needs threads, and "), said
    assert module.partition(".")[0] in said
    assert REMEDIES[module] in said


@emulator_by_name
@pytest.mark.parametrize("module", REMEDIES)
def test_green_threads_that_come_after_the_import_are_refused_at_the_first_call(module: str) -> None:
    said = last_line_of(f"MODULE = {module!r}\n{PATCH}\nfrom hcsrt import ComputeSystem\npatch()\n{USE}")
    assert said.startswith("RuntimeError: hcsrt needs threads, and "), said
    assert REMEDIES[module] in said


@stand_in
@pytest.mark.parametrize("module", REMEDIES)
def test_behind_a_dll_nothing_needs_a_thread_of_python(module: str) -> None:
    # The stand-in itself has one, from its first call on.
    assert last_line_of(f"MODULE = {module!r}\n{PATCH}\nimport hcsrt\nhcsrt.systems()\npatch()\n{USE}") == "works"


def test_a_debugger_may_put_a_function_of_its_own_there() -> None:
    assert last_line_of(f"MODULE = '_pydev_bundle.pydev_monkey'\n{PATCH}\npatch()\n{USE}") == "works"
