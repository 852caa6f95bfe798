"""What the doctor finds: on this machine, and from readings of machines that are not here."""

import ctypes
import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

import hcsrt
from hcsrt import _functions, _interpose, cli, doctor, errors
from hcsrt._hresults import E_FAIL
from hcsrt.doctor import Finding, windows
from hcsrt.doctor.conclusions import conclude
from hcsrt.doctor.readings import Readings
from hcsrt.doctor.windows import Hypervisor, Service, Unreadable, Version
from hcsrt.doctor.windows import Readings as WindowsReadings
from hcsrt.faults import Faults

from ..helpers import hcs_calls
from ..helpers.children import run_python
from ..helpers.platforms import WINDOWS, backend_variable, win32

ELSEWHERE = pytest.mark.skipif(WINDOWS, reason="on Windows no environment variable decides")

RS5 = "Windows 10 1809 / Server 2019"
SERVER_2022 = "Windows 10 2104 / Server 2022"
UNSTATED = "a newer Windows (Microsoft does not say which)"
ANSWER = '{"Properties": [{"SupportedSchemaVersions": [{"Major": 2, "Minor": 6}, {"Major": 1, "Minor": 0}]}]}'

RUNS = Service("running", is_disabled=False)
STOPPED = Service("stopped", is_disabled=False)
DISABLED = Service("stopped", is_disabled=True)
UNREADABLE = Unreadable("Access is denied")

HOST = WindowsReadings(
    version=Version(20348, is_server=True, revision=2340, release="21H2", edition="ServerDatacenter"),
    is_administrator=True,
    is_hyper_v_administrator=False,
    could_elevate=False,
    services={"vmcompute": RUNS, "hns": STOPPED, "vmms": RUNS},
    features={"Containers": True, "Microsoft-Hyper-V": None},
    hypervisor=Hypervisor(is_present=True, is_ours=True, firmware_allows=False),
    dlls=dict.fromkeys(windows.DLLS, True),
)
HEALTHY = Readings("Windows", "windows", missing={}, answer=ANSWER, has_psutil=True, windows=HOST)
EMULATED = Readings("Linux 6.1", "emulator", missing={}, answer=ANSWER, has_psutil=True, windows=None)


def on(**changes: Any) -> Readings:
    """The healthy host with some readings changed; services, features and dlls one by one."""
    merged = {
        name: {**getattr(HOST, name), **value} if isinstance(value, dict) else value for name, value in changes.items()
    }
    return replace(HEALTHY, windows=replace(HOST, **merged))


def named(name: str, findings: list[Finding]) -> Finding:
    (found,) = [finding for finding in findings if finding.name == name]
    return found


def finding(name: str, readings: Readings) -> Finding:
    return named(name, conclude(readings))


@pytest.fixture
def in_use() -> None:
    """The emulator as the HCS of this process, not behind the stand-in computecore.dll."""
    if hcsrt.backend() != "emulator":
        pytest.skip("the emulator is not in use, it is behind a computecore.dll")


def run(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-W", "error", "-m", "hcsrt", "doctor", *arguments],
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        env={**os.environ, "COLUMNS": "200", **variables},
        timeout=60,
    )


# On this machine


