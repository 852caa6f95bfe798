"""The HRESULTs that HCS, HCN and Windows beneath them return: meanings and remedies in our own words.

Written by hand. The first error or explanation imports it, not `import hcsrt`.
"""

from __future__ import annotations

from . import _hresults as hresults

_FEATURES = (
    "Turn on the Windows features Virtual Machine Platform and Hyper-V, turn on virtualization in the firmware, "
    "let the hypervisor start (bcdedit /set hypervisorlaunchtype auto) and restart; inside a virtual machine, expose "
    "nested virtualization to it first (Set-VMProcessor -ExposeVirtualizationExtensions $true on its host)."
)
_GROUPS = "Run as an administrator, or as a member of Hyper-V Administrators after signing in again."
_ACCESS = (
    "A virtual machine needs HcsGrantVmAccess for its files; and a process that has exited already answers a terminate "
    "with this code too."
)
_DOCUMENT = (
    "Correct the document at the place named; check the spelling, the type of the value, and that SchemaVersion is "
    "new enough for the member."
)
_GUEST = "Check that the guest has booted and that its guest service runs and is as new as the host asks."
_RECONNECT = (
    "Wait until the service vmcompute runs again, then open surviving systems by id; the event log "
    "Microsoft-Windows-Hyper-V-Compute-Admin may tell why it went."
)
_NETWORK_DOCUMENT = "Correct the settings document: compare its members with the HCN schema."
_HNS = "Start the Host Network Service (sc start hns); it comes with the features Containers and Hyper-V."
_VFP = "Use a network type that works without the Virtual Filtering Platform, or turn it on for the switch."

# Unsigned HRESULT: its symbol.
SYMBOLS: dict[int, str] = {}
for _name, _code in vars(hresults).items():
    if isinstance(_code, int):
        SYMBOLS.setdefault(_code, _name)  # of several names the first

