"""What ``hcsrt doctor`` finds out: whether HCS can be used from here, and if not, what to do about it.

Where the emulator takes the place of HCS it is the emulator that is examined. Nothing is changed, no compute system is
touched, and no Windows service is started but vmcompute, by the one question that HCS is asked.
"""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from importlib.util import find_spec
from typing import Any, Literal, TypeVar

from .. import _calls
from .._facade.times import seconds
from .._functions import missing_functions, since
from .._library import backend as chosen_backend
from ..documents import loads
from ..errors import AccessDeniedError, HcsError
from .windows import DLLS, FEATURES, Hypervisor, Service, Unreadable, Version
from .windows import Readings as WindowsReadings

if sys.platform == "win32":
    from .windows import read as read_windows

__all__ = ["Finding", "Status", "examine", "usable"]

T = TypeVar("T")

Status = Literal["ok", "warning", "error", "unknown"]
"""How a finding is to be taken. Only with an error can HCS not be used; a warning limits what can be done with it."""

ANSWER_TIMEOUT = 5.0
"""Seconds that HCS has for its answer, unless examine() is told otherwise."""

_FIRST_BUILD = 17763  # Windows 10 1809 and Server 2019, whose computecore.dll has the documented functions
_WINDOWS_11_BUILD = 22000

_TURN_ON = "Turn on the Windows feature Containers, Hyper-V or Virtual Machine Platform, and restart Windows."
_BECOME_MEMBER = "Have an administrator add this account to the group Hyper-V Administrators, and sign in again."
_ELEVATE = "Start it again from a terminal that was opened with Run as administrator."
_RESTART_SERVICE = "Stop the service with `sc.exe stop vmcompute` and start it with `sc.exe start vmcompute`."
_EVENT_LOG = "Look into the event log Microsoft-Windows-Hyper-V-Compute-Admin."
_UPDATE = "Update to Windows 10 1809, Windows Server 2019 or newer."


@dataclass(frozen=True)
class Finding:
    """One thing that was examined.

    name: what it is, the same in every release. status: how it is. found: what was found, in a sentence. remedy: what
    to do about it, None if there is nothing to do.
    """

    name: str
    status: Status
    found: str
    remedy: str | None = None


@dataclass(frozen=True)
class Readings:
    """What the findings are concluded from."""

    system: str
    backend: Literal["windows", "emulator"] | Exception
    missing: Mapping[str, str] | Exception | None  # function: the Windows that has it; None without a backend
    answer: str | Exception | None  # the ServiceProperties document; None if HCS could not be asked
    has_psutil: bool
    windows: WindowsReadings | None  # None where the emulator takes the place of HCS, or where there is no Windows


def examine(*, timeout: float | None = ANSWER_TIMEOUT) -> list[Finding]:
    """Find out whether HCS can be used by this process. Never raises an HcsError: that is a finding.

    timeout: seconds that HCS has for its answer. As any first call does, it decides which HCS this process uses.
    HcsGetServiceProperties.
    """
    limit = seconds(timeout)
    backend = _outcome(chosen_backend)
    missing = answer = windows = None
    if not isinstance(backend, Exception):
        missing = _outcome(missing_functions)
        answer = _bounded(
            lambda: _calls.service("HcsGetServiceProperties", '{"PropertyTypes": ["Basic"]}') or "", limit
        )
    if sys.platform == "win32":
        system = "Windows"
        if backend != "emulator":
            windows = read_windows()
    else:
        uname = os.uname()
        system = f"{uname.sysname} {uname.release}"
    return findings(Readings(system, backend, missing, answer, find_spec("psutil") is not None, windows))


def usable(findings: list[Finding]) -> bool:
    """Whether HCS can be used, as far as could be found out."""
    return all(finding.status != "error" for finding in findings)


def _outcome(call: Callable[[], T]) -> T | Exception:
    try:
        return call()
    except Exception as error:
        return error


def _bounded(call: Callable[[], T], limit: float | None) -> T | Exception:
    """The outcome of a call that cannot be cancelled, a TimeoutError if there is none in time."""
    outcomes: list[T | Exception] = []
    thread = threading.Thread(target=lambda: outcomes.append(_outcome(call)), name="hcsrt doctor", daemon=True)
    thread.start()
    thread.join(None if limit is None else min(limit, threading.TIMEOUT_MAX))
    return outcomes[0] if outcomes else TimeoutError(f"HCS does not answer within {limit} s")


# What an answer of HCS proves to be no obstacle, whatever it looks like.
_SIGNS = ("service.", "dll.", "feature.", "hypervisor")


