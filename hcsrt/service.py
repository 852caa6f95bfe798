"""The Host Compute Service itself: its properties and settings, and the files that virtual machines need.

HCS takes and answers each of these calls in one go: one that is interrupted, or whose time is up, goes on to its end.
On the main thread, and where there is a timeout, it is made on another thread, if this one does not impersonate.
"""

from __future__ import annotations

from ._blocking import CALLS, finish
from ._facade.arguments import check_name, path_text
from ._facade.requests import answer, query_text
from ._facade.times import seconds
from .documents import dumps, plain

TYPE_CHECKING = False
if TYPE_CHECKING:
    import os
    from collections.abc import Mapping
    from typing import Any

__all__ = [
    "create_guest_state_file",
    "create_runtime_state_file",
    "grant_vm_access",
    "grant_vm_group_access",
    "modify",
    "processor_compatibility",
    "properties",
    "revoke_vm_access",
    "revoke_vm_group_access",
    "submit_wer_report",
]


def properties(
    *types: str, query: Mapping[str, Any] | str | None = None, timeout: float | None = None
) -> dict[str, Any]:
    """What HCS tells of itself: a ServiceProperties document.

    types: names such as "Basic", which gives the schema versions, or "CpuGroup"; Properties has one item for each.
    query: a Service_PropertyQuery document instead of them; the error of a query that failed stands under
    PropertyResponses. timeout: seconds. Raises AccessDeniedError, ServiceDisconnectedError, OperationTimeoutError,
    HcsError. HcsGetServiceProperties.
    """
    query = query_text(types, query)
    text = finish(CALLS.service("HcsGetServiceProperties", query, timeout=seconds(timeout)))
    return answer(text, "HcsGetServiceProperties", dict)


def modify(property_type: str, settings: Mapping[str, Any], *, timeout: float | None = None) -> None:
    """Change settings of the service, by a ModificationRequest.

    property_type: "CpuGroup" or "ContainerCredentialGuard". settings: what HCS expects for it, such as a
    HostProcessorModificationRequest. timeout: seconds. Raises AccessDeniedError, ServiceDisconnectedError,
    OperationTimeoutError, HcsError. HcsModifyServiceSettings.
    """
    check_name(property_type, "property_type")
    request = dumps({"PropertyType": property_type, "Settings": plain(settings, "settings")})
    finish(CALLS.service("HcsModifyServiceSettings", request, timeout=seconds(timeout)))


def submit_wer_report(crash_report: Mapping[str, Any] | str, *, timeout: float | None = None) -> None:
    """Send the crash of a virtual machine to Windows Error Reporting.

    crash_report: the CrashReport document of its crash event. timeout: seconds. Raises OperationTimeoutError, HcsError.
    HcsSubmitWerReport.
    """
    report = dumps(crash_report, argument="crash_report")
    finish(CALLS.service("HcsSubmitWerReport", report, timeout=seconds(timeout)))


def create_guest_state_file(path: str | os.PathLike[str], *, timeout: float | None = None) -> None:
    """Create an empty guest-state file (.vmgs), for the GuestState of a virtual machine.

    path: its full path. timeout: seconds. Raises PathExistsError, PathNotFoundError, OperationTimeoutError, HcsError.
    HcsCreateEmptyGuestStateFile.
    """
    finish(CALLS.service("HcsCreateEmptyGuestStateFile", path_text(path, "path"), timeout=seconds(timeout)))


def create_runtime_state_file(path: str | os.PathLike[str], *, timeout: float | None = None) -> None:
    """Create an empty runtime-state file (.vmrs), for the GuestState of a virtual machine.

    path: its full path. timeout: seconds. Raises PathExistsError, PathNotFoundError, OperationTimeoutError, HcsError.
    HcsCreateEmptyRuntimeStateFile.
    """
    finish(CALLS.service("HcsCreateEmptyRuntimeStateFile", path_text(path, "path"), timeout=seconds(timeout)))


def grant_vm_access(vm_id: str, path: str | os.PathLike[str], *, timeout: float | None = None) -> None:
    """Let a virtual machine use a file, by an entry in the file's access list that revoke_vm_access() removes.

    vm_id: the id of the compute system. path: the full path of the file. timeout: seconds. Raises AccessDeniedError,
    PathNotFoundError, OperationTimeoutError, HcsError. HcsGrantVmAccess.
    """
    check_name(vm_id, "vm_id")
    finish(CALLS.service("HcsGrantVmAccess", vm_id, path_text(path, "path"), timeout=seconds(timeout)))


def revoke_vm_access(vm_id: str, path: str | os.PathLike[str], *, timeout: float | None = None) -> None:
    """Take back what grant_vm_access() gave.

    vm_id: the id of the compute system. path: the full path of the file. timeout: seconds. Raises as grant_vm_access().
    HcsRevokeVmAccess.
    """
    check_name(vm_id, "vm_id")
    finish(CALLS.service("HcsRevokeVmAccess", vm_id, path_text(path, "path"), timeout=seconds(timeout)))


def grant_vm_group_access(path: str | os.PathLike[str], *, timeout: float | None = None) -> None:
    """Let every virtual machine use a file.

    path: the full path of the file. timeout: seconds. Raises NotSupportedError before Windows 10 2004, or as
    grant_vm_access(). HcsGrantVmGroupAccess.
    """
    finish(CALLS.service("HcsGrantVmGroupAccess", path_text(path, "path"), timeout=seconds(timeout)))


def revoke_vm_group_access(path: str | os.PathLike[str], *, timeout: float | None = None) -> None:
    """Take back what grant_vm_group_access() gave.

    path: the full path of the file. timeout: seconds. Raises as grant_vm_group_access(). HcsRevokeVmGroupAccess.
    """
    finish(CALLS.service("HcsRevokeVmGroupAccess", path_text(path, "path"), timeout=seconds(timeout)))


def processor_compatibility(path: str | os.PathLike[str], *, timeout: float | None = None) -> dict[str, Any]:
    """What a saved virtual machine needs of the processor that it goes on with: a VmProcessorRequirements document.

    path: the full path of its .vmrs file. timeout: seconds. Raises NotSupportedError before Windows 10 2104,
    PathNotFoundError, OperationTimeoutError, HcsError. HcsGetProcessorCompatibilityFromSavedState.
    """
    function = "HcsGetProcessorCompatibilityFromSavedState"
    text = finish(CALLS.service(function, path_text(path, "path"), timeout=seconds(timeout)))
    return answer(text, function, dict)