# Unsigned HRESULT: (meaning, hint). Families 0x8037 and 0xC037 mean the same for the same low word; an entry stands
# under 0xC037 only where 0x8037 has none.
MEANINGS: dict[int, tuple[str, str | None]] = {
    # Compute systems, their processes and operations.
    hresults.HCS_E_TERMINATED_DURING_START: (
        "The compute system died while it was starting",
        "Look into the event log Microsoft-Windows-Hyper-V-Compute-Admin and check disk, memory and boot device.",
    ),
    hresults.HCS_E_IMAGE_MISMATCH: (
        "The container image is of another Windows version than this host accepts",
        "Use an image of the host's Windows version, or isolate the container with Hyper-V.",
    ),
    hresults.HCS_E_HYPERV_NOT_INSTALLED: (
        "The virtual machine cannot start because no hypervisor is at hand: a Windows feature is missing, "
        "virtualization is off in the firmware or not passed on to this virtual machine, or the hypervisor was not "
        "launched at boot",
        _FEATURES,
    ),
    hresults.HCS_E_INVALID_STATE: (
        "The compute system is in a state that does not allow this request",
        "Query its State: a created system can be started, a running one run commands or be paused, a paused one be "
        "resumed or saved.",
    ),
    hresults.HCS_E_UNEXPECTED_EXIT: (
        "The compute system stopped although nobody had asked for it",
        "Look at the exit document (ExitType, Attribution) and at the guest's own log.",
    ),
    hresults.HCS_E_TERMINATED: ("The compute system was terminated before the request was done", None),
    hresults.HCS_E_CONNECT_FAILED: ("The host got no connection to the guest", _GUEST),
    hresults.HCS_E_CONNECTION_TIMEOUT: ("The guest did not answer in the time that HCS allows", _GUEST),
    hresults.HCS_E_CONNECTION_CLOSED: ("The connection between host and guest broke off", _GUEST),
    hresults.HCS_E_UNKNOWN_MESSAGE: (
        "The guest does not know the kind of message that the host sent",
        "Update the guest: its guest service is older than this request.",
    ),
    hresults.HCS_E_UNSUPPORTED_PROTOCOL_VERSION: (
        "Host and guest have no protocol version in common",
        "Bring host and guest to versions that fit each other.",
    ),
    hresults.HCS_E_INVALID_JSON: ("The JSON document is not acceptable", _DOCUMENT),
    hresults.HCS_E_SYSTEM_NOT_FOUND: (
        "There is no compute system of this id",
        "List the systems there are; a stopped system disappears, so that starting again means creating it again.",
    ),
    hresults.HCS_E_SYSTEM_ALREADY_EXISTS: (
        "There is a compute system of this id already",
        "Choose another id, open the system that exists, or terminate it first.",
    ),
    hresults.HCS_E_SYSTEM_ALREADY_STOPPED: ("The compute system has stopped already", None),
    hresults.HCS_E_PROTOCOL_ERROR: ("Host and guest misunderstood each other: one broke the protocol", _GUEST),
    hresults.HCS_E_INVALID_LAYER: (
        "A layer of the container is not in a format that HCS knows",
        "Check the layers' paths, and import the damaged layer anew.",
    ),
    hresults.HCS_E_WINDOWS_INSIDER_REQUIRED: (
        "The image is a preview that only runs on hosts of the Windows Insider programme",
        "Enrol the host in the Windows Insider programme, or use a released image.",
    ),
    hresults.HCS_E_SERVICE_NOT_AVAILABLE: (
        "The request needs a Windows feature that is not there",
        _FEATURES,
    ),
    hresults.HCS_E_OPERATION_NOT_STARTED: (
        "A result was asked of an operation that was never passed to a call",
        "Pass the operation to an HCS function before asking for its result.",
    ),
    hresults.HCS_E_OPERATION_ALREADY_STARTED: (
        "The operation tracks another call already",
        "Give each call an operation of its own, or wait for the earlier call.",
    ),
    hresults.HCS_E_OPERATION_PENDING: ("The operation is not done yet", "Wait for it and ask again."),
    hresults.HCS_E_OPERATION_TIMEOUT: (
        "The wait ran out before the operation was done; the call goes on inside HCS",
        "Allow more time, or terminate the compute system.",
    ),
    hresults.HCS_E_OPERATION_SYSTEM_CALLBACK_ALREADY_SET: (
        "The handle has its event callback already, so that no second callback can be added",
        "Register one callback for each handle, or open a second handle.",
    ),
    hresults.HCS_E_OPERATION_RESULT_ALLOCATION_FAILED: (
        "There was not enough memory for the result document",
        "Free memory on the host; the operation itself may well have succeeded.",
    ),
    hresults.HCS_E_ACCESS_DENIED: ("This account may not use the Host Compute Service", _GROUPS),
    hresults.HCS_E_GUEST_CRITICAL_ERROR: (
        "The guest met a critical error and was stopped or restarted",
        "Look into the guest's crash dump or log.",
    ),
    hresults.HCS_E_PROCESS_INFO_NOT_AVAILABLE: (
        "HCS has no process information to give",
        "Ask only for operations that created a process or queried one.",
    ),
    hresults.HCS_E_SERVICE_DISCONNECT: ("The Host Compute Service broke off the connection", _RECONNECT),
    hresults.HCS_E_PROCESS_ALREADY_STOPPED: ("The process has exited already", None),
    hresults.HCS_E_SYSTEM_NOT_CONFIGURED_FOR_OPERATION: (
        "The compute system was created without what this request needs",
        "Create it with a configuration that provides for the request.",
    ),
    hresults.HCS_E_OPERATION_ALREADY_CANCELLED: ("The operation has been cancelled already", None),
    hresults.ERROR_VMCOMPUTE_OPERATION_PENDING: (
        "The request was accepted and its outcome comes later by notification",
        "Wait for the notification.",
    ),
    hresults.ERROR_VMCOMPUTE_TOO_MANY_NOTIFICATIONS: (
        "No more notifications can be registered for this object",
        "Unregister a notification first.",
    ),
    # Networks, endpoints, namespaces and the guest's side of them.
    hresults.HCN_E_NETWORK_NOT_FOUND: ("There is no such network", "List the networks and check the id."),
    hresults.HCN_E_ENDPOINT_NOT_FOUND: ("There is no such endpoint", "List the endpoints and check the id."),
    hresults.HCN_E_LAYER_NOT_FOUND: ("The layer beneath the network is missing", None),
    hresults.HCN_E_SWITCH_NOT_FOUND: (
        "The virtual switch of the network is missing",
        "Create the switch again, or delete the network and create it anew.",
    ),
    hresults.HCN_E_SUBNET_NOT_FOUND: (
        "No subnet of the network suits the endpoint",
        "Add a subnet to the network, or give the endpoint an address of one that is there.",
    ),
    hresults.HCN_E_ADAPTER_NOT_FOUND: (
        "There is no such network adapter",
        "Check the adapter's name on the host.",
    ),
    hresults.HCN_E_PORT_NOT_FOUND: ("The switch has no such port", None),
    hresults.HCN_E_POLICY_NOT_FOUND: ("A policy that has to be there is not", "Add the policy first."),
    hresults.HCN_E_VFP_PORTSETTING_NOT_FOUND: ("The port lacks a setting of the Virtual Filtering Platform", _VFP),
    hresults.HCN_E_INVALID_NETWORK: ("The document of the network is wrong or lacks something", _NETWORK_DOCUMENT),
    hresults.HCN_E_INVALID_NETWORK_TYPE: (
        "HCN knows no network of this type",
        "Use a type such as NAT, Transparent, L2Bridge, Overlay or ICS.",
    ),
    hresults.HCN_E_INVALID_ENDPOINT: (
        "The document of the endpoint is wrong or lacks something",
        _NETWORK_DOCUMENT,
    ),
    hresults.HCN_E_INVALID_POLICY: ("The document of the policy is wrong or lacks something", _NETWORK_DOCUMENT),
    hresults.HCN_E_INVALID_POLICY_TYPE: ("HCN knows no policy of this type", _NETWORK_DOCUMENT),
    hresults.HCN_E_INVALID_REMOTE_ENDPOINT_OPERATION: (
        "A remote endpoint does not allow this",
        "Do it on the host where the endpoint is local.",
    ),
    hresults.HCN_E_NETWORK_ALREADY_EXISTS: ("A network has this name already", "Choose another name, or use it."),
    hresults.HCN_E_LAYER_ALREADY_EXISTS: ("The layer of the network is there already", None),
    hresults.HCN_E_POLICY_ALREADY_EXISTS: ("The object has this policy already", "Update or remove it instead."),
    hresults.HCN_E_PORT_ALREADY_EXISTS: ("The port is in use already", "Choose another port."),
    hresults.HCN_E_ENDPOINT_ALREADY_ATTACHED: (
        "The endpoint is attached to the switch already",
        "Detach it first if it belongs elsewhere.",
    ),
    hresults.HCN_E_REQUEST_UNSUPPORTED: ("HCN does not support this request", None),
    hresults.HCN_E_MAPPING_NOT_SUPPORTED: (
        "The network cannot map ports",
        "Use a NAT network where ports have to be mapped.",
    ),
    hresults.HCN_E_DEGRADED_OPERATION: ("The object is degraded and cannot do this", None),
    hresults.HCN_E_SHARED_SWITCH_MODIFICATION: (
        "Several networks share the switch, so that it may not be changed",
        "Remove the other networks first, or give the network a switch of its own.",
    ),
    hresults.HCN_E_GUID_CONVERSION_FAILURE: ("A parameter should be a GUID and is none", "Check the ids passed."),
    hresults.HCN_E_REGKEY_FAILURE: ("A registry key could not be read or written", "Run as an administrator."),
    hresults.HCN_E_INVALID_JSON: ("The text is not valid JSON", _NETWORK_DOCUMENT),
    hresults.HCN_E_INVALID_JSON_REFERENCE: (
        "The JSON document refers to something that is not there",
        _NETWORK_DOCUMENT,
    ),
    hresults.HCN_E_ENDPOINT_SHARING_DISABLED: ("Endpoint sharing is switched off", None),
    hresults.HCN_E_INVALID_IP: (
        "The IP address is malformed or belongs to no subnet of the network",
        "Choose an address inside one of the network's subnets.",
    ),
    hresults.HCN_E_SWITCH_EXTENSION_NOT_FOUND: (
        "The switch does not have this extension",
        "Install the extension.",
    ),
    hresults.HCN_E_MANAGER_STOPPED: ("The Host Network Service is stopping", _HNS),
    hresults.GCN_E_MODULE_NOT_FOUND: ("The guest lacks a module of the network service", _GUEST),
    hresults.GCN_E_NO_REQUEST_HANDLERS: ("Nobody in the guest handles this request", _GUEST),
    hresults.GCN_E_REQUEST_UNSUPPORTED: ("The guest does not support this request", _GUEST),
    hresults.GCN_E_RUNTIMEKEYS_FAILED: ("The guest could not add the runtime keys of the container", None),
    hresults.GCN_E_NETADAPTER_TIMEOUT: ("The network adapter did not appear in the guest in time", _GUEST),
    hresults.GCN_E_NETADAPTER_NOT_FOUND: ("The guest has no network adapter of this instance id", None),
    hresults.GCN_E_NETCOMPARTMENT_NOT_FOUND: ("The guest has no such network compartment", None),
    hresults.GCN_E_NETINTERFACE_NOT_FOUND: ("The guest has no such network interface", None),
    hresults.GCN_E_DEFAULTNAMESPACE_EXISTS: ("The guest has a default namespace already", None),
    hresults.HCN_E_ICS_DISABLED: (
        "The service for Internet Connection Sharing is disabled",
        "Enable it: sc config SharedAccess start= demand",
    ),
    hresults.HCN_E_ENDPOINT_NAMESPACE_ALREADY_EXISTS: (
        "The endpoint belongs to a namespace already",
        "Remove it from its namespace first.",
    ),
    hresults.HCN_E_ENTITY_HAS_REFERENCES: (
        "The object is still in use and cannot be deleted",
        "Delete first what refers to it: endpoints before their network.",
    ),
    hresults.HCN_E_INVALID_INTERNAL_PORT: ("The internal port is missing or zero", "Give a port from 1 to 65535."),
    hresults.HCN_E_NAMESPACE_ATTACH_FAILED: ("The namespace could not be attached", None),
    hresults.HCN_E_ADDR_INVALID_OR_RESERVED: ("The address is invalid or reserved", "Choose another address."),
    hresults.HCN_E_INVALID_PREFIX: ("The address prefix is invalid", "Write it as address/length."),
    hresults.HCN_E_OBJECT_USED_AFTER_UNLOAD: ("The object was torn down already", "Open it again."),
    hresults.HCN_E_INVALID_SUBNET: ("The document of the subnet is wrong or lacks something", _NETWORK_DOCUMENT),
    hresults.HCN_E_INVALID_IP_SUBNET: (
        "The document of the IP subnet is wrong or lacks something",
        _NETWORK_DOCUMENT,
    ),
    hresults.HCN_E_ENDPOINT_NOT_ATTACHED: ("The endpoint is not attached yet", "Attach the endpoint first."),
    hresults.HCN_E_ENDPOINT_NOT_LOCAL: ("The endpoint is not on this host", "Use a local endpoint."),
    hresults.HCN_INTERFACEPARAMETERS_ALREADY_APPLIED: (
        "The interface parameters are set already, and there may be one such policy only",
        "Remove the policy that is there first.",
    ),
    hresults.HCN_E_VFP_NOT_ALLOWED: (
        "The network type needs the Virtual Filtering Platform, which is not there",
        _VFP,
    ),
    # The service and the way to it.
    hresults.ERROR_SERVICE_DISABLED: (
        "The Host Compute Service is disabled",
        "Enable and start it: sc config vmcompute start= demand, then sc start vmcompute",
    ),
    hresults.ERROR_SERVICE_DOES_NOT_EXIST: (
        "This Windows has no Host Compute Service",
        "Turn on the Windows feature Containers, Hyper-V or Virtual Machine Platform, and restart.",
    ),
    hresults.RPC_S_SERVER_UNAVAILABLE: ("The Host Compute Service cannot be reached", _RECONNECT),
    hresults.RPC_S_CALL_FAILED: ("The Host Compute Service went away during the call", _RECONNECT),
    hresults.RPC_S_CALL_FAILED_DNE: ("The Host Compute Service went away before it ran the call", _RECONNECT),
    hresults.EPT_S_NOT_REGISTERED: ("The service that should answer has registered no endpoint", _HNS),
    hresults.RPC_X_SS_IN_NULL_CONTEXT: (
        "The handle is stale: it was closed, or the service restarted since it was opened",
        "Open the compute system or process again.",
    ),
    # Windows in general.
    hresults.S_OK: ("The call succeeded", None),
    hresults.E_NOTIMPL: (
        "This is not implemented",
        "Windows reserves the function for later; on the emulator, help(hcsrt.emulator) tells what is emulated.",
    ),
    hresults.E_NOINTERFACE: ("The object does not offer this interface", None),
    hresults.E_POINTER: ("A pointer that has to be given is NULL", None),
    hresults.E_ABORT: ("The call was aborted", None),
    hresults.E_FAIL: (
        "The call failed for a reason that HCS does not tell",
        "Look into the event log Microsoft-Windows-Hyper-V-Compute-Admin.",
    ),
    hresults.E_UNEXPECTED: (
        "HCS ran into something that it had not foreseen",
        "Look into the event log Microsoft-Windows-Hyper-V-Compute-Admin.",
    ),
    hresults.ERROR_FILE_NOT_FOUND: (
        "A file or program is not there",
        "Check the paths as the guest or host sees them.",
    ),
    hresults.ERROR_PATH_NOT_FOUND: (
        "A folder of the path is not there",
        "Check the paths as the guest or host sees them.",
    ),
    hresults.ERROR_TOO_MANY_OPEN_FILES: (
        "Too many files are open",
        "Close what is no longer needed, or raise the limit of open files.",
    ),
    hresults.E_ACCESSDENIED: (
        "Access is denied",
        f"{_GROUPS} {_ACCESS}",
    ),
    hresults.E_HANDLE: (
        "The handle is invalid, or its compute system is just being stopped",
        "Open the compute system again; if it has stopped, there is nothing left to ask.",
    ),
    hresults.ERROR_INVALID_DATA: (
        "HCS cannot make sense of the data",
        "Check the request: it may be malformed, or not supported for this kind of system.",
    ),
    hresults.E_OUTOFMEMORY: (
        "There is not enough memory",
        "Free memory on the host, or give the compute system less.",
    ),
    hresults.ERROR_SHARING_VIOLATION: (
        "A file is in use by someone else",
        "Stop the other compute system or detach the disk that holds the file.",
    ),
    hresults.ERROR_NOT_SUPPORTED: (
        "The request is not supported here",
        "Check the kind of system and its version.",
    ),
    hresults.ERROR_FILE_EXISTS: (
        "A file with this name exists already",
        "Choose another name, or remove the file.",
    ),
    hresults.E_INVALIDARG: (
        "An argument is invalid",
        "Check ids, resource paths and options against the HCS function named.",
    ),
    hresults.ERROR_BROKEN_PIPE: ("The other end of the pipe is closed", None),
    hresults.ERROR_MOD_NOT_FOUND: (
        "A DLL is not there",
        "computecore.dll comes with Windows 10 1809, Server 2019 and newer once one of the features Containers, "
        "Hyper-V or Virtual Machine Platform is on. On other systems use the emulator: unset HCSRT_BACKEND.",
    ),
    hresults.ERROR_PROC_NOT_FOUND: (
        "This Windows does not have the function",
        "Update Windows to a version that has the function.",
    ),
    hresults.ERROR_ALREADY_EXISTS: (
        "What is to be added is there already",
        "Choose another name or id, or use RequestType Update.",
    ),
    hresults.ERROR_BAD_EXE_FORMAT: (
        "The file is no program that this system can run",
        "Check that the program was built for the guest's processor and operating system.",
    ),
    hresults.ERROR_FILENAME_EXCED_RANGE: ("A path, name or argument is too long", "Make it shorter."),
    hresults.WAIT_TIMEOUT: ("The wait ran out", "Allow more time."),
    hresults.ERROR_DIRECTORY: (
        "The working directory is not there or is no directory",
        "Check the working directory.",
    ),
    hresults.ERROR_NOT_FOUND: (
        "The object or process is not there: it never was, or it has gone",
        "Check process id and resource path; a process that has exited can no longer be found.",
    ),
    hresults.ERROR_NO_SYSTEM_RESOURCES: (
        "The system is out of a resource such as processes or memory",
        "Stop what is no longer needed, or raise the limit.",
    ),
}

