"""The HRESULTs that HCS, HCN and Windows beneath them return: symbols, meanings and remedies in our own words.

Data only. `tools/facts.py check` holds names and values against the facts; meanings and remedies are written by hand.
"""

from __future__ import annotations

_FEATURES = (
    "Turn on the Windows features Virtual Machine Platform and Hyper-V, turn on virtualization in the firmware, "
    "let the hypervisor start (bcdedit /set hypervisorlaunchtype auto) and restart; inside a virtual machine, expose "
    "nested virtualization to it first (Set-VMProcessor -ExposeVirtualizationExtensions $true on its host)."
)
_GROUPS = "Run as an administrator, or as a member of Hyper-V Administrators after signing in again."
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

# Unsigned HRESULT: (symbol, meaning, hint). Families 0x8037 and 0xC037 mean the same for the same low word; an entry
# stands under 0xC037 only where 0x8037 has none.
CODES: dict[int, tuple[str, str, str | None]] = {
    # Compute systems, their processes and operations.
    0x80370100: (
        "HCS_E_TERMINATED_DURING_START",
        "The compute system died while it was starting",
        "Look into the event log Microsoft-Windows-Hyper-V-Compute-Admin and check disk, memory and boot device.",
    ),
    0x80370101: (
        "HCS_E_IMAGE_MISMATCH",
        "The container image is of another Windows version than this host accepts",
        "Use an image of the host's Windows version, or isolate the container with Hyper-V.",
    ),
    0x80370102: (
        "HCS_E_HYPERV_NOT_INSTALLED",
        "The virtual machine cannot start because no hypervisor is at hand: a Windows feature is missing, "
        "virtualization is off in the firmware or not passed on to this virtual machine, or the hypervisor was not "
        "launched at boot",
        _FEATURES,
    ),
    0x80370105: (
        "HCS_E_INVALID_STATE",
        "The compute system is in a state that does not allow this request",
        "Query its State: only a created system can be started, a running one paused, a paused one resumed or saved.",
    ),
    0x80370106: (
        "HCS_E_UNEXPECTED_EXIT",
        "The compute system stopped although nobody had asked for it",
        "Look at the exit document (ExitType, Attribution) and at the guest's own log.",
    ),
    0x80370107: ("HCS_E_TERMINATED", "The compute system was terminated before the request was done", None),
    0x80370108: ("HCS_E_CONNECT_FAILED", "The host got no connection to the guest", _GUEST),
    0x80370109: ("HCS_E_CONNECTION_TIMEOUT", "The guest did not answer in the time that HCS allows", _GUEST),
    0x8037010A: ("HCS_E_CONNECTION_CLOSED", "The connection between host and guest broke off", _GUEST),
    0x8037010B: (
        "HCS_E_UNKNOWN_MESSAGE",
        "The guest does not know the kind of message that the host sent",
        "Update the guest: its guest service is older than this request.",
    ),
    0x8037010C: (
        "HCS_E_UNSUPPORTED_PROTOCOL_VERSION",
        "Host and guest have no protocol version in common",
        "Bring host and guest to versions that fit each other.",
    ),
    0x8037010D: ("HCS_E_INVALID_JSON", "The JSON document is not acceptable", _DOCUMENT),
    0x8037010E: (
        "HCS_E_SYSTEM_NOT_FOUND",
        "There is no compute system of this id",
        "List the systems there are; a stopped system disappears, so that starting again means creating it again.",
    ),
    0x8037010F: (
        "HCS_E_SYSTEM_ALREADY_EXISTS",
        "There is a compute system of this id already",
        "Choose another id, open the system that exists, or terminate it first.",
    ),
    0x80370110: ("HCS_E_SYSTEM_ALREADY_STOPPED", "The compute system has stopped already", None),
    0x80370111: ("HCS_E_PROTOCOL_ERROR", "Host and guest misunderstood each other: one broke the protocol", _GUEST),
    0x80370112: (
        "HCS_E_INVALID_LAYER",
        "A layer of the container is not in a format that HCS knows",
        "Check the layers' paths, and import the damaged layer anew.",
    ),
    0x80370113: (
        "HCS_E_WINDOWS_INSIDER_REQUIRED",
        "The image is a preview that only runs on hosts of the Windows Insider programme",
        "Enrol the host in the Windows Insider programme, or use a released image.",
    ),
    0x80370114: (
        "HCS_E_SERVICE_NOT_AVAILABLE",
        "The request needs a Windows feature that is not there",
        _FEATURES,
    ),
    0x80370115: (
        "HCS_E_OPERATION_NOT_STARTED",
        "A result was asked of an operation that was never passed to a call",
        "Pass the operation to an HCS function before asking for its result.",
    ),
    0x80370116: (
        "HCS_E_OPERATION_ALREADY_STARTED",
        "The operation tracks another call already",
        "Give each call an operation of its own, or wait for the earlier call.",
    ),
    0x80370117: ("HCS_E_OPERATION_PENDING", "The operation is not done yet", "Wait for it and ask again."),
    0x80370118: (
        "HCS_E_OPERATION_TIMEOUT",
        "The wait ran out before the operation was done; the call goes on inside HCS",
        "Allow more time, or terminate the compute system.",
    ),
    0x80370119: (
        "HCS_E_OPERATION_SYSTEM_CALLBACK_ALREADY_SET",
        "The handle has its event callback already, so that no second callback can be added",
        "Register one callback for each handle, or open a second handle.",
    ),
    0x8037011A: (
        "HCS_E_OPERATION_RESULT_ALLOCATION_FAILED",
        "There was not enough memory for the result document",
        "Free memory on the host; the operation itself may well have succeeded.",
    ),
    0x8037011B: ("HCS_E_ACCESS_DENIED", "This account may not use the Host Compute Service", _GROUPS),
    0x8037011C: (
        "HCS_E_GUEST_CRITICAL_ERROR",
        "The guest met a critical error and was stopped or restarted",
        "Look into the guest's crash dump or log.",
    ),
    0x8037011D: (
        "HCS_E_PROCESS_INFO_NOT_AVAILABLE",
        "HCS has no process information to give",
        "Ask only for operations that created a process or queried one.",
    ),
    0x8037011E: ("HCS_E_SERVICE_DISCONNECT", "The Host Compute Service broke off the connection", _RECONNECT),
    0x8037011F: ("HCS_E_PROCESS_ALREADY_STOPPED", "The process has exited already", None),
    0x80370120: (
        "HCS_E_SYSTEM_NOT_CONFIGURED_FOR_OPERATION",
        "The compute system was created without what this request needs",
        "Create it with a configuration that provides for the request.",
    ),
    0x80370121: ("HCS_E_OPERATION_ALREADY_CANCELLED", "The operation has been cancelled already", None),
    0xC0370103: (
        "ERROR_VMCOMPUTE_OPERATION_PENDING",
        "The request was accepted and its outcome comes later by notification",
        "Wait for the notification.",
    ),
    0xC0370104: (
        "ERROR_VMCOMPUTE_TOO_MANY_NOTIFICATIONS",
        "No more notifications can be registered for this object",
        "Unregister a notification first.",
    ),
    # Networks, endpoints, namespaces and the guest's side of them.
    0x803B0001: ("HCN_E_NETWORK_NOT_FOUND", "There is no such network", "List the networks and check the id."),
    0x803B0002: ("HCN_E_ENDPOINT_NOT_FOUND", "There is no such endpoint", "List the endpoints and check the id."),
    0x803B0003: ("HCN_E_LAYER_NOT_FOUND", "The layer beneath the network is missing", None),
    0x803B0004: (
        "HCN_E_SWITCH_NOT_FOUND",
        "The virtual switch of the network is missing",
        "Create the switch again, or delete the network and create it anew.",
    ),
    0x803B0005: (
        "HCN_E_SUBNET_NOT_FOUND",
        "No subnet of the network suits the endpoint",
        "Add a subnet to the network, or give the endpoint an address of one that is there.",
    ),
    0x803B0006: (
        "HCN_E_ADAPTER_NOT_FOUND",
        "There is no such network adapter",
        "Check the adapter's name on the host.",
    ),
    0x803B0007: ("HCN_E_PORT_NOT_FOUND", "The switch has no such port", None),
    0x803B0008: ("HCN_E_POLICY_NOT_FOUND", "A policy that has to be there is not", "Add the policy first."),
    0x803B0009: ("HCN_E_VFP_PORTSETTING_NOT_FOUND", "The port lacks a setting of the Virtual Filtering Platform", _VFP),
    0x803B000A: ("HCN_E_INVALID_NETWORK", "The document of the network is wrong or lacks something", _NETWORK_DOCUMENT),
    0x803B000B: (
        "HCN_E_INVALID_NETWORK_TYPE",
        "HCN knows no network of this type",
        "Use a type such as NAT, Transparent, L2Bridge, Overlay or ICS.",
    ),
    0x803B000C: (
        "HCN_E_INVALID_ENDPOINT",
        "The document of the endpoint is wrong or lacks something",
        _NETWORK_DOCUMENT,
    ),
    0x803B000D: ("HCN_E_INVALID_POLICY", "The document of the policy is wrong or lacks something", _NETWORK_DOCUMENT),
    0x803B000E: ("HCN_E_INVALID_POLICY_TYPE", "HCN knows no policy of this type", _NETWORK_DOCUMENT),
    0x803B000F: (
        "HCN_E_INVALID_REMOTE_ENDPOINT_OPERATION",
        "A remote endpoint does not allow this",
        "Do it on the host where the endpoint is local.",
    ),
    0x803B0010: ("HCN_E_NETWORK_ALREADY_EXISTS", "A network has this name already", "Choose another name, or use it."),
    0x803B0011: ("HCN_E_LAYER_ALREADY_EXISTS", "The layer of the network is there already", None),
    0x803B0012: ("HCN_E_POLICY_ALREADY_EXISTS", "The object has this policy already", "Update or remove it instead."),
    0x803B0013: ("HCN_E_PORT_ALREADY_EXISTS", "The port is in use already", "Choose another port."),
    0x803B0014: (
        "HCN_E_ENDPOINT_ALREADY_ATTACHED",
        "The endpoint is attached to the switch already",
        "Detach it first if it belongs elsewhere.",
    ),
    0x803B0015: ("HCN_E_REQUEST_UNSUPPORTED", "HCN does not support this request", None),
    0x803B0016: (
        "HCN_E_MAPPING_NOT_SUPPORTED",
        "The network cannot map ports",
        "Use a NAT network where ports have to be mapped.",
    ),
    0x803B0017: ("HCN_E_DEGRADED_OPERATION", "The object is degraded and cannot do this", None),
    0x803B0018: (
        "HCN_E_SHARED_SWITCH_MODIFICATION",
        "Several networks share the switch, so that it may not be changed",
        "Remove the other networks first, or give the network a switch of its own.",
    ),
    0x803B0019: ("HCN_E_GUID_CONVERSION_FAILURE", "A parameter should be a GUID and is none", "Check the ids passed."),
    0x803B001A: ("HCN_E_REGKEY_FAILURE", "A registry key could not be read or written", "Run as an administrator."),
    0x803B001B: ("HCN_E_INVALID_JSON", "The text is not valid JSON", _NETWORK_DOCUMENT),
    0x803B001C: (
        "HCN_E_INVALID_JSON_REFERENCE",
        "The JSON document refers to something that is not there",
        _NETWORK_DOCUMENT,
    ),
    0x803B001D: ("HCN_E_ENDPOINT_SHARING_DISABLED", "Endpoint sharing is switched off", None),
    0x803B001E: (
        "HCN_E_INVALID_IP",
        "The IP address is malformed or belongs to no subnet of the network",
        "Choose an address inside one of the network's subnets.",
    ),
    0x803B001F: (
        "HCN_E_SWITCH_EXTENSION_NOT_FOUND",
        "The switch does not have this extension",
        "Install the extension.",
    ),
    0x803B0020: ("HCN_E_MANAGER_STOPPED", "The Host Network Service is stopping", _HNS),
    0x803B0021: ("GCN_E_MODULE_NOT_FOUND", "The guest lacks a module of the network service", _GUEST),
    0x803B0022: ("GCN_E_NO_REQUEST_HANDLERS", "Nobody in the guest handles this request", _GUEST),
    0x803B0023: ("GCN_E_REQUEST_UNSUPPORTED", "The guest does not support this request", _GUEST),
    0x803B0024: ("GCN_E_RUNTIMEKEYS_FAILED", "The guest could not add the runtime keys of the container", None),
    0x803B0025: ("GCN_E_NETADAPTER_TIMEOUT", "The network adapter did not appear in the guest in time", _GUEST),
    0x803B0026: ("GCN_E_NETADAPTER_NOT_FOUND", "The guest has no network adapter of this instance id", None),
    0x803B0027: ("GCN_E_NETCOMPARTMENT_NOT_FOUND", "The guest has no such network compartment", None),
    0x803B0028: ("GCN_E_NETINTERFACE_NOT_FOUND", "The guest has no such network interface", None),
    0x803B0029: ("GCN_E_DEFAULTNAMESPACE_EXISTS", "The guest has a default namespace already", None),
    0x803B002A: (
        "HCN_E_ICS_DISABLED",
        "The service for Internet Connection Sharing is disabled",
        "Enable it: sc config SharedAccess start= demand",
    ),
    0x803B002B: (
        "HCN_E_ENDPOINT_NAMESPACE_ALREADY_EXISTS",
        "The endpoint belongs to a namespace already",
        "Remove it from its namespace first.",
    ),
    0x803B002C: (
        "HCN_E_ENTITY_HAS_REFERENCES",
        "The object is still in use and cannot be deleted",
        "Delete first what refers to it: endpoints before their network.",
    ),
    0x803B002D: ("HCN_E_INVALID_INTERNAL_PORT", "The internal port is missing or zero", "Give a port from 1 to 65535."),
    0x803B002E: ("HCN_E_NAMESPACE_ATTACH_FAILED", "The namespace could not be attached", None),
    0x803B002F: ("HCN_E_ADDR_INVALID_OR_RESERVED", "The address is invalid or reserved", "Choose another address."),
    0x803B0030: ("HCN_E_INVALID_PREFIX", "The address prefix is invalid", "Write it as address/length."),
    0x803B0031: ("HCN_E_OBJECT_USED_AFTER_UNLOAD", "The object was torn down already", "Open it again."),
    0x803B0032: ("HCN_E_INVALID_SUBNET", "The document of the subnet is wrong or lacks something", _NETWORK_DOCUMENT),
    0x803B0033: (
        "HCN_E_INVALID_IP_SUBNET",
        "The document of the IP subnet is wrong or lacks something",
        _NETWORK_DOCUMENT,
    ),
    0x803B0034: ("HCN_E_ENDPOINT_NOT_ATTACHED", "The endpoint is not attached yet", "Attach the endpoint first."),
    0x803B0035: ("HCN_E_ENDPOINT_NOT_LOCAL", "The endpoint is not on this host", "Use a local endpoint."),
    0x803B0036: (
        "HCN_INTERFACEPARAMETERS_ALREADY_APPLIED",
        "The interface parameters are set already, and there may be one such policy only",
        "Remove the policy that is there first.",
    ),
    0x803B0037: (
        "HCN_E_VFP_NOT_ALLOWED",
        "The network type needs the Virtual Filtering Platform, which is not there",
        _VFP,
    ),
    # The service and the way to it.
    0x80070422: (
        "ERROR_SERVICE_DISABLED",
        "The Host Compute Service is disabled",
        "Enable and start it: sc config vmcompute start= demand, then sc start vmcompute",
    ),
    0x80070424: (
        "ERROR_SERVICE_DOES_NOT_EXIST",
        "This Windows has no Host Compute Service",
        "Turn on the Windows feature Containers, Hyper-V or Virtual Machine Platform, and restart.",
    ),
    0x800706BA: ("RPC_S_SERVER_UNAVAILABLE", "The Host Compute Service cannot be reached", _RECONNECT),
    0x800706BE: ("RPC_S_CALL_FAILED", "The Host Compute Service went away during the call", _RECONNECT),
    0x800706BF: ("RPC_S_CALL_FAILED_DNE", "The Host Compute Service went away before it ran the call", _RECONNECT),
    0x800706D9: ("EPT_S_NOT_REGISTERED", "The service that should answer has registered no endpoint", _HNS),
    0x800706EF: (
        "RPC_X_SS_IN_NULL_CONTEXT",
        "The handle is stale: it was closed, or the service restarted since it was opened",
        "Open the compute system or process again.",
    ),
    # Windows in general.
    0x00000000: ("S_OK", "The call succeeded", None),
    0x80004001: (
        "E_NOTIMPL",
        "This is not implemented",
        "Windows reserves the function for later; on the emulator, docs/emulator.md tells what is emulated.",
    ),
    0x80004002: ("E_NOINTERFACE", "The object does not offer this interface", None),
    0x80004003: ("E_POINTER", "A pointer that has to be given is NULL", None),
    0x80004004: ("E_ABORT", "The call was aborted", None),
    0x80004005: (
        "E_FAIL",
        "The call failed for a reason that HCS does not tell",
        "Look into the event log Microsoft-Windows-Hyper-V-Compute-Admin.",
    ),
    0x8000FFFF: (
        "E_UNEXPECTED",
        "HCS ran into something that it had not foreseen",
        "Look into the event log Microsoft-Windows-Hyper-V-Compute-Admin.",
    ),
    0x80070002: (
        "ERROR_FILE_NOT_FOUND",
        "A file or program is not there",
        "Check the paths as the guest or host sees them.",
    ),
    0x80070003: (
        "ERROR_PATH_NOT_FOUND",
        "A folder of the path is not there",
        "Check the paths as the guest or host sees them.",
    ),
    0x80070004: (
        "ERROR_TOO_MANY_OPEN_FILES",
        "Too many files are open",
        "Close what is no longer needed, or raise the limit of open files.",
    ),
    0x80070005: (
        "E_ACCESSDENIED",
        "Access is denied",
        f"{_GROUPS} A virtual machine needs HcsGrantVmAccess for its files; and a process that has exited already "
        "answers a terminate with this code too.",
    ),
    0x80070006: (
        "E_HANDLE",
        "The handle is invalid, or its compute system is just being stopped",
        "Open the compute system again; if it has stopped, there is nothing left to ask.",
    ),
    0x8007000D: (
        "ERROR_INVALID_DATA",
        "HCS cannot make sense of the data",
        "Check the request: it may be malformed, or not supported for this kind of system.",
    ),
    0x8007000E: (
        "E_OUTOFMEMORY",
        "There is not enough memory",
        "Free memory on the host, or give the compute system less.",
    ),
    0x80070020: (
        "ERROR_SHARING_VIOLATION",
        "A file is in use by someone else",
        "Stop the other compute system or detach the disk that holds the file.",
    ),
    0x80070032: (
        "ERROR_NOT_SUPPORTED",
        "The request is not supported here",
        "Check the kind of system and its version.",
    ),
    0x80070050: (
        "ERROR_FILE_EXISTS",
        "A file with this name exists already",
        "Choose another name, or remove the file.",
    ),
    0x80070057: (
        "E_INVALIDARG",
        "An argument is invalid",
        "Check ids, resource paths and options against the HCS function named.",
    ),
    0x8007006D: ("ERROR_BROKEN_PIPE", "The other end of the pipe is closed", None),
    0x8007007E: (
        "ERROR_MOD_NOT_FOUND",
        "A DLL is not there",
        "computecore.dll comes with Windows 10 1809, Server 2019 and newer once one of the features Containers, "
        "Hyper-V or Virtual Machine Platform is on. On other systems use the emulator: unset HCSRT_BACKEND.",
    ),
    0x8007007F: (
        "ERROR_PROC_NOT_FOUND",
        "This Windows does not have the function",
        "Update Windows to a version that has the function.",
    ),
    0x800700B7: (
        "ERROR_ALREADY_EXISTS",
        "What is to be added is there already",
        "Choose another name or id, or use RequestType Update.",
    ),
    0x800700C1: (
        "ERROR_BAD_EXE_FORMAT",
        "The file is no program that this system can run",
        "Check that the program was built for the guest's processor and operating system.",
    ),
    0x800700CE: ("ERROR_FILENAME_EXCED_RANGE", "A path, name or argument is too long", "Make it shorter."),
    0x80070102: ("WAIT_TIMEOUT", "The wait ran out", "Allow more time."),
    0x8007010B: (
        "ERROR_DIRECTORY",
        "The working directory is not there or is no directory",
        "Check the working directory.",
    ),
    0x80070490: (
        "ERROR_NOT_FOUND",
        "The object or process is not there: it never was, or it has gone",
        "Check process id and resource path; a process that has exited can no longer be found.",
    ),
    0x800705AA: (
        "ERROR_NO_SYSTEM_RESOURCES",
        "The system is out of a resource such as processes or memory",
        "Stop what is no longer needed, or raise the limit.",
    ),
}

