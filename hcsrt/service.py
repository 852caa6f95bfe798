# Made from hcsrt/aio/service.py by `python tools/faces.py write`: change that file instead of this one.
"""The Host Compute Service itself: its properties and settings, and the files that virtual machines need.

HCS takes and answers each of these calls in one go: one that is interrupted, or whose time is up, goes on to its end.
On the main thread, and where there is a timeout, it is made on another thread, if this one does not impersonate.
"""

from __future__ import annotations

import os

from . import documents
from ._arguments import check_name, path_text, seconds
from ._blocking import CALLS, finish
from ._facade.requests import advised, answer, query_text
from .documents import dumps, loads

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
    *types: str, query: documents.Given[documents.Service_PropertyQuery] | None = None, timeout: float | None = None
) -> documents.ServiceProperties:
    """Ask HCS for its own properties.

    Args:
        types: Names such as "Basic", which gives the schema versions, or "CpuGroup".
        query: A Service_PropertyQuery document instead of them.
        timeout: Seconds, None for ever.

    Returns:
        A ServiceProperties document. Properties has one item for each type; the error of a query that failed stands
        under PropertyResponses.

    Raises:
        AccessDeniedError: This account may not do it.
        ServiceDisconnectedError: The service has gone away.
        OperationTimeoutError: The time is up.
        HcsError: HCS refuses for another reason.

    HCS: HcsGetServiceProperties
    """
    asked = query_text(types, query)
    with advised("Service_PropertyQuery", asked):
        text = finish(CALLS.service("HcsGetServiceProperties", asked, timeout=seconds(timeout)))
    return answer(text, "HcsGetServiceProperties", dict)


def modify(
    property_type: str,
    settings: documents.Given[
        documents.HostProcessorModificationRequest | documents.ContainerCredentialGuardOperationRequest
    ],
    *,
    timeout: float | None = None,
) -> None:
    """Change settings of the service, by a ModificationRequest.

    Args:
        property_type: "CpuGroup" or "ContainerCredentialGuard".
        settings: What HCS expects for it, such as a HostProcessorModificationRequest.
        timeout: Seconds, None for ever.

    Raises:
        AccessDeniedError: This account may not do it.
        ServiceDisconnectedError: The service has gone away.
        OperationTimeoutError: The time is up.
        HcsError: HCS refuses for another reason.

    HCS: HcsModifyServiceSettings
    """
    check_name(property_type, "property_type")
    request = dumps({"PropertyType": property_type, "Settings": loads(dumps(settings, argument="settings"))})
    with advised("ModificationRequest", request):
        finish(CALLS.service("HcsModifyServiceSettings", request, timeout=seconds(timeout)))


def submit_wer_report(crash_report: documents.Given[documents.CrashReport], *, timeout: float | None = None) -> None:
    """Send the crash of a virtual machine to Windows Error Reporting.

    Args:
        crash_report: The CrashReport document of its crash event.
        timeout: Seconds, None for ever.

    Raises:
        OperationTimeoutError: The time is up.
        HcsError: HCS refuses for another reason.

    HCS: HcsSubmitWerReport
    """
    report = dumps(crash_report, argument="crash_report")
    with advised("CrashReport", report):
        finish(CALLS.service("HcsSubmitWerReport", report, timeout=seconds(timeout)))


def create_guest_state_file(path: str | os.PathLike[str], *, timeout: float | None = None) -> None:
    """Create an empty guest-state file (.vmgs), for the GuestState of a virtual machine.

    Args:
        path: Its full path.
        timeout: Seconds, None for ever.

    Raises:
        PathExistsError: There is such a file.
        PathNotFoundError: There is no such folder.
        OperationTimeoutError: The time is up.
        HcsError: HCS refuses for another reason.

    HCS: HcsCreateEmptyGuestStateFile
    """
    finish(CALLS.service("HcsCreateEmptyGuestStateFile", path_text(path, "path"), timeout=seconds(timeout)))