# Who speaks, for codes that are not in the table. 7 is left out: its codes are Win32 error numbers.
FACILITIES: dict[int, str] = {
    0x01: "RPC",
    0x03: "storage",
    0x04: "the interface called",
    0x35: "the hypervisor",
    0x37: "virtualization",
    0x3A: "virtual hard disks",
    0x3B: "host networking",
}

# (unsigned HRESULT, operation): the hint where the operation tells more than the code alone.
HINTS: dict[tuple[int, str], str] = {
    (hresults.E_ACCESSDENIED, "HcsCreateProcess"): (
        "The program may not be executable for the user in the compute system: the file lacks the permission, or it is "
        "a directory."
    ),
}

_AGAIN = "Open surviving systems by id, or create them again."
# Unsigned HRESULT: the hint where the emulator answers, in place of one that is about Windows.
ON_EMULATOR: dict[int, str | None] = {
    hresults.HCS_E_TERMINATED_DURING_START: "Check disk, memory and boot device.",
    hresults.HCS_E_IMAGE_MISMATCH: None,
    hresults.HCS_E_HYPERV_NOT_INSTALLED: None,
    hresults.HCS_E_WINDOWS_INSIDER_REQUIRED: None,
    hresults.HCS_E_ACCESS_DENIED: None,
    hresults.HCS_E_SERVICE_DISCONNECT: _AGAIN,
    hresults.HCS_E_SERVICE_NOT_AVAILABLE: None,
    hresults.HCN_E_REGKEY_FAILURE: None,
    hresults.HCN_E_MANAGER_STOPPED: None,
    hresults.HCN_E_ICS_DISABLED: None,
    hresults.ERROR_SERVICE_DISABLED: None,
    hresults.ERROR_SERVICE_DOES_NOT_EXIST: None,
    hresults.RPC_S_SERVER_UNAVAILABLE: _AGAIN,
    hresults.RPC_S_CALL_FAILED: _AGAIN,
    hresults.RPC_S_CALL_FAILED_DNE: _AGAIN,
    hresults.EPT_S_NOT_REGISTERED: None,
    hresults.E_NOTIMPL: "help(hcsrt.emulator) tells what is emulated.",
    hresults.E_FAIL: None,
    hresults.E_UNEXPECTED: None,
    hresults.E_ACCESSDENIED: _ACCESS,
    hresults.ERROR_PROC_NOT_FOUND: None,
}