def _softened(finding: Finding) -> Finding:
    return replace(finding, status="warning") if finding.status == "error" else finding


# --- conclusions ------------------------------------------------------------------------------------------------------


def findings(readings: Readings) -> list[Finding]:
    """What the readings mean."""
    found = _system(readings)
    if readings.windows is not None:
        found += _windows(readings.windows)
    found.append(_backend(readings))
    if readings.missing is not None:
        found.append(_functions(readings.missing))
    if readings.answer is not None:
        hcs = _hcs(readings.answer, readings.backend)
        if hcs.status == "ok":
            # An answer counts for more than the signs that there could be none.
            found = [_softened(finding) if finding.name.startswith(_SIGNS) else finding for finding in found]
        found.append(hcs)
    if readings.backend == "emulator":
        found.append(_psutil(readings.has_psutil))
    return found


def _system(readings: Readings) -> list[Finding]:
    if readings.windows is not None:
        return [_version(readings.windows.version)]
    on_windows = readings.system == "Windows"
    where = "the HCS of this Windows is not examined" if on_windows else "it has no HCS, which is a service of Windows"
    return [Finding("system", "ok", f"This is {readings.system}: {where}.")]


def _backend(readings: Readings) -> Finding:
    backend = readings.backend
    if backend == "emulator":
        return Finding(
            "backend", "ok", "The emulator is in use: commands run on this machine and are not isolated from it."
        )
    if backend == "windows":
        return Finding("backend", "ok", "computecore.dll is loaded; the emulator is not in use.")
    if isinstance(backend, ValueError) and not isinstance(backend, HcsError):
        return Finding(
            "backend",
            "error",
            "HCSRT_BACKEND names no HCS: it is neither windows nor emulator.",
            "Unset HCSRT_BACKEND to use the emulator.",
        )
    if not isinstance(backend, HcsError):
        return Finding("backend", "error", f"No HCS can be loaded: {_text(backend)}.", "Install hcsrt anew.")
    found = f"computecore.dll cannot be loaded: {backend.strerror}."
    if readings.windows is None:
        return Finding("backend", "error", found, "Unset HCSRT_BACKEND to use the emulator.")
    if readings.windows.dlls.get("computecore.dll") is True:
        return Finding("backend", "error", found, "Use a Python for the processor architecture of this Windows.")
    return Finding("backend", "error", found, _TURN_ON)


def _functions(missing: Mapping[str, str] | Exception) -> Finding:
    if isinstance(missing, Exception):
        return Finding("functions", "unknown", f"What HCS lacks is not known: {_text(missing)}.", "Install hcsrt anew.")
    if not missing:
        return Finding("functions", "ok", "Every function that hcsrt knows is there.")
    by_version: dict[str, list[str]] = {}
    for function, version in sorted(missing.items()):
        by_version.setdefault(version, []).append(function)
    lists = "; ".join(f"{', '.join(names)} of {version}" for version, names in sorted(by_version.items()))
    found = f"Functions are missing: {lists}."
    if since("HcsCreateOperation") in by_version:
        return Finding("functions", "error", found, _UPDATE)
    if not any(version.startswith("Windows") for version in by_version):
        return Finding("functions", "ok", found)
    return Finding("functions", "warning", found, "Update to the Windows named, if these functions are needed.")


def _hcs(answer: str | Exception, backend: str | Exception) -> Finding:
    name = "hcs"
    if isinstance(answer, str):
        versions = _schema_versions(answer)
        if versions:
            return Finding(name, "ok", f"HCS answers and takes documents of schema {versions}.")
        return Finding(
            name,
            "unknown",
            "HCS answers, but not with the schema versions that it takes.",
            "Report this to the authors of hcsrt.",
        )
    if isinstance(answer, TimeoutError) and not isinstance(answer, HcsError):
        remedy = "Start the program afresh." if backend == "emulator" else _RESTART_SERVICE
        return Finding(name, "error", f"{_text(answer)}.", remedy)
    if isinstance(answer, HcsError):
        found = f"HCS answers with an error: {answer.strerror} (0x{answer.hresult & 0xFFFFFFFF:08X})."
        return Finding(name, "error", found, _answer_remedy(answer))
    return Finding(name, "error", f"HCS cannot be asked: {_text(answer)}.", "Install hcsrt anew.")


def _answer_remedy(error: HcsError) -> str:
    if isinstance(error, AccessDeniedError):
        return f"{_BECOME_MEMBER[:-1]}, or run it as an administrator."
    if error.symbol == "ERROR_SERVICE_DISABLED":
        return _enable("vmcompute")
    if error.symbol == "ERROR_SERVICE_DOES_NOT_EXIST":
        return _TURN_ON
    if error.symbol == "ERROR_PROC_NOT_FOUND":
        return _UPDATE
    return _EVENT_LOG


