"""How each function of HCS may fail in practice: what sweeps and the swarm have it say."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from .. import _interpose
from ..faults import Fault

DISCONNECTED = "HCS_E_SERVICE_DISCONNECT"
"""What any function may say."""

_ANY = ("E_UNEXPECTED",)

# By function: the HRESULTs that its caller has to reckon with, the most telling first.
_FAILURES: dict[str, tuple[str, ...]] = {
    "HcsCreateComputeSystem": ("HCS_E_SYSTEM_ALREADY_EXISTS", "HCS_E_HYPERV_NOT_INSTALLED", "E_OUTOFMEMORY"),
    "HcsCreateComputeSystemInNamespace": ("HCS_E_SYSTEM_ALREADY_EXISTS", "E_OUTOFMEMORY"),
    "HcsCreateOperation": ("E_OUTOFMEMORY",),
    "HcsCreateOperationWithNotifications": ("E_OUTOFMEMORY",),
    "HcsCreateProcess": ("ERROR_FILE_NOT_FOUND", "HCS_E_CONNECTION_CLOSED"),
    "HcsEnumerateComputeSystems": ("E_OUTOFMEMORY",),
    "HcsGetComputeSystemProperties": ("HCS_E_CONNECTION_CLOSED", "HCS_E_INVALID_STATE"),
    "HcsGetOperationResult": ("HCS_E_OPERATION_RESULT_ALLOCATION_FAILED",),
    "HcsGetOperationResultAndProcessInfo": ("HCS_E_PROCESS_INFO_NOT_AVAILABLE",),
    "HcsGetProcessInfo": ("HCS_E_PROCESS_INFO_NOT_AVAILABLE",),
    "HcsGetProcessProperties": ("HCS_E_CONNECTION_CLOSED",),
    "HcsModifyComputeSystem": ("HCS_E_INVALID_STATE", "HCS_E_CONNECTION_CLOSED"),
    "HcsModifyProcess": ("HCS_E_CONNECTION_CLOSED",),
    "HcsOpenComputeSystem": ("HCS_E_SYSTEM_NOT_FOUND", "HCS_E_ACCESS_DENIED"),
    "HcsOpenComputeSystemInNamespace": ("HCS_E_SYSTEM_NOT_FOUND", "HCS_E_ACCESS_DENIED"),
    "HcsOpenProcess": ("ERROR_NOT_FOUND",),
    "HcsSetComputeSystemCallback": ("E_OUTOFMEMORY",),
    "HcsSetOperationCallback": ("E_OUTOFMEMORY",),
    "HcsSetProcessCallback": ("E_OUTOFMEMORY",),
    "HcsShutDownComputeSystem": ("HCS_E_CONNECTION_TIMEOUT", "ERROR_NOT_SUPPORTED"),
    "HcsSignalProcess": ("HCS_E_PROCESS_ALREADY_STOPPED",),
    "HcsStartComputeSystem": ("HCS_E_TERMINATED_DURING_START", "HCS_E_HYPERV_NOT_INSTALLED"),
    "HcsTerminateComputeSystem": ("HCS_E_CONNECTION_TIMEOUT", "E_ACCESSDENIED"),
    "HcsTerminateProcess": ("E_ACCESSDENIED",),
    "HcsWaitForComputeSystemExit": ("E_UNEXPECTED",),
    "HcsWaitForProcessExit": ("E_UNEXPECTED",),
}

NEWER = (
    "HcsCreateOperationWithNotifications",
    "HcsGetOperationProperties",
    "HcsWaitForComputeSystemExit",
    "HcsWaitForProcessExit",
)
"""Functions that a Windows of today may lack, and that a program has to do without."""

# What these say is the outcome of another call, and its completion can fail. If they failed themselves, that call would
# go on, and no caller could know.
_OUTCOMES = frozenset({"HcsWaitForOperationResult", "HcsWaitForOperationResultAndProcessInfo"})

# Who asks before the other call has completed hears that it is pending, and nothing else.
RESULTS = frozenset({"HcsGetOperationResult", "HcsGetOperationResultAndProcessInfo"})
"""Functions that fail in practice only once another call has completed, which a fault cannot wait for."""

# What ends a compute system: where it fails for good, nobody can.
ENDING = frozenset({"HcsTerminateComputeSystem"})


def failures(function: str) -> tuple[str, ...]:
    """Return HRESULTs that a function may fail with, by their symbols, the most telling first; () if it cannot."""
    return () if function in _OUTCOMES else _FAILURES.get(function, _ANY)


def functions() -> Iterator[str]:
    """Yield the functions of HCS whose calls can fail."""
    for function in _interpose.functions():
        if fault(site=function, action="fail", error=DISCONNECTED) is not None:
            yield function


def fault(**data: Any) -> Fault | None:
    """Return the fault of these data; None if its site does not take the action."""
    try:
        return Fault.from_dict(data)
    except ValueError:
        return None
