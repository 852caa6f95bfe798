"""The plain verbs of HCS by short names, each over the one call of hcsrt."""

import re
from collections.abc import Callable
from typing import Any

from hcsrt import _calls
from hcsrt._interpose import functions
from hcsrt._streams import ProcessStart
from hcsrt.errors import HcsError


def _verb(function: str) -> Callable[..., str | None]:
    def verb(handle: Any, text: str | None = None, timeout: Any = None, **options: Any) -> str | None:
        return _calls.call(handle, function, text, timeout, **options)

    verb.__name__ = function
    return verb


def __getattr__(name: str) -> Callable[..., str | None]:
    """Return the verb of a system or a process: pause_system for the function that pauses a ComputeSystem."""
    for function in functions():
        words = re.sub(r"(?<!^)(?=[A-Z])", "_", function.removeprefix("Hcs")).lower()
        if words.replace("compute_system", "system") == name:
            return _verb(function)
    raise AttributeError(name)


def _of_service(function: str) -> Callable[..., str | None]:
    def verb(*texts: str | None) -> str | None:
        return _calls.service(function, *(texts or (None,)))

    verb.__name__ = function
    return verb


service_properties = _of_service("HcsGetServiceProperties")
modify_service = _of_service("HcsModifyServiceSettings")
create_guest_state_file = _of_service("HcsCreateEmptyGuestStateFile")
create_runtime_state_file = _of_service("HcsCreateEmptyRuntimeStateFile")
grant_vm_access = _of_service("HcsGrantVmAccess")
revoke_vm_access = _of_service("HcsRevokeVmAccess")
grant_vm_group_access = _of_service("HcsGrantVmGroupAccess")
revoke_vm_group_access = _of_service("HcsRevokeVmGroupAccess")


def create_process(*arguments: Any, **options: Any) -> ProcessStart:
    """Create a process. Where HCS reports a failure and gives a handle, it is asked whether the process runs."""
    start = _calls.create_process(*arguments, **options)
    if start.error is None:
        return start
    try:
        return _calls.process_info(start.process)
    except HcsError:
        start.close()
        raise start.error from None