def _schema_versions(document: str) -> str | None:
    """The versions as people write them: each newest one stands for all of its major version."""
    try:
        parsed: Any = loads(document)
        newest = sorted(
            (int(version["Major"]), int(version["Minor"]))
            for entry in parsed["Properties"]
            for version in entry["SupportedSchemaVersions"]
        )
    except (ValueError, TypeError, LookupError, RecursionError):
        return None
    return ", ".join(f"{major}.0 to {major}.{minor}" if minor else f"{major}.0" for major, minor in newest) or None


def _psutil(has_psutil: bool) -> Finding:
    if has_psutil:
        return Finding("psutil", "ok", "psutil is installed, which the emulator reads the figures of processes with.")
    return Finding(
        "psutil",
        "warning",
        "psutil is not installed: the emulator has no statistics and no lists of processes.",
        "Install it with `pip install 'hcsrt[emulator]'`.",
    )


def _windows(readings: WindowsReadings) -> list[Finding]:
    services = readings.services
    return [
        _account(readings),
        _vmcompute(services["vmcompute"]),
        _hns(services["hns"]),
        _containers(readings),
        _hyper_v(readings),
        _hypervisor(readings.hypervisor),
        *(_dll(name, readings.dlls[name]) for name in DLLS),
    ]


def _version(version: Version | Unreadable) -> Finding:
    if isinstance(version, Unreadable):
        return Finding(
            "system", "unknown", f"The build of Windows cannot be read: {version.why}.", "Look it up with `winver`."
        )
    product = "Server" if version.is_server else "11" if version.build >= _WINDOWS_11_BUILD else "10"
    words = [f"Windows {product}", version.release, version.edition]
    build = f"{version.build}" if version.revision is None else f"{version.build}.{version.revision}"
    found = f"This is {' '.join(word for word in words if word)}, build {build}"
    if version.build < _FIRST_BUILD:
        return Finding("system", "error", f"{found}, which is older than the HCS that hcsrt talks to.", _UPDATE)
    return Finding("system", "ok", f"{found}.")


def _account(readings: WindowsReadings) -> Finding:
    administrator, member = readings.is_administrator, readings.is_hyper_v_administrator
    if administrator is True:
        return Finding("account", "ok", "This process runs with the rights of an administrator.")
    if member is True:
        return Finding("account", "ok", "This process runs with the rights of Hyper-V Administrators.")
    if isinstance(administrator, Unreadable):
        return _unreadable("account", "The rights of this process", administrator, "Run it as an administrator.")
    if isinstance(member, Unreadable):
        return _unreadable("account", "The groups of this account", member, "Run it as an administrator.")
    if readings.could_elevate is True:
        found = "This is an administrator's account, but the process is not elevated."
        return Finding("account", "error", found, _ELEVATE)
    return Finding(
        "account",
        "error",
        "This process runs neither as an administrator nor as a member of Hyper-V Administrators.",
        _BECOME_MEMBER,
    )


def _vmcompute(service: Service | Unreadable | None) -> Finding:
    name = "service.vmcompute"
    if service is None:
        return Finding(name, "error", "The Host Compute Service (vmcompute) is not installed.", _TURN_ON)
    return _installed_service(name, "vmcompute", service, "error")


def _hns(service: Service | Unreadable | None) -> Finding:
    name = "service.hns"
    if service is None:
        return Finding(
            name,
            "warning",
            "The Host Network Service (hns) is not installed: containers get no network.",
            "Turn on the Windows feature Containers, and restart Windows.",
        )
    return _installed_service(name, "hns", service, "warning")


def _installed_service(name: str, service: str, reading: Service | Unreadable, disabled: Status) -> Finding:
    if isinstance(reading, Unreadable):
        return _unreadable(name, f"The state of {service}", reading, f"Look it up with `sc.exe query {service}`.")
    if reading.is_disabled:
        if reading.state == "running":
            found = f"{service} runs, but is disabled and will not start again."
            return Finding(name, "warning", found, _enable(service))
        return Finding(name, disabled, f"{service} is disabled.", _enable(service))
    if reading.state == "changing":
        found = f"{service} is starting, stopping or paused."
        return Finding(name, "warning", found, f"Wait, and look again with `sc.exe query {service}`.")
    found = "runs" if reading.state == "running" else "does not run; Windows starts it when it is needed"
    return Finding(name, "ok", f"{service} {found}.")


def _enable(service: str) -> str:
    return f"Enable it as an administrator with `sc.exe config {service} start= demand`."