# The symbols of the family 0xC037, which vmcompute.dll and the guest protocol use.
VMCOMPUTE: dict[int, str] = {
    0xC0370100: "ERROR_VMCOMPUTE_TERMINATED_DURING_START",
    0xC0370101: "ERROR_VMCOMPUTE_IMAGE_MISMATCH",
    0xC0370102: "ERROR_VMCOMPUTE_HYPERV_NOT_INSTALLED",
    0xC0370103: "ERROR_VMCOMPUTE_OPERATION_PENDING",
    0xC0370104: "ERROR_VMCOMPUTE_TOO_MANY_NOTIFICATIONS",
    0xC0370105: "ERROR_VMCOMPUTE_INVALID_STATE",
    0xC0370106: "ERROR_VMCOMPUTE_UNEXPECTED_EXIT",
    0xC0370107: "ERROR_VMCOMPUTE_TERMINATED",
    0xC0370108: "ERROR_VMCOMPUTE_CONNECT_FAILED",
    0xC0370109: "ERROR_VMCOMPUTE_TIMEOUT",
    0xC037010A: "ERROR_VMCOMPUTE_CONNECTION_CLOSED",
    0xC037010B: "ERROR_VMCOMPUTE_UNKNOWN_MESSAGE",
    0xC037010C: "ERROR_VMCOMPUTE_UNSUPPORTED_PROTOCOL_VERSION",
    0xC037010D: "ERROR_VMCOMPUTE_INVALID_JSON",
    0xC037010E: "ERROR_VMCOMPUTE_SYSTEM_NOT_FOUND",
    0xC037010F: "ERROR_VMCOMPUTE_SYSTEM_ALREADY_EXISTS",
    0xC0370110: "ERROR_VMCOMPUTE_SYSTEM_ALREADY_STOPPED",
    0xC0370111: "ERROR_VMCOMPUTE_PROTOCOL_ERROR",
    0xC0370112: "ERROR_VMCOMPUTE_INVALID_LAYER",
    0xC0370113: "ERROR_VMCOMPUTE_WINDOWS_INSIDER_REQUIRED",
}

# Second names: winerror.h calls these both ways.
ALIASES: dict[str, int] = {
    "ERROR_ACCESS_DENIED": 0x80070005,
    "ERROR_INVALID_HANDLE": 0x80070006,
    "ERROR_INVALID_PARAMETER": 0x80070057,
    "ERROR_OUTOFMEMORY": 0x8007000E,
    "ERROR_SUCCESS": 0x00000000,
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
    (0x80070005, "HcsCreateProcess"): (
        "The program may not be executable for the user in the compute system: the file lacks the permission, or it is "
        "a directory."
    ),
}
