"""Which HCS a process talks to: decided at first use, by the system, a variable or code, and never again."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

import hcsrt
from hcsrt import _functions

from ..helpers.platforms import backend_variable


def run(script: str, backend: str | None = None) -> subprocess.CompletedProcess[str]:
    # Without this one Windows starts nothing.
    environment = {name: os.environ[name] for name in ("SYSTEMROOT",) if name in os.environ}
    if backend is not None:
        environment["HCSRT_BACKEND"] = backend
    return subprocess.run(
        [sys.executable, "-W", "error", "-c", script],
        capture_output=True,
        text=True,
        env=environment,
        timeout=60,
        check=False,
    )


@backend_variable
@pytest.mark.parametrize("backend", [None, "emulator"])
def test_elsewhere_it_is_the_emulator(backend):
    done = run("import hcsrt; print(hcsrt.backend())", backend)
    assert (done.stdout, done.stderr) == ("emulator\n", "")


@backend_variable
def test_windows_asked_for_elsewhere_is_an_error_with_the_remedy():
    done = run("import hcsrt; hcsrt.systems()", "windows")
    assert done.returncode == 1
    error = done.stderr.splitlines()[-1]
    assert error.startswith("hcsrt.errors.NotSupportedError: LoadLibraryExW: ERROR_MOD_NOT_FOUND (0x8007007E)")
    assert "computecore.dll cannot be loaded" in error
    assert "unset HCSRT_BACKEND" in error


@backend_variable
def test_an_unknown_backend_is_named():
    done = run("import hcsrt; hcsrt.backend()", "docker")
    assert done.stderr.splitlines()[-1].startswith("ValueError: HCSRT_BACKEND is 'docker'; set it to 'windows'")


@backend_variable
def test_a_failed_choice_is_no_choice():
    script = """
import hcsrt, os
try:
    hcsrt.backend()
except hcsrt.NotSupportedError:
    pass
del os.environ["HCSRT_BACKEND"]
print(hcsrt.backend())
"""
    assert run(script, "windows").stdout == "emulator\n"


def test_importing_chooses_nothing_and_starts_nothing():
    done = run(
        "import threading, sys; from hcsrt import *; print(threading.active_count(), 'hcsrt.emulator' in sys.modules)",
        "docker",
    )
    assert done.stdout == "1 False\n"


def test_the_choice_stays():
    script = """
import hcsrt
from hcsrt import _functions, _library, emulator
emulator.install()
print(hcsrt.backend())
emulator.install()
for another_choice in (lambda: _library.choose("windows"), lambda: emulator.install(seed=1)):
    try:
        another_choice()
    except RuntimeError as error:
        print(error)
"""
    done = run(script)
    assert done.stderr == ""
    backend, first, second = done.stdout.splitlines()
    assert backend == "emulator"
    assert "uses the emulator backend already" in first
    assert "runs already" in second


def test_a_table_of_ones_own_is_installed_before_first_use():
    script = """
import hcsrt
from hcsrt import _functions, _library, emulator
for given in ("benchmark",), ("benchmark", object()):
    try:
        _library.choose(*given)
    except ValueError as error:
        print(error)
_library.choose("benchmark", emulator.backend_capsule())
print(hcsrt.backend())
print(hcsrt.systems())
try:
    emulator.install()
except RuntimeError as error:
    print(error)
"""
    done = run(script)
    assert done.stderr == ""
    unknown, refused, backend, systems, late = done.stdout.splitlines()
    assert unknown == "name is 'benchmark'; give 'windows', 'emulator', or a capsule with another backend"
    assert "invalid PyCapsule" in refused
    assert (backend, systems) == ("benchmark", "[]")
    assert "uses the benchmark backend already" in late


SHORTER_TABLE = """
import ctypes, hcsrt, os, re
from hcsrt import _functions, _library, emulator