def create_runtime_state_file(path: str | os.PathLike[str], *, timeout: float | None = None) -> None:
    """Create an empty runtime-state file (.vmrs), for the GuestState of a virtual machine.

    Args:
        path: Its full path.
        timeout: Seconds, None for ever.

    Raises:
        PathExistsError: There is such a file.
        PathNotFoundError: There is no such folder.
        OperationTimeoutError: The time is up.
        HcsError: HCS refuses for another reason.

    HCS: HcsCreateEmptyRuntimeStateFile
    """
    finish(CALLS.service("HcsCreateEmptyRuntimeStateFile", path_text(path, "path"), timeout=seconds(timeout)))


def grant_vm_access(vm_id: str, path: str | os.PathLike[str], *, timeout: float | None = None) -> None:
    """Let a virtual machine use a file, by an entry in the file's access list that revoke_vm_access() removes.

    Args:
        vm_id: The id of the compute system.
        path: The full path of the file.
        timeout: Seconds, None for ever.

    Raises:
        AccessDeniedError: This account may not do it.
        PathNotFoundError: There is no such file.
        OperationTimeoutError: The time is up.
        HcsError: HCS refuses for another reason.

    HCS: HcsGrantVmAccess
    """
    check_name(vm_id, "vm_id")
    finish(CALLS.service("HcsGrantVmAccess", vm_id, path_text(path, "path"), timeout=seconds(timeout)))


def revoke_vm_access(vm_id: str, path: str | os.PathLike[str], *, timeout: float | None = None) -> None:
    """Take back what grant_vm_access() gave.

    Args:
        vm_id: The id of the compute system.
        path: The full path of the file.
        timeout: Seconds, None for ever.

    Raises:
        AccessDeniedError: This account may not do it.
        PathNotFoundError: There is no such file.
        OperationTimeoutError: The time is up.
        HcsError: HCS refuses for another reason.

    HCS: HcsRevokeVmAccess
    """
    check_name(vm_id, "vm_id")
    finish(CALLS.service("HcsRevokeVmAccess", vm_id, path_text(path, "path"), timeout=seconds(timeout)))


def grant_vm_group_access(path: str | os.PathLike[str], *, timeout: float | None = None) -> None:
    """Let every virtual machine use a file.

    Args:
        path: The full path of the file.
        timeout: Seconds, None for ever.

    Raises:
        NotSupportedError: This Windows is older than Windows 10 2004.
        AccessDeniedError: This account may not do it.
        PathNotFoundError: There is no such file.
        OperationTimeoutError: The time is up.
        HcsError: HCS refuses for another reason.

    HCS: HcsGrantVmGroupAccess
    """
    finish(CALLS.service("HcsGrantVmGroupAccess", path_text(path, "path"), timeout=seconds(timeout)))


def revoke_vm_group_access(path: str | os.PathLike[str], *, timeout: float | None = None) -> None:
    """Take back what grant_vm_group_access() gave.

    Args:
        path: The full path of the file.
        timeout: Seconds, None for ever.

    Raises:
        NotSupportedError: This Windows is older than Windows 10 2004.
        AccessDeniedError: This account may not do it.
        PathNotFoundError: There is no such file.
        OperationTimeoutError: The time is up.
        HcsError: HCS refuses for another reason.

    HCS: HcsRevokeVmGroupAccess
    """
    finish(CALLS.service("HcsRevokeVmGroupAccess", path_text(path, "path"), timeout=seconds(timeout)))


def processor_compatibility(
    path: str | os.PathLike[str], *, timeout: float | None = None
) -> documents.VmProcessorRequirements:
    """Ask what a saved virtual machine needs of the processor that it goes on with.

    Args:
        path: The full path of its .vmrs file.
        timeout: Seconds, None for ever.

    Returns:
        A VmProcessorRequirements document.

    Raises:
        NotSupportedError: This Windows is older than Windows 10 2104.
        PathNotFoundError: There is no such file.
        OperationTimeoutError: The time is up.
        HcsError: HCS refuses for another reason.

    HCS: HcsGetProcessorCompatibilityFromSavedState
    """
    function = "HcsGetProcessorCompatibilityFromSavedState"
    text = finish(CALLS.service(function, path_text(path, "path"), timeout=seconds(timeout)))
    return answer(text, function, dict)
