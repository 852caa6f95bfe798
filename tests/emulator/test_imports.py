"""The service's thread imports nothing: CPython's locks of imports may be lost in a storm of signals."""

import subprocess
import sys

import pytest

from ..helpers.programs import INSTALL

# Whatever the service does for the first time. It runs without pytest, whose modules import much that may be needed.
PROGRAM = """
import contextlib, json, sys, threading, warnings

imported, failures = [], []

def audit(event, arguments):
    if event == "import" and threading.current_thread().name == "hcsrt-emulator":
        imported.append(arguments[0])

sys.addaudithook(audit)
if {without_psutil}:
    sys.modules["psutil"] = None

import hcsrt, hcsrt.emulator, hcsrt.service
from hcsrt import _calls

{install}
hcsrt.emulator.reset({seed})
hcsrt.backend()
with warnings.catch_warnings(record={recorded}):
    warnings.simplefilter("always")
    error = contextlib.suppress(hcsrt.HcsError)
    container = hcsrt.emulator.container_document("owner")
    machine = {{"SchemaVersion": {{"Major": 2, "Minor": 1}}, "Owner": "owner", "VirtualMachine": {{
        "GuestConnection": {{}}, "Devices": {{"Scsi": {{"0": {{}}}}}}}}}}
    for document in (container, machine):
        with hcsrt.ComputeSystem.create("\\N{{SNOWMAN}} \\udc80", document) as system:
            system.start()
            for call in ("HcsPauseComputeSystem", "HcsResumeComputeSystem"):
                with error:
                    _calls.call(system.handle, call)
            for name in ("Statistics", "ProcessList", "Memory", "GuestConnection", "SharedMemoryRegion"):
                with system.popen([sys.executable, "-c", "input()"], stdin=-1, env={{"NAME": "\\xe9"}}) as process:
                    try:
                        system.properties(name)
                    except hcsrt.HcsError as failure:
                        failures.append(str(failure))
                    with error:
                        process.send_signal("CtrlC")
                    process.stdin.close()
            with error, system.popen([sys.executable, "-c", "input()"], stdin=-1, stdout=-1, console=True) as process:
                process.resize_console(10, 10)
                process.kill()
            for command in (["there is no such program"], ["\\0"], [""]):
                with contextlib.suppress(OSError, ValueError):
                    system.run(command)
            with contextlib.suppress(OSError):
                system.run([sys.executable], cwd="/there/is/no/such/folder")
            for path in ("VirtualMachine/Devices/Scsi/0/Attachments/1", "Container/Memory/SizeInMB", "Container/Gpu"):
                with error:
                    system.modify(path, "Add", {{"Type": "Iso"}})
            with error:
                system.crash()
            system.stop(grace=0.1)
    for query in ('{{"PropertyTypes": ["Basic"]}}', '{{"PropertyTypes": ["CpuGroup", "Memory"]}}', "no JSON"):
        with contextlib.suppress(OSError, ValueError):
            _calls.service("HcsGetServiceProperties", query)
    for path in ("/there/is/no/such/file", "relative"):
        for call in ("HcsCreateEmptyGuestStateFile", "HcsGrantVmAccess"):
            with contextlib.suppress(OSError, ValueError):
                _calls.service(call, *([path] if "Create" in call else ["vm", path]))
    hcsrt.systems(owner="owner")

# A bug of the service, which is recorded with its traceback: where it asks Python for the id of a new system.
import uuid
uuid.UUID = lambda *arguments, **named: 1 / 0
with error:
    hcsrt.ComputeSystem.create("other", container)
assert "ZeroDivisionError" in hcsrt.emulator.misuses()[0]
assert any("hcsrt[emulator]" in failure for failure in failures) == (sys.modules["psutil"] is None)
print(imported)
"""


@pytest.mark.parametrize("without_psutil", [False, True], ids=["as installed", "without psutil"])
@pytest.mark.parametrize("seed", [None, 3])
@pytest.mark.parametrize("recorded", [True, False], ids=["recorded", "shown"])
def test_the_service_imports_nothing_on_its_thread(without_psutil: bool, seed: int | None, recorded: bool) -> None:
    program = PROGRAM.format(install=INSTALL, without_psutil=without_psutil, seed=seed, recorded=recorded)
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout) == (0, "[]\n"), done.stderr