def in_capsule(lacking):
    "Put what holds a copy of the emulator's table in a capsule, with entries of it missing."
    field = ctypes.sizeof(ctypes.c_size_t)
    api = ctypes.pythonapi
    api.PyCapsule_GetPointer.restype = ctypes.c_void_p
    api.PyCapsule_GetPointer.argtypes = (ctypes.py_object, ctypes.c_char_p)
    api.PyCapsule_New.restype = ctypes.py_object
    api.PyCapsule_New.argtypes = (ctypes.c_void_p, ctypes.c_char_p, ctypes.c_void_p)
    whole = api.PyCapsule_GetPointer(emulator.backend_capsule(), b"hcsrt.backend.2")
    table = ctypes.c_void_p.from_address(whole + field).value
    words = list((ctypes.c_size_t * (ctypes.c_size_t.from_address(table).value // field)).from_address(table))
    words = lacking(words)
    kept.append((ctypes.c_size_t * len(words))(*words))
    kept.append((ctypes.c_size_t * 2)(2 * field, ctypes.addressof(kept[-1])))
    kept.append(b"hcsrt.backend.2")
    return api.PyCapsule_New(ctypes.addressof(kept[-2]), kept[-1], None)

kept = []
with open(os.path.join(hcsrt.get_include(), "hcsapi.h")) as header:
    names = ["size", *re.findall(r"\\*(\\w+)\\)\\(", header.read())]
def without_last(words):
    return [(len(words) - 1) * ctypes.sizeof(ctypes.c_size_t), *words[1:-1]]
def without(name):
    return lambda words: [0 if field == name else word for field, word in zip(names, words, strict=True)]
"""


def test_a_shorter_table_lacks_its_last_function():
    script = f"""{SHORTER_TABLE}
_library.choose("short", in_capsule(without_last))
print(hcsrt.systems(), list(_functions.missing_functions()) == names[-1:])
"""
    done = run(script)
    assert (done.stdout, done.stderr) == ("[] True\n", "")


@pytest.mark.parametrize(
    "name", ["free_string", "close_handle", "HcsCreateOperation", "HcsCloseProcess", "HcsWaitForOperationResult"]
)
def test_a_table_without_what_every_call_needs_is_refused(name):
    script = f"""{SHORTER_TABLE}
try:
    _library.choose("short", in_capsule(without({name!r})))
except ValueError as error:
    print(error)
emulator.install()
print(hcsrt.backend())
"""
    done = run(script)
    assert done.stderr == ""
    refused, backend = done.stdout.splitlines()
    assert refused.startswith(f"the backend 'short' lacks {name}, which no call works without: compile it again")
    assert backend == "emulator"


def test_a_maker_that_makes_nothing_gives_no_other_backend():
    script = """
from hcsrt import _library
_library.register_backend("mine", lambda: None)
try:
    _library.choose("mine")
except ValueError as error:
    print(error)
"""
    done = run(script)
    assert done.stderr == ""
    assert "PyCapsule" in done.stdout


def test_a_wrong_registration_leaves_the_backend_of_that_name_alone():
    script = """
import hcsrt
from hcsrt import _library

for name, maker in (("emulator", None), ("emulator", 1)):
    try:
        _library.register_backend(name, maker)
    except TypeError as error:
        print(error)
_library.choose("emulator")
print(hcsrt.backend())
"""
    done = run(script)
    assert done.stderr == ""
    assert done.stdout.splitlines() == [
        "maker must be callable, not NoneType",
        "maker must be callable, not int",
        "emulator",
    ]


def test_a_backend_without_a_table_is_refused():
    script = f"""{SHORTER_TABLE}
capsule = in_capsule(without_last)
kept[-2][1] = 0
try:
    _library.choose("empty", capsule)
except ValueError as error:
    print(error)
"""
    done = run(script)
    assert done.stderr == ""
    assert done.stdout.startswith("the backend 'empty' lacks hcs,")


def test_a_registered_backend_is_made_when_it_is_chosen():
    script = """
import hcsrt
from hcsrt import _library
def make():
    print("made")
    from hcsrt.emulator import backend_capsule
    return backend_capsule()
_library.register_backend("mine", make)
print("registered")
_library.choose("mine")
_library.choose("mine")
print(hcsrt.backend(), hcsrt.systems())
"""
    done = run(script)
    assert done.stderr == ""
    assert done.stdout.splitlines() == ["registered", "made", "mine []"]


@backend_variable
@pytest.mark.parametrize("module", ["_handles", "_library", "_calls", "operations", "engine", "emulator"])
def test_any_module_may_be_the_first_that_is_imported(module):
    done = run(f"import hcsrt.{module}; from hcsrt._library import backend; print(backend())", "emulator")
    assert (done.stdout, done.stderr) == ("emulator\n", "")


def test_each_function_has_the_windows_that_brought_it():
    assert _functions.since("HcsCreateOperation") == "Windows 10 1809 / Server 2019"
    assert _functions.since("HcsWaitForProcessExit") == "Windows 10 2104 / Server 2022"
    with pytest.raises(ValueError, match="HcsMakeCoffee"):
        _functions.since("HcsMakeCoffee")


def test_the_headers_are_where_get_include_says():
    folder = Path(hcsrt.get_include())
    assert (folder / "hcsrt.h").is_file()
    assert (folder / "hcsapi.h").is_file()
