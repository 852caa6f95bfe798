"""The Host Compute Service itself: its properties and settings, and the files that virtual machines need.

These calls track no operation: none has a timeout, and Ctrl-C reaches the program once HCS has answered.
"""

from __future__ import annotations

from . import _calls
from ._facade import answer, check_name, path_text, query_text
from .documents import dumps

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


def properties(*types: str, query: Mapping[str, Any] | str | None = None) -> dict[str, Any]:
    """What HCS tells of itself: a ServiceProperties document.

    types: names such as "Basic", which gives the schema versions, or "CpuGroup"; Properties has one item for each.
    query: a Service_PropertyQuery document instead of them; the error of a query that failed stands under
    PropertyResponses. Raises AccessDeniedError, ServiceDisconnectedError, HcsError. HcsGetServiceProperties.
    """
    return answer(_calls.service_properties(query_text(types, query)), "HcsGetServiceProperties", dict)


def modify(property_type: str, settings: Mapping[str, Any]) -> None:
    """Change settings of the service, by a ModificationRequest.

    property_type: "CpuGroup" or "ContainerCredentialGuard". settings: what HCS expects for it, such as a
    HostProcessorModificationRequest. Raises AccessDeniedError, ServiceDisconnectedError, HcsError.
    HcsModifyServiceSettings.
    """
    check_name(property_type, "property_type")
    _calls.modify_service(dumps({"PropertyType": property_type, "Settings": settings}, argument="settings"))


def submit_wer_report(crash_report: Mapping[str, Any] | str) -> None:
    """Send the crash of a virtual machine to Windows Error Reporting.

    crash_report: the CrashReport document of its crash event. Raises HcsError. HcsSubmitWerReport.
    """
    _calls.submit_wer_report(dumps(crash_report, argument="crash_report"))


def create_guest_state_file(path: str | os.PathLike[str]) -> None:
    """Create an empty guest-state file (.vmgs), for the GuestState of a virtual machine.

    path: its full path. Raises HcsError. HcsCreateEmptyGuestStateFile.
    """
    _calls.create_guest_state_file(path_text(path, "path"))


def create_runtime_state_file(path: str | os.PathLike[str]) -> None:
    """Create an empty runtime-state file (.vmrs), for the GuestState of a virtual machine.

    path: its full path. Raises HcsError. HcsCreateEmptyRuntimeStateFile.
    """
    _calls.create_runtime_state_file(path_text(path, "path"))


def grant_vm_access(vm_id: str, path: str | os.PathLike[str]) -> None:
    """Let a virtual machine use a file, by an entry in the file's access list that revoke_vm_access() removes.

    vm_id: the id of the compute system. path: the full path of the file. Raises AccessDeniedError, PathNotFoundError,
    HcsError. HcsGrantVmAccess.
    """
    check_name(vm_id, "vm_id")
    _calls.grant_vm_access(vm_id, path_text(path, "path"))


def revoke_vm_access(vm_id: str, path: str | os.PathLike[str]) -> None:
    """Take back what grant_vm_access() gave.

    vm_id: the id of the compute system. path: the full path of the file. Raises as grant_vm_access().
    HcsRevokeVmAccess.
    """
    check_name(vm_id, "vm_id")
    _calls.revoke_vm_access(vm_id, path_text(path, "path"))


def grant_vm_group_access(path: str | os.PathLike[str]) -> None:
    """Let every virtual machine use a file.

    path: the full path of the file. Raises NotSupportedError before Windows 10 2004, or as grant_vm_access().
    HcsGrantVmGroupAccess.
    """
    _calls.grant_vm_group_access(path_text(path, "path"))


def revoke_vm_group_access(path: str | os.PathLike[str]) -> None:
    """Take back what grant_vm_group_access() gave.

    path: the full path of the file. Raises as grant_vm_group_access(). HcsRevokeVmGroupAccess.
    """
    _calls.revoke_vm_group_access(path_text(path, "path"))


def processor_compatibility(path: str | os.PathLike[str]) -> dict[str, Any]:
    """What a saved virtual machine needs of the processor that it goes on with: a VmProcessorRequirements document.

    path: the full path of its .vmrs file. Raises NotSupportedError before Windows 10 2104, PathNotFoundError, HcsError.
    HcsGetProcessorCompatibilityFromSavedState.
    """
    text = _calls.processor_compatibility(path_text(path, "path"))
    return answer(text, "HcsGetProcessorCompatibilityFromSavedState", dict)