_NTSTATUS = 0x10000000


def look_up(code: int, operation: str, emulated: bool) -> tuple[str | None, str, str | None]:
    """Return symbol, meaning and hint of an unsigned HRESULT; one that is not in the table is taken apart.

    emulated: whether the hint is for users of the emulator.
    """
    key = code ^ 0x40000000 if code not in MEANINGS and code & 0xBFFF0000 == 0x80370000 else code
    if entry := MEANINGS.get(key):
        meaning, hint = entry
        if emulated:
            hint = ON_EMULATOR.get(key, hint)
        return SYMBOLS.get(code) or SYMBOLS[key], meaning, HINTS.get((code, operation), hint)
    number = code & 0xFFFF
    if code == hresults.from_win32(number):
        return None, f"Windows answered with its error {number}", f"`net helpmsg {number}` on Windows tells its text."
    if code & 0x80000000 and code & _NTSTATUS:
        return None, f"The Windows kernel answered with the status 0x{code & ~_NTSTATUS:08X}", None
    outcome = "An error" if code & 0x80000000 else "A success code"
    facility = code >> 16 & 0x7FF
    origin = FACILITIES.get(facility, f"facility {facility}")
    return None, f"{outcome} that hcsrt does not know: number 0x{number:04X} of {origin}", None