def _containers(readings: WindowsReadings) -> Finding:
    # No service is the feature's alone: both come with Hyper-V and Virtual Machine Platform too.
    services = [readings.services[name] for name in ("vmcompute", "hns")]
    chosen = readings.features[FEATURES["Containers"]]
    name = "feature.containers"
    if chosen is False or None in services:
        return _feature_off(name, "Containers", chosen, "there are no Windows Server containers", readings.version)
    if chosen is True and not any(isinstance(service, Unreadable) for service in services):
        return Finding(name, "ok", "Containers is on.")
    return Finding(
        name,
        "unknown",
        "Whether Containers is on cannot be told without asking the servicing stack.",
        "Look it up as an administrator with `dism /online /get-featureinfo /featurename:Containers`.",
    )


def _hyper_v(readings: WindowsReadings) -> Finding:
    service = readings.services["vmms"]  # the management service, which comes with this feature and no other
    name = "feature.hyper-v"
    if isinstance(service, Unreadable):
        remedy = "Look it up with `sc.exe query vmms`."
        return _unreadable(name, "Whether Hyper-V is on", service, remedy)
    if service is None:
        lost = "there are no virtual machines of Hyper-V"
        return _feature_off(name, "Hyper-V", readings.features[FEATURES["Hyper-V"]], lost, readings.version)
    return Finding(name, "ok", "Hyper-V is on.")


def _feature_off(
    name: str, feature: str, chosen: bool | Unreadable | None, lost: str, version: Version | Unreadable
) -> Finding:
    if chosen is True:
        found = f"{feature} was turned on and waits for a restart: until then {lost}."
        return Finding(name, "warning", found, "Restart Windows.")
    # EditionID of Home is Core, with an ending for some countries and languages.
    if isinstance(version, Version) and (version.edition or "").startswith("Core") and not version.is_server:
        remedy = f"Move to Windows Pro, Enterprise, Education or Server, because Home has no feature {feature}."
    else:
        dism = f"dism /online /enable-feature /all /featurename:{FEATURES[feature]}"
        remedy = f"Turn it on as an administrator with `{dism}`, and restart Windows."
    return Finding(name, "warning", f"{feature} is off: {lost}.", remedy)


def _hypervisor(reading: Hypervisor | Unreadable) -> Finding:
    name = "hypervisor"
    if isinstance(reading, Unreadable):
        return _unreadable(name, "Whether a hypervisor runs", reading, "Look at the last lines of `systeminfo`.")
    if not reading.is_present:
        found = "No hypervisor runs: there are no virtual machines and no isolation by Hyper-V."
        if reading.firmware_allows:
            remedy = "Let it start with `bcdedit /set hypervisorlaunchtype auto`, and restart Windows."
        else:
            remedy = "Turn on virtualization in the firmware or, in a virtual machine, have its host expose it."
        return Finding(name, "warning", found, remedy)
    if reading.is_ours is None:
        found = "A hypervisor runs; whether this Windows may make virtual machines on it cannot be told."
        return Finding(name, "unknown", found, "Look whether `systeminfo` lists the requirements of Hyper-V.")
    if not reading.is_ours:
        return Finding(
            name,
            "warning",
            "This Windows is a virtual machine itself, and may not make others.",
            "On its host, use `Set-VMProcessor -ExposeVirtualizationExtensions $true`, or what does that there.",
        )
    return Finding(name, "ok", "The hypervisor runs, and this Windows may make virtual machines on it.")


_USES: dict[str, str] = {
    "computestorage.dll": "layers of containers cannot be prepared",
    "computenetwork.dll": "networks cannot be managed",
    "vmcompute.dll": "older programs for containers do not work; hcsrt does not need it",
}


def _dll(file: str, is_there: bool | Unreadable) -> Finding:
    name = f"dll.{file.removesuffix('.dll')}"
    if isinstance(is_there, Unreadable):
        return _unreadable(name, f"Whether {file} is there", is_there, "Look for it in the folder System32.")
    if is_there:
        return Finding(name, "ok", f"{file} is in System32.")
    if file == "computecore.dll":
        return Finding(name, "error", f"{file} is not in System32.", _TURN_ON)
    return Finding(name, "warning", f"{file} is not in System32: {_USES[file]}.", _TURN_ON)


def _unreadable(name: str, what: str, reading: Unreadable, remedy: str) -> Finding:
    return Finding(name, "unknown", f"{what} could not be read: {reading.why.removesuffix('.')}.", remedy)


def _text(error: Exception) -> str:
    return " ".join(str(error).split()).removesuffix(".") or type(error).__name__
