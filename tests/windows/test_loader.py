"""How Windows finds computecore.dll: in System32 and nowhere else, its functions by name, its strings by LocalFree."""

import ctypes
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from hcsrt import emulator

from ..helpers.platforms import WINDOWS, stand_in, win32

if WINDOWS:
    import winreg

pytestmark = [win32, stand_in]


def run(script: str, program: str = sys.executable, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [program, "-W", "error", "-c", script],
        capture_output=True,
        text=True,
        env={**os.environ, **environment},
        timeout=120,
        check=False,
    )


LOADED_FROM = """
import ctypes
kernel32 = ctypes.WinDLL("kernel32", use_last_error=True)
kernel32.GetModuleHandleW.restype = ctypes.c_void_p
kernel32.GetModuleFileNameW.argtypes = [ctypes.c_void_p, ctypes.c_wchar_p, ctypes.c_uint32]
def loaded_from():
    path = ctypes.create_unicode_buffer(1000)
    module = kernel32.GetModuleHandleW("computecore.dll")
    return path.value if module and kernel32.GetModuleFileNameW(module, path, 1000) else None
"""


def system32() -> Path:
    return Path(os.environ["SYSTEMROOT"]) / "System32"


@pytest.fixture
def planted(tmp_path: Path) -> Path:
    """A folder with a computecore.dll that nobody should load."""
    shutil.copy(system32() / "computecore.dll", tmp_path)
    return tmp_path


PLANTED_FIRST = "kernel32.SetDllDirectoryW({folder!r})\nimport os\nos.chdir({folder!r})\n"


def test_a_planted_dll_is_not_loaded(planted):
    script = LOADED_FROM + PLANTED_FIRST.format(folder=str(planted))
    script += "import hcsrt; print(hcsrt.backend(), loaded_from())"
    done = run(script, PATH=f"{planted};{os.environ['PATH']}")
    assert done.stderr == ""
    backend, path = done.stdout.strip().split(" ", 1)
    assert backend == "windows"
    assert Path(path) == system32() / "computecore.dll"


def test_a_careless_loader_would_load_the_planted_dll(planted):
    script = LOADED_FROM + PLANTED_FIRST.format(folder=str(planted))
    script += "kernel32.LoadLibraryW('computecore.dll'); print(loaded_from())"
    assert Path(run(script).stdout.strip()) == planted / "computecore.dll"


@pytest.fixture
def without_dll(tmp_path: Path) -> Iterator[str]:
    """A python.exe to which Wine denies computecore.dll."""
    program = tmp_path / "python-without-hcs.exe"
    shutil.copy(sys.executable, program)
    key = rf"Software\Wine\AppDefaults\{program.name}"
    with winreg.CreateKey(winreg.HKEY_CURRENT_USER, rf"{key}\DllOverrides") as overrides:
        winreg.SetValueEx(overrides, "computecore", 0, winreg.REG_SZ, "")
    yield str(program)
    winreg.DeleteKey(winreg.HKEY_CURRENT_USER, rf"{key}\DllOverrides")
    winreg.DeleteKey(winreg.HKEY_CURRENT_USER, key)


def test_a_missing_dll_is_an_error_with_the_remedy(without_dll):
    path = f"{sys.base_prefix};{os.environ['PATH']}"
    done = run("import hcsrt; hcsrt.systems()", without_dll, PATH=path, PYTHONHOME=sys.base_prefix)
    assert done.returncode == 1
    error = done.stderr.splitlines()[-1]
    assert error.startswith("hcsrt.errors.NotSupportedError: LoadLibraryExW: ERROR_MOD_NOT_FOUND (0x8007007E)")
    assert "computecore.dll cannot be loaded" in error


# The export table in memory, where the name of one export becomes another one that sorts in the same place.
WITHOUT_AN_EXPORT = """
import ctypes
kernel32 = ctypes.WinDLL("kernel32")
kernel32.LoadLibraryExW.restype = ctypes.c_void_p
kernel32.LoadLibraryExW.argtypes = [ctypes.c_wchar_p, ctypes.c_void_p, ctypes.c_uint32]
kernel32.VirtualProtect.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_uint32, ctypes.c_void_p]
base = kernel32.LoadLibraryExW("computecore.dll", None, 0x800)
read = lambda offset: ctypes.c_uint32.from_address(base + offset).value
exports = read(read(0x3C) + 0x88)
names, count = read(exports + 32), read(exports + 24)
for place in (read(names + 4 * i) for i in range(count)):
    if ctypes.string_at(base + place) == b"HcsTerminateProcess":
        end = base + place + len(b"HcsTerminateProcess") - 1
        kernel32.VirtualProtect(end, 1, 0x40, ctypes.byref(ctypes.c_uint32()))
        ctypes.c_char.from_address(end).value = b"t"
import warnings, hcsrt
warnings.simplefilter("ignore", hcsrt.NoIsolationWarning)
"""


def test_a_missing_export_is_an_error_when_it_is_called():
    script = """
with hcsrt.ComputeSystem.create("x", hcsrt.emulator.container_document()) as system:
    system.start()
    with system.popen(["cmd", "/c", "exit 0"]) as process:
        try:
            hcsrt._calls.call(process.handle, "HcsTerminateProcess")
        except hcsrt.NotSupportedError as error:
            print(error)
"""
    done = run(WITHOUT_AN_EXPORT + script)
    assert done.stderr == ""
    assert "HcsTerminateProcess" in done.stdout
    assert "Windows 10 1809 / Server 2019" in done.stdout


@pytest.fixture
def computecore():
    dll = ctypes.WinDLL("computecore.dll", winmode=0x800)
    dll.HcsCreateOperation.restype = ctypes.c_void_p
    return dll


@pytest.fixture
def local_free():
    function = ctypes.WinDLL("kernel32").LocalFree
    function.restype, function.argtypes = ctypes.c_void_p, [ctypes.c_void_p]
    return function


def a_string(dll) -> ctypes.c_void_p:
    """The document of an enumeration, which its caller has to free."""
    operation = ctypes.c_void_p(dll.HcsCreateOperation(None, None))
    document = ctypes.c_void_p()
    assert dll.HcsEnumerateComputeSystems(None, operation) == 0
    assert dll.HcsWaitForOperationResult(operation, 10_000, ctypes.byref(document)) == 0
    dll.HcsCloseOperation(operation)
    assert json.loads(ctypes.wstring_at(document.value)) == []
    return document


def test_a_string_is_counted_until_local_free(computecore, local_free):
    document = a_string(computecore)
    assert emulator.live()["strings"] == 1
    assert local_free(document) is None
    assert emulator.live()["strings"] == 0


def test_a_string_is_a_block_of_local_alloc(computecore, local_free):
    document = a_string(computecore)
    size = ctypes.WinDLL("kernel32").LocalSize
    size.restype, size.argtypes = ctypes.c_size_t, [ctypes.c_void_p]
    assert size(document) == 2 * len("[]\0")
    local_free(document)


def test_the_exports_are_those_of_the_header():
    from hcsrt._check_host.raw_hcs import Table

    dll = ctypes.WinDLL("computecore.dll", winmode=0x800)
    table = Table()
    names = [name for name in table.prototypes if name.startswith("Hcs")]
    assert len(names) == table.level
    assert all(hasattr(dll, name) for name in names)
    assert not hasattr(dll, "HcsMakeCoffee")