def test_importing_hcsrt_does_not_import_the_doctor() -> None:
    script = (
        "import sys; from hcsrt import *; print({'hcsrt.doctor', 'hcsrt.doctor.windows', 'ctypes'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60)
    assert (done.stdout, done.stderr) == ("set()\n", "")


def test_the_emulator_is_examined_where_it_is_in_use(in_use: None) -> None:
    findings = doctor.examine()
    assert {finding.name: finding.status for finding in findings} == {
        "system": "ok",
        "backend": "ok",
        "functions": "ok",
        "hcs": "ok",
        "psutil": "ok",
    }
    assert "emulator is in use" in findings[1].found
    assert findings[3].found == "HCS answers and takes documents of schema 2.0 to 2.6."
    assert doctor.usable(findings)


def test_an_hcs_that_does_not_answer_is_not_waited_for(in_use: None) -> None:
    with _interpose.waiting("HcsGetServiceProperties"):
        start = time.monotonic()
        findings = doctor.examine(timeout=0.2)
        assert time.monotonic() - start < 5
    silent = named("hcs", findings)
    assert (silent.status, silent.found) == ("error", "HCS does not answer within 0.2 s.")
    assert silent.remedy is not None
    assert not doctor.usable(findings)


def test_what_hcs_refuses_is_a_finding(faults: Faults) -> None:
    document = {"ErrorMessage": "nobody may know the text of this machine"}
    faults.on("HcsGetServiceProperties").fail(0x8037011B, document)
    found = named("hcs", doctor.examine())
    assert found.status == "error"
    assert found.found == ("HCS answers with an error: This account may not use the Host Compute Service (0x8037011B).")
    assert found.remedy is not None
    assert "Hyper-V Administrators" in found.remedy


def test_the_error_document_of_the_service_comes_with_its_error(plain_order: None) -> None:
    with pytest.raises(errors.InvalidDocumentError, match=r"PropertyTypes") as caught:
        hcs_calls.service_properties('{"PropertyTypes": ["Coffee"]}')
    assert caught.value.operation == "HcsGetServiceProperties"
    assert caught.value.document is not None


def test_a_function_that_hcs_lacks_is_missing(in_use: None) -> None:
    assert _functions.missing_functions() == {}
    with _interpose.missing("HcsWaitForProcessExit"):
        assert _functions.missing_functions() == {"HcsWaitForProcessExit": SERVER_2022}
    with _interpose.missing("HcsGetServiceProperties"):
        findings = doctor.examine()
    assert findings[2].found == f"Functions are missing: HcsGetServiceProperties of {RS5}."
    assert findings[3].remedy == "Update to Windows 10 1809, Windows Server 2019 or newer."


# The command


def test_the_text_says_what_was_found_and_whether_it_is_enough(in_use: None) -> None:
    done = CliRunner().invoke(cli.command_line, ["doctor"])
    assert (done.exit_code, done.stderr) == (0, "")
    assert re.search(r"^ok +backend +The emulator is in use", done.stdout, re.MULTILINE)
    assert done.stdout.endswith("\nThe emulator can be used.\n")
    assert "Remedy" not in done.stdout


def test_the_text_of_an_error_has_its_remedy(in_use: None) -> None:
    with _interpose.failing("HcsGetServiceProperties", E_FAIL):
        done = CliRunner().invoke(cli.command_line, ["doctor"])
    assert done.exit_code == 1
    text = " ".join(done.stdout.split())
    assert "error hcs HCS answers with an error: " in text
    assert "Remedy: Look into the event log" in text
    assert text.endswith(" cannot be used: see the errors.")


def test_the_command_on_this_machine_agrees_with_itself() -> None:
    done = run("--json")
    assert done.stderr == ""
    document = json.loads(done.stdout)
    assert list(document) == ["hcsrt", "backend", "usable", "findings"]
    assert document["backend"] in ("emulator", "windows", None)
    findings = [Finding(**members) for members in document["findings"]]
    check(findings)
    assert document["usable"] is doctor.usable(findings)
    assert done.returncode == (0 if document["usable"] else 1)
    assert run().returncode == done.returncode


@ELSEWHERE
def test_the_hcs_of_windows_cannot_be_used_elsewhere() -> None:
    done = run(HCSRT_BACKEND="windows")
    assert (done.returncode, done.stderr) == (1, "")
    assert re.search(r"^error +backend +computecore\.dll cannot be loaded: A DLL is not there\.", done.stdout, re.M)
    assert "Remedy: Unset HCSRT_BACKEND to use the emulator." in done.stdout
    assert done.stdout.endswith("\nHCS cannot be used: see the errors.\n")
    document = json.loads(run("--json", HCSRT_BACKEND="windows").stdout)
    assert (document["backend"], document["usable"]) == (None, False)


@ELSEWHERE
@pytest.mark.parametrize("arguments", [(), ("--json",)])
def test_the_value_of_a_variable_is_not_shown(arguments: tuple[str, ...]) -> None:
    done = run(*arguments, HCSRT_BACKEND="a-secret")
    assert done.returncode == 1
    assert "HCSRT_BACKEND names no HCS" in done.stdout
    assert "Unset HCSRT_BACKEND" in done.stdout
    assert "a-secret" not in done.stdout + done.stderr


# What readings mean


def check(findings: list[Finding]) -> None:
    """Every finding is said in sentences, and every one that is not ok has one imperative sentence as remedy."""
    assert len({finding.name for finding in findings}) == len(findings)
    for finding in findings:
        assert finding.status in ("ok", "warning", "error", "unknown")
        assert finding.found.endswith(".")
        assert "\n" not in finding.found
        if finding.status == "ok":
            assert finding.remedy is None
            continue
        assert finding.remedy is not None
        assert re.fullmatch(r"[A-Z][^.]*\.", re.sub(r"`[^`]*`", "", finding.remedy))


def test_a_healthy_host_has_nothing_to_remedy() -> None:
    findings = conclude(HEALTHY)
    assert {finding.name: finding.remedy for finding in findings} == dict.fromkeys(
        [
            "system",
            "account",
            "service.vmcompute",
            "service.hns",
            "feature.containers",
            "feature.hyper-v",
            "hypervisor",
            "dll.computecore",
            "dll.computestorage",
            "dll.computenetwork",
            "dll.vmcompute",
            "backend",
            "functions",
            "hcs",
        ]
    )
    assert all(finding.status == "ok" for finding in findings)
    assert findings[0].found == "This is Windows Server 21H2 ServerDatacenter, build 20348.2340."
    assert findings[-1].found == "HCS answers and takes documents of schema 1.0, 2.0 to 2.6."


HOME = Version(22631, is_server=False, revision=3447, release="23H2", edition="CoreSingleLanguage")
OLD = Version(14393, is_server=True, revision=None, release=None, edition=None)
NO_COMPUTECORE = errors.error_from(0x8007007E, "LoadLibraryExW")


@pytest.mark.parametrize(
    ("name", "readings", "status", "found", "remedy"),
    [
        ("system", on(version=HOME), "ok", "Windows 11 23H2 CoreSingleLanguage, build 22631.3447", None),
        ("system", on(version=OLD), "error", "Windows Server, build 14393, which is older", "Update to"),
        ("system", on(version=UNREADABLE), "unknown", "Access is denied", "`winver`"),
        ("system", EMULATED, "ok", "Linux 6.1: it has no HCS", None),
        ("system", replace(EMULATED, system="Windows"), "ok", "not examined", None),
        ("account", on(is_administrator=False, is_hyper_v_administrator=True), "ok", "Hyper-V Administrators", None),
        ("account", on(is_administrator=UNREADABLE, is_hyper_v_administrator=True), "ok", "Hyper-V Admin", None),
        ("account", on(is_administrator=False), "error", "neither", "add this account to the group Hyper-V"),
        ("account", on(is_administrator=False, could_elevate=True), "error", "not elevated", "Run as administrator"),
        ("account", on(is_administrator=False, could_elevate=UNREADABLE), "error", "neither", "sign in again"),
        ("account", on(is_administrator=UNREADABLE), "unknown", "Access is denied", "as an administrator"),
        ("account", on(is_administrator=False, is_hyper_v_administrator=UNREADABLE), "unknown", "denied", "Run it"),
        ("service.vmcompute", on(services={"vmcompute": STOPPED}), "ok", "starts it when", None),
        ("service.vmcompute", on(services={"vmcompute": None}), "error", "not installed", "Turn on"),
        ("service.vmcompute", on(services={"vmcompute": DISABLED}), "error", "disabled", "config vmcompute start="),
        ("service.vmcompute", on(services={"vmcompute": Service("running", True)}), "warning", "again", "Enable it"),
        ("service.vmcompute", on(services={"vmcompute": Service("changing", False)}), "warning", "paused", "Wait"),
        ("service.vmcompute", on(services={"vmcompute": UNREADABLE}), "unknown", "denied", "sc.exe query vmcompute"),
        ("service.hns", on(services={"hns": None}), "warning", "no network", "feature Containers"),
        ("service.hns", on(services={"hns": DISABLED}), "warning", "disabled", "config hns start="),
        ("service.hns", on(services={"hns": UNREADABLE}), "unknown", "denied", "sc.exe query hns"),
        ("feature.containers", on(features={"Containers": False}), "warning", "is off", "featurename:Containers"),
        ("feature.containers", on(services={"hns": None}), "warning", "waits for a restart", "Restart"),
        (
            "feature.containers",
            on(services={"hns": None}, features={"Containers": None}),
            "warning",
            "is off",
            "enable-feature",
        ),
        ("feature.containers", on(features={"Containers": None}), "unknown", "cannot be told", "get-featureinfo"),
        ("feature.containers", on(features={"Containers": UNREADABLE}), "unknown", "cannot be told", "dism"),
        ("feature.containers", on(services={"hns": UNREADABLE}), "unknown", "cannot be told", "dism"),
        ("feature.containers", on(features={"Containers": False}, version=HOME), "warning", "is off", "Windows Pro"),
        ("feature.hyper-v", on(services={"vmms": None}), "warning", "is off", "featurename:Microsoft-Hyper-V"),
        (
            "feature.hyper-v",
            on(services={"vmms": None}, features={"Microsoft-Hyper-V": True}),
            "warning",
            "waits",
            "Restart Windows.",
        ),
        ("feature.hyper-v", on(services={"vmms": UNREADABLE}), "unknown", "denied", "sc.exe query vmms"),
        ("hypervisor", on(hypervisor=Hypervisor(False, None, True)), "warning", "No hypervisor", "launchtype auto"),
        ("hypervisor", on(hypervisor=Hypervisor(False, None, False)), "warning", "No hypervisor", "firmware"),
        ("hypervisor", on(hypervisor=Hypervisor(True, False, False)), "warning", "virtual machine itself", "Expose"),
        ("hypervisor", on(hypervisor=Hypervisor(True, None, False)), "unknown", "cannot be told", "systeminfo"),
        ("hypervisor", on(hypervisor=UNREADABLE), "unknown", "denied", "systeminfo"),
        ("dll.computecore", on(dlls={"computecore.dll": False}), "error", "not in System32", "Turn on"),
        ("dll.computestorage", on(dlls={"computestorage.dll": False}), "warning", "layers", "Turn on"),
        ("dll.computenetwork", on(dlls={"computenetwork.dll": False}), "warning", "networks", "Turn on"),
        ("dll.vmcompute", on(dlls={"vmcompute.dll": False}), "warning", "does not need it", "Turn on"),
        ("dll.computecore", on(dlls={"computecore.dll": UNREADABLE}), "unknown", "denied", "System32"),
        ("backend", EMULATED, "ok", "not isolated", None),
        ("backend", HEALTHY, "ok", "not in use", None),
        ("backend", replace(HEALTHY, backend=NO_COMPUTECORE), "error", "A DLL is not there", "architecture"),
        (
            "backend",
            replace(on(dlls={"computecore.dll": False}), backend=NO_COMPUTECORE),
            "error",
            "A DLL is not there",
            "Turn on",
        ),
        ("backend", replace(EMULATED, backend=NO_COMPUTECORE), "error", "cannot be loaded", "Unset HCSRT_BACKEND"),
        ("backend", replace(EMULATED, backend=ImportError("of an older hcsrt")), "error", "older", "Install hcsrt"),
        ("functions", replace(HEALTHY, missing={"HcsX": UNSTATED}), "ok", "HcsX of a newer Windows", None),
        (
            "functions",
            replace(HEALTHY, missing={"HcsX": UNSTATED, "HcsWaitForProcessExit": SERVER_2022}),
            "warning",
            f": HcsWaitForProcessExit of {SERVER_2022}; HcsX of a newer",
            "Update",
        ),
        ("functions", replace(HEALTHY, missing={"HcsCloseProcess": RS5}), "error", "HcsCloseProcess", "Update to"),
        ("functions", replace(HEALTHY, missing=ImportError("no")), "unknown", "not known: no", "Install"),
        ("hcs", replace(HEALTHY, answer=TimeoutError("HCS is silent")), "error", "HCS is silent.", "sc.exe stop"),
        ("hcs", replace(EMULATED, answer=TimeoutError("HCS is silent")), "error", "HCS is silent.", "Start the"),
        ("hcs", replace(HEALTHY, answer="{}"), "unknown", "not with the schema versions", "Report"),
        ("hcs", replace(HEALTHY, answer='{"Properties": [7]}'), "unknown", "not with", "Report"),
        ("hcs", replace(HEALTHY, answer="no JSON"), "unknown", "not with", "Report"),
        ("hcs", replace(HEALTHY, answer=MemoryError()), "error", "cannot be asked: MemoryError", "Install"),
        ("psutil", EMULATED, "ok", "is installed", None),
        ("psutil", replace(EMULATED, has_psutil=False), "warning", "no statistics", "pip install 'hcsrt[emulator]'"),
    ],
)
def test_each_finding_has_its_remedy(
    name: str, readings: Readings, status: str, found: str, remedy: str | None
) -> None:
    if name.startswith(("service.", "dll.")):
        readings = replace(readings, answer=None)  # an answer would tell that there is no such obstacle
    findings = conclude(readings)
    check(findings)
    one = finding(name, readings)
    assert one.status == status
    assert found in one.found
    assert one.remedy is None if remedy is None else remedy.lower() in (one.remedy or "").lower()
    assert doctor.usable(findings) == all(finding.status != "error" for finding in findings)
    if status == "error":
        assert not doctor.usable(findings)


@pytest.mark.parametrize(
    ("code", "remedy"),
    [
        (0x80070005, "group Hyper-V Administrators"),
        (0x8037011B, "run it as an administrator"),
        (0x80070422, "sc.exe config vmcompute start= demand"),
        (0x80070424, "Turn on the Windows feature"),
        (0x8007007F, "Update to Windows"),
        (0x800706BA, "event log"),
        (0x80370102, "event log"),
    ],
)
def test_each_error_of_hcs_has_its_remedy(code: int, remedy: str) -> None:
    readings = replace(HEALTHY, answer=errors.error_from(code, "HcsGetServiceProperties"))
    check(conclude(readings))
    one = finding("hcs", readings)
    assert one.status == "error"
    assert f"(0x{code:08X})." in one.found
    assert remedy in (one.remedy or "")


@pytest.mark.parametrize(
    ("readings", "told"),
    [
        (EMULATED, "there is no HCS here: it is a service of Windows, and this is Linux 6.1"),
        (replace(HEALTHY, backend=RuntimeError("this process uses the emulator")), "this process uses the emulator"),
        (replace(HEALTHY, answer=errors.error_from(E_FAIL, "HcsGetServiceProperties")), "HCS answers with an error: "),
        (HEALTHY, None),
    ],
)
def test_a_reason_not_to_use_the_hcs_of_windows_is_told(
    readings: Readings, told: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(doctor, "read", lambda limit, chosen: readings)
    reason = doctor.why_not_windows()
    assert reason == told or (told and reason and reason.startswith(told))


@backend_variable
def test_to_ask_for_the_hcs_of_windows_chooses_nothing() -> None:
    program = """
import hcsrt, hcsrt.doctor
print(hcsrt.doctor.why_not_windows())
from hcsrt._library import choose
choose("mine", hcsrt.emulator.backend_capsule())
print(hcsrt.backend())
"""
    done = run_python(program)
    assert done.stdout.startswith("there is no HCS here"), done.stderr
    assert done.stdout.endswith("mine\n"), done.stderr


def test_a_warning_leaves_hcs_usable_and_one_error_does_not() -> None:
    limited = on(services={"hns": None, "vmms": None}, hypervisor=Hypervisor(False, None, False))
    assert {finding.status for finding in conclude(limited)} == {"ok", "warning"}
    assert doctor.usable(conclude(limited))
    without_service = on(services={"vmcompute": None})
    assert not doctor.usable(conclude(replace(without_service, answer=None)))
    assert doctor.usable(conclude(without_service)), "HCS has answered"
    assert finding("service.vmcompute", without_service).status == "warning"


def test_a_reading_that_fails_says_why_in_english() -> None:
    denied = OSError(13, "Zugriff verweigert")
    denied.winerror = 5  # type: ignore[attr-defined]

    def fail(error: Exception) -> Callable[[], int]:
        def reading() -> int:
            raise error

        return reading

    assert windows.taken(lambda: 3) == 3
    assert windows.taken(fail(denied)) == Unreadable(errors.explain(5).meaning)
    assert windows.taken(fail(AttributeError("function 'X' not found"))) == Unreadable("function 'X' not found")
    assert windows.taken(fail(MemoryError())) == Unreadable("MemoryError")


FLAG = st.booleans() | st.just(UNREADABLE)
SERVICE = st.none() | st.just(UNREADABLE) | st.builds(Service)
VERSION = st.builds(Version, edition=st.sampled_from([None, "Core", "Professional"]), release=st.just("22H2"))
HOSTS = st.builds(
    WindowsReadings,
    version=VERSION | st.just(UNREADABLE),
    is_administrator=FLAG,
    is_hyper_v_administrator=FLAG,
    could_elevate=FLAG,
    services=st.fixed_dictionaries(dict.fromkeys(windows.SERVICES, SERVICE)),
    features=st.fixed_dictionaries(dict.fromkeys(windows.FEATURES.values(), st.none() | FLAG)),
    hypervisor=st.builds(Hypervisor) | st.just(UNREADABLE),
    dlls=st.fixed_dictionaries(dict.fromkeys(windows.DLLS, FLAG)),
)
CODES = st.sampled_from([0x80070005, 0x80070422, 0x80070424, 0x8007007E, 0x8007007F, 0x800706BA, 0x80004005])
FAILURES = st.builds(errors.error_from, CODES, st.just("HcsX")) | st.builds(OSError, st.text(max_size=9))


@given(
    st.builds(
        Readings,
        system=st.just("Windows"),
        backend=st.sampled_from(["windows", "emulator"]) | FAILURES,
        missing=st.none() | FAILURES | st.dictionaries(st.just("HcsX"), st.sampled_from([RS5, SERVER_2022, UNSTATED])),
        answer=st.none() | FAILURES | st.text(max_size=9) | st.just(ANSWER),
        has_psutil=st.booleans(),
        windows=st.none() | HOSTS,
    )
)
def test_any_readings_give_findings_with_remedies(readings: Readings) -> None:
    check(conclude(readings))


# The readings of this Windows


@win32
def test_the_command_examines_this_windows() -> None:
    document = json.loads(run("--json").stdout)
    status = {finding["name"]: finding["status"] for finding in document["findings"]}
    assert status["dll.computecore"] == ("ok" if windows._is_in_system32("computecore.dll") else "error")
    assert (document["backend"] == "windows") is (status["backend"] == "ok")
    assert ("hcs" in status) is (document["backend"] == "windows")


@win32
def test_this_windows_can_be_read() -> None:
    import winreg

    readings = windows.read()
    assert isinstance(readings.version, Version)
    with winreg.OpenKey(winreg.HKEY_LOCAL_MACHINE, r"SOFTWARE\Microsoft\Windows NT\CurrentVersion") as key:
        assert readings.version.build == int(winreg.QueryValueEx(key, "CurrentBuildNumber")[0])
    assert isinstance(readings.is_administrator, bool)
    assert isinstance(readings.is_hyper_v_administrator, bool)
    assert isinstance(readings.could_elevate, bool)
    assert readings.is_administrator is bool(ctypes.windll.shell32.IsUserAnAdmin())
    assert not any(isinstance(reading, Unreadable) for reading in readings.services.values())
    assert not any(isinstance(reading, Unreadable) for reading in readings.features.values())
    system32 = Path(os.environ["SYSTEMROOT"], "System32")
    assert readings.dlls == {name: (system32 / name).is_file() for name in windows.DLLS}


@win32
def test_a_service_of_every_windows_is_read() -> None:
    service = windows._service("RpcSs")
    assert service is not None
    assert service.state in ("running", "stopped")
    assert not service.is_disabled
    assert windows._service("hcsrt-no-such-service") is None
