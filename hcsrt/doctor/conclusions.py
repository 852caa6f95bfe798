"""Conclusions from the readings of the backend of this process, and from its answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from .._addresses import report_to
from .._functions import since
from .._json import loads
from ..errors import AccessDeniedError, HcsError
from . import windows_conclusions
from .finding import BECOME_MEMBER, TURN_ON, UPDATE, Finding, enable
from .readings import Readings

_RESTART_SERVICE = "Stop the service with `sc.exe stop vmcompute` and start it with `sc.exe start vmcompute`."
_EVENT_LOG = "Look into the event log Microsoft-Windows-Hyper-V-Compute-Admin."

# Findings that are no obstacle once HCS has answered.
_SIGNS = ("service.", "dll.", "feature.", "hypervisor")


def conclude(readings: Readings) -> list[Finding]:
    """Return the findings that follow from the readings."""
    found = _system(readings)
    if readings.windows is not None:
        found += windows_conclusions.conclude(readings.windows)
    found.append(_backend(readings))
    if readings.missing is not None:
        found.append(_functions(readings.missing))
    if readings.answer is not None:
        hcs = _hcs(readings.answer, readings.backend)
        if hcs.status == "ok":
            # An answer counts for more than signs that none could come.
            found = [_softened(finding) if finding.name.startswith(_SIGNS) else finding for finding in found]
        found.append(hcs)
    if readings.backend == "emulator":
        found.append(_psutil(readings.has_psutil))
    return found


def _system(readings: Readings) -> list[Finding]:
    if readings.windows is not None:
        return [windows_conclusions.system(readings.windows.version)]
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
    return Finding("backend", "error", found, TURN_ON)


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
        return Finding("functions", "error", found, UPDATE)
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
            f"Report this to {report_to()}.",
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
        return f"{BECOME_MEMBER[:-1]}, or run it as an administrator."
    if error.symbol == "ERROR_SERVICE_DISABLED":
        return enable("vmcompute")
    if error.symbol == "ERROR_SERVICE_DOES_NOT_EXIST":
        return TURN_ON
    if error.symbol == "ERROR_PROC_NOT_FOUND":
        return UPDATE
    return _EVENT_LOG


def _schema_versions(document: str) -> str | None:
    """Return the versions as people write them: the newest of each major version stands for all of it."""
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


def _softened(finding: Finding) -> Finding:
    return replace(finding, status="warning") if finding.status == "error" else finding


def _text(error: Exception) -> str:
    return " ".join(str(error).split()).removesuffix(".") or type(error).__name__
