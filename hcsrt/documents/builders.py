r"""Builders: functions that return documents which HCS and HCN take, as plain dicts.

Each result is a new dict that shares nothing with what the function was given or has returned before: change it as you
like, and add what there is no argument for. Paths may be pathlib's, GUIDs may be uuid.UUID. Where HCS would answer only
that something is invalid, the error here names the argument.

Paths of the host are full paths of Windows; the emulator takes those of this machine, which begin with "/", too.
"""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterable, Mapping
from ipaddress import IPv4Address, IPv4Interface, IPv4Network, IPv6Address, IPv6Interface, IPv6Network
from typing import Any, Literal, cast

from .._arguments import check_name, check_text, command_words, console_size, environment, path_text, values
from . import _inputs
from .common import ModifyRequestType, ModifySettingRequest
from .container import Container, Container_Processor, HostedSystem, MappedDirectory, Networking
from .guest import CombinedLayers, GuestModifySettingRequest, MappedVirtualDisk, ModifyResourceType
from .network import (
    DNS,
    EndpointPolicy,
    HostComputeEndpoint,
    HostComputeNamespace,
    HostComputeNetwork,
    MacRange,
    ModifyNamespaceSettingRequest,
    NamespaceType,
)
from .process import ProcessParameters
from .storage import Layer
from .vm import (
    Attachment,
    AttachmentType,
    ComputeSystem,
    Devices,
    NetworkAdapter,
    Plan9Share,
    UefiBootEntry,
    VirtualSmbShare,
)

__all__ = [
    "CONTAINER_ROOT",
    "SCSI_CONTROLLER",
    "combined_layers",
    "endpoint",
    "guest_request",
    "hosted_container",
    "hyper_v_utility_vm",
    "layer",
    "mapped_directory",
    "mapped_virtual_disk",
    "modify_request",
    "namespace",
    "namespace_endpoint",
    "nat_network",
    "network_adapter",
    "plan9_share",
    "port_mapping",
    "process_isolated_container",
    "process_parameters",
    "scsi_attachment",
    "shared_layer",
    "virtual_machine",
    "virtual_smb_share",
]

SCSI_CONTROLLER = "df6d0690-79e5-55b6-a5ec-c1e2f77f580a"
"""The name of the SCSI controller of a hyper_v_utility_vm(), by which its guest knows the first one."""

CONTAINER_ROOT = r"c:\mounts\scsi\m0"
"""The folder in a utility VM where hosted_container() expects the root of its container."""

_SHARES_IN_GUEST = r"\\?\VMSMB\VSMB-{dcc079ae-60ba-4d07-847c-3493609c0870}"
_PRIMARY_DISK = "Primary disk"
_DISKS_PER_CONTROLLER = 64
_PIECE_OF_MEMORY = 2  # MB
_PIPE = "\\\\.\\pipe\\"

_REQUEST_TYPES: tuple[ModifyRequestType, ...] = ("Add", "Remove", "Update")
_ATTACHMENT_TYPES: tuple[AttachmentType, ...] = ("VirtualDisk", "Iso", "PassThru")

# Flags of a Plan9Share.
_PLAN9_READ_ONLY = 1
_PLAN9_LINUX_METADATA = 4

# Protocols are numbers on the wire, whatever the reference says.
_PROTOCOLS = {"TCP": 6, "UDP": 17}


# --- compute systems


def process_isolated_container(
    layers: Iterable[Layer],
    scratch: str | os.PathLike[str],
    *,
    host_name: str | None = None,
    memory: int | None = None,
    processors: int | None = None,
    processor_maximum: int | None = None,
    processor_weight: int | None = None,
    directories: Iterable[MappedDirectory] = (),
    namespace: str | uuid.UUID | None = None,
    dns_search: str | Iterable[str] = (),
    owner: str = "hcsrt",
    keep: bool = False,
) -> ComputeSystem:
    r"""Return the document of a container that shares the kernel of the host.

    Args:
        layers: The layers of its image, the topmost first, each made by layer().
        scratch: The volume of its mounted writable layer, such as ``\\?\Volume{26a9...}\``, with or without the
            last backslash.
        host_name: What the container is called, at most 15 characters.
        memory: The most memory that it may commit, in MB; None for no limit.
        processors: How many processors it has; None for all. At most one of the three about processors may be given.
        processor_maximum: The most processor time that it may have, 10000 for all of the host: 2500 is a quarter.
        processor_weight: Its share of the processors among those that want them, from 0 to 10000.
        directories: Folders of the host that it sees, each made by mapped_directory().
        namespace: The GUID of the network namespace that it is in. host_name is needed with it.
        dns_search: The suffixes that it appends to names without a dot.
        owner: What systems(owner=...) and reap() find it by.
        keep: Whether it goes on when its last handle is closed.

    Raises:
        TypeError: An argument is of the wrong type.
        ValueError: An argument is nothing that HCS takes. The message names it.
    """
    container: Container = {}
    if host_name is not None:
        container["GuestOs"] = {"HostName": _inputs.host_name(host_name, "host_name")}
    elif namespace is not None:
        raise ValueError(
            "namespace needs host_name: HCS refuses a container that has a network namespace and no host name"
        )
    container["Storage"] = {"Layers": _layers(layers), "Path": _inputs.volume(scratch, "scratch")}
    # Even an empty one: some versions of Windows start no container without.
    container["Processor"] = _container_processor(processors, processor_maximum, processor_weight)
    if memory is not None:
        container["Memory"] = {"SizeInMB": _inputs.megabytes(memory, "memory")}
    if mapped := _inputs.structs(directories, "directories", "mapped_directory"):
        container["MappedDirectories"] = mapped
    if networking := _networking(namespace, dns_search):
        container["Networking"] = networking
    return {**_system(owner, keep), "Container": container}


def hyper_v_utility_vm(
    layer: str | os.PathLike[str],
    disk: str | os.PathLike[str],
    *,
    memory: int = 1024,
    processors: int = 2,
    owner: str = "hcsrt",
    keep: bool = False,
) -> ComputeSystem:
    r"""Return the document of the small virtual machine in which a container with Hyper-V isolation lives.

    It takes the layers of the container as shares, and its disk on the controller SCSI_CONTROLLER, when it runs:
    hosted_container() tells how.

    Args:
        layer: The folder of the topmost layer of the image that has a folder UtilityVM. The machine boots from there.
        disk: A copy of ``UtilityVM\SystemTemplate.vhdx`` of that layer, to which the machine writes. Call
            hcsrt.service.grant_vm_access() for it before the start.
        memory: Its memory in MB, an even number, which the host gives it as it needs it.
        processors: How many processors it has.
        owner: What systems(owner=...) and reap() find it by.
        keep: Whether it goes on when its last handle is closed.

    Raises:
        TypeError: An argument is of the wrong type.
        ValueError: An argument is nothing that HCS takes. The message names it.
    """
    files = _inputs.below(_inputs.full_path(layer, "layer", r"C:\layers\base"), "UtilityVM", "Files")
    return {
        **_system(owner, keep),
        "VirtualMachine": {
            "StopOnReset": True,
            "Chipset": {
                "Uefi": {"BootThis": {"DevicePath": r"\EFI\Microsoft\Boot\bootmgfw.efi", "DeviceType": "VmbFs"}}
            },
            "ComputeTopology": {
                "Memory": {
                    "SizeInMB": _inputs.megabytes(memory, "memory", step=_PIECE_OF_MEMORY),
                    "AllowOvercommit": True,
                    "EnableHotHint": True,
                },
                "Processor": {"Count": _processors(processors)},
            },
            "GuestConnection": {},
            "Devices": {
                "VirtualSmb": {"DirectFileMappingInMB": 1024, "Shares": [virtual_smb_share("os", files)]},
                "Scsi": {
                    SCSI_CONTROLLER: {"Attachments": {"0": _attachment(disk, "disk", "VirtualDisk", read_only=False)}}
                },
            },
        },
    }


def hosted_container(
    hosting_system_id: str,
    layers: Iterable[Layer],
    *,
    root: str | os.PathLike[str] = CONTAINER_ROOT,
    host_name: str | None = None,
    namespace: str | uuid.UUID | None = None,
    dns_search: str | Iterable[str] = (),
    owner: str = "hcsrt",
    keep: bool = False,
) -> ComputeSystem:
    """Return the document of a container with Hyper-V isolation, which runs in a utility VM.

    The VM has to run, and to have been given what the container is made of, by ComputeSystem.modify():

    1. each layer: "VirtualMachine/Devices/VirtualSmb/Shares", "Add", virtual_smb_share(name, folder);
    2. the disk that takes what it writes, after hcsrt.service.grant_vm_access() for it:
       "VirtualMachine/Devices/Scsi/<SCSI_CONTROLLER>/Attachments/1", "Add", scsi_attachment(disk), along with the guest
       request that mounts it, made with mapped_virtual_disk(); repeat it until the guest's agent answers;
    3. the guest request to join both at root, which combined_layers() is for.

    Args:
        hosting_system_id: The id of the compute system of the utility VM.
        layers: The layers of the image as the VM sees them, the topmost first, each made by shared_layer().
        root: The folder in the VM where they were joined.
        host_name: What the container is called, at most 15 characters.
        namespace: The GUID of the network namespace that it is in. host_name is needed with it.
        dns_search: The suffixes that it appends to names without a dot.
        owner: What systems(owner=...) and reap() find it by.
        keep: Whether it goes on when its last handle is closed.

    Raises:
        TypeError: An argument is of the wrong type.
        ValueError: An argument is nothing that HCS takes. The message names it.
    """
    check_name(hosting_system_id, "hosting_system_id")
    container: Container = {}
    if host_name is not None:
        container["GuestOs"] = {"HostName": _inputs.host_name(host_name, "host_name")}
    elif namespace is not None:
        raise ValueError("namespace needs host_name: give the container a name, too")
    container["Storage"] = {
        "Layers": _layers(layers),
        "Path": _inputs.full_path(root, "root", CONTAINER_ROOT),
    }
    if networking := _networking(namespace, dns_search):
        container["Networking"] = networking
    hosted: HostedSystem = {"SchemaVersion": {"Major": 2, "Minor": 1}, "Container": container}
    return {**_system(owner, keep), "HostingSystemId": hosting_system_id, "HostedSystem": hosted}


def virtual_machine(
    disk: str | os.PathLike[str],
    *,
    memory: int = 2048,
    processors: int = 2,
    console: str | None = None,
    disks: Iterable[Attachment] = (),
    adapters: Iterable[NetworkAdapter] = (),
    smb_shares: Iterable[VirtualSmbShare] = (),
    plan9_shares: Iterable[Plan9Share] = (),
    owner: str = "hcsrt",
    keep: bool = False,
) -> ComputeSystem:
    r"""Return the document of a virtual machine that boots from a disk by UEFI, and stops where it would restart.

    Args:
        disk: The .vhd or .vhdx file that it boots from and may write to. Call hcsrt.service.grant_vm_access() for it
            before the start.
        memory: Its memory in MB, an even number.
        processors: How many processors it has.
        console: The named pipe of its first serial port, such as ``\\.\pipe\first-machine``. The machine makes it.
        disks: More disks, at most 63, each made by scsi_attachment().
        adapters: Its network adapters, each made by network_adapter().
        smb_shares: Folders of the host that a Windows guest sees, each made by virtual_smb_share().
        plan9_shares: Folders of the host that a Linux guest sees, each made by plan9_share().
        owner: What systems(owner=...) and reap() find it by.
        keep: Whether it goes on when its last handle is closed.

    Raises:
        TypeError: An argument is of the wrong type.
        ValueError: An argument is nothing that HCS takes. The message names it.
    """
    more = _inputs.structs(disks, "disks", "scsi_attachment")
    if len(more) >= _DISKS_PER_CONTROLLER:
        raise ValueError(
            f"disks must have at most {_DISKS_PER_CONTROLLER - 1} items, not {len(more)}: the controller has room for "
            f"{_DISKS_PER_CONTROLLER}, and the first is disk"
        )
    attached = [_attachment(disk, "disk", "VirtualDisk", read_only=False), *more]
    devices: Devices = {
        "Scsi": {_PRIMARY_DISK: {"Attachments": {str(number): item for number, item in enumerate(attached)}}}
    }
    if console is not None:
        devices["ComPorts"] = {"0": {"NamedPipe": _pipe(console)}}
    if plugged := _adapters(adapters):
        devices["NetworkAdapters"] = plugged
    if shares := _inputs.structs(smb_shares, "smb_shares", "virtual_smb_share"):
        _check_names([share.get("Name") for share in shares], "smb_shares")
        devices["VirtualSmb"] = {"Shares": shares}
    if exports := _inputs.structs(plan9_shares, "plan9_shares", "plan9_share"):
        _check_names([share.get("Name") for share in exports], "plan9_shares")
        devices["Plan9"] = {"Shares": exports}
    boot: UefiBootEntry = {"DevicePath": _PRIMARY_DISK, "DiskNumber": 0, "DeviceType": "ScsiDrive"}
    return {
        **_system(owner, keep),
        "VirtualMachine": {
            "StopOnReset": True,
            "Chipset": {"Uefi": {"BootThis": boot}},
            "ComputeTopology": {
                "Memory": {
                    "Backing": "Virtual",
                    "SizeInMB": _inputs.megabytes(memory, "memory", step=_PIECE_OF_MEMORY),
                },
                "Processor": {"Count": _processors(processors)},
            },
            "Devices": devices,
        },
    }


# --- parts of compute systems


def layer(id: str | uuid.UUID, path: str | os.PathLike[str]) -> Layer:
    """Return a layer of a container's image.

    Args:
        id: The GUID that the layer was imported with: what NameToGuid of vmcompute.dll makes of the name of its folder.
        path: The folder of the layer.

    Raises:
        TypeError: An argument is of the wrong type.
        ValueError: id is no GUID, or path no full path.
    """
    return {"Id": _inputs.guid(id, "id"), "Path": _inputs.full_path(path, "path", r"C:\layers\base")}


def shared_layer(id: str | uuid.UUID, share: str) -> Layer:
    """Return a layer as a utility VM sees it that has been given it as a share.

    Args:
        id: As for layer().
        share: The name of the virtual_smb_share() of the layer's folder.

    Raises:
        TypeError: An argument is of the wrong type.
        ValueError: id is no GUID, or share no name.
    """
    return {"Id": _inputs.guid(id, "id"), "Path": _inputs.below(_SHARES_IN_GUEST, _share_name(share, "share"))}


def mapped_directory(
    host_path: str | os.PathLike[str], container_path: str | os.PathLike[str], *, read_only: bool = False
) -> MappedDirectory:
    """Return a folder of the host that a container sees.

    Args:
        host_path: The folder, which has to exist. HCS does not follow symbolic links to a file: resolve() them before.
        container_path: Where the container sees it.
        read_only: True keeps the container from changing what is in it.

    Raises:
        TypeError: An argument is of the wrong type.
        ValueError: One of the paths is no full path.
    """
    return {
        "HostPath": _inputs.full_path(host_path, "host_path"),
        "ContainerPath": _inputs.full_path(container_path, "container_path"),
        "ReadOnly": bool(read_only),
    }


def scsi_attachment(
    path: str | os.PathLike[str],
    *,
    type: AttachmentType = "VirtualDisk",
    read_only: bool = False,
) -> Attachment:
    r"""Return a disk for a SCSI controller of a virtual machine.

    Args:
        path: Its .vhd, .vhdx or .iso file; for "PassThru" the disk itself, such as ``\\.\PHYSICALDRIVE1``.
        type: "VirtualDisk", "Iso" or "PassThru".
        read_only: True keeps the machine from writing to it. An "Iso" is always read-only.

    Raises:
        TypeError: An argument is of the wrong type.
        ValueError: path is no full path, or type none of the three.
    """
    return _attachment(path, "path", type, read_only=read_only)


def network_adapter(endpoint_id: str | uuid.UUID, mac_address: str | None = None) -> NetworkAdapter:
    """Return a network adapter of a virtual machine.

    Args:
        endpoint_id: The GUID of the HCN endpoint that it is plugged into.
        mac_address: The MAC address of that endpoint; the adapter has to have the same one.

    Raises:
        TypeError: An argument is of the wrong type.
        ValueError: endpoint_id is no GUID, or mac_address no MAC address.
    """
    adapter: NetworkAdapter = {"EndpointId": _inputs.guid(endpoint_id, "endpoint_id")}
    if mac_address is not None:
        adapter["MacAddress"] = _inputs.mac_address(mac_address, "mac_address")
    return adapter


def virtual_smb_share(name: str, path: str | os.PathLike[str], *, read_only: bool = True) -> VirtualSmbShare:
    """Return a folder of the host that a Windows guest of a virtual machine sees, by SMB without a network.

    Args:
        name: The name of the share, by which the guest finds it.
        path: The folder.
        read_only: True keeps the guest from changing what is in it. It also lets the guest cache what it has read, and
            read files whose access lists would not allow it; layers need both.

    Raises:
        TypeError: An argument is of the wrong type.
        ValueError: name is no name, or path no full path.
    """
    share: VirtualSmbShare = {"Name": _share_name(name, "name"), "Path": _inputs.full_path(path, "path")}
    if read_only:
        share["Options"] = {
            "ReadOnly": True,
            "ShareRead": True,
            "CacheIo": True,
            "PseudoOplocks": True,
            "TakeBackupPrivilege": True,
        }
    return share


def plan9_share(name: str, path: str | os.PathLike[str], *, port: int = 564, read_only: bool = False) -> Plan9Share:
    """Return a folder of the host that a Linux guest of a virtual machine sees, by 9P.

    Args:
        name: The name of the share, by which the guest finds it.
        path: The folder.
        port: The port of the host's vsock that serves it.
        read_only: True keeps the guest from changing what is in it.

    Raises:
        TypeError: An argument is of the wrong type.
        ValueError: An argument is nothing that HCS takes. The message names it.
    """
    _share_name(name, "name")
    return {
        "Name": name,
        "AccessName": name,
        "Path": _inputs.full_path(path, "path"),
        "Port": _inputs.whole(port, "port", 1, 0xFFFFFFFF),
        "Flags": _PLAN9_LINUX_METADATA | (_PLAN9_READ_ONLY if read_only else 0),
    }


# --- requests


def modify_request(
    resource_path: str,
    request_type: ModifyRequestType,
    settings: Any = None,
    *,
    guest_request: Any = None,
) -> ModifySettingRequest:
    """Return a request to change a running compute system, as ComputeSystem.modify() makes it of the same arguments.

    Args:
        resource_path: A path such as "VirtualMachine/ComputeTopology/Memory/SizeInMB"; empty if only the guest is
            asked.
        request_type: What to do with the resource.
        settings: What HCS expects for that path; None leaves it out.
        guest_request: The same for the guest, such as guest_request() makes it.

    Raises:
        TypeError: An argument is of the wrong type, or has something in it that JSON has no form for.
        ValueError: request_type is none of the three, or nothing is asked for.
    """
    check_text(resource_path, "resource_path")
    if not resource_path and guest_request is None:
        raise ValueError("resource_path may be empty only with guest_request: otherwise the request changes nothing")
    request: ModifySettingRequest = {
        "ResourcePath": resource_path,
        "RequestType": _inputs.one_of(request_type, "request_type", _REQUEST_TYPES),
    }
    if settings is not None:
        request["Settings"] = _inputs.json_value(settings, "settings")
    if guest_request is not None:
        request["GuestRequest"] = _inputs.json_value(guest_request, "guest_request")
    return request


def guest_request(
    resource_type: ModifyResourceType, request_type: ModifyRequestType, settings: Any = None
) -> GuestModifySettingRequest:
    """Return a request to the guest of a running utility VM, for guest_request of ComputeSystem.modify().

    Args:
        resource_type: What is changed, such as "MappedVirtualDisk" or "CombinedLayers".
        request_type: What to do with it.
        settings: What the guest expects for it, such as mapped_virtual_disk() and combined_layers() return; None leaves
            it out.

    Raises:
        TypeError: An argument is of the wrong type, or has something in it that JSON has no form for.
        ValueError: request_type is none of the three, or resource_type is empty.
    """
    check_name(resource_type, "resource_type")
    request: GuestModifySettingRequest = {
        "ResourceType": resource_type,
        "RequestType": _inputs.one_of(request_type, "request_type", _REQUEST_TYPES),
    }
    if settings is not None:
        request["Settings"] = _inputs.json_value(settings, "settings")
    return request


def mapped_virtual_disk(lun: int, container_path: str | os.PathLike[str] = CONTAINER_ROOT) -> MappedVirtualDisk:
    """Return the settings of the guest request "MappedVirtualDisk", which mounts a disk.

    Args:
        lun: The number of the disk on the controller SCSI_CONTROLLER.
        container_path: The folder in the guest where it is mounted.

    Raises:
        TypeError: An argument is of the wrong type.
        ValueError: lun is not from 0 to 63, or container_path no full path.
    """
    return {
        "ContainerPath": _inputs.full_path(container_path, "container_path", CONTAINER_ROOT),
        "Lun": _inputs.whole(lun, "lun", 0, _DISKS_PER_CONTROLLER - 1),
    }


def combined_layers(layers: Iterable[Layer], root: str | os.PathLike[str] = CONTAINER_ROOT) -> CombinedLayers:
    """Return the settings of the guest request "CombinedLayers", which joins layers to the root of a container.

    Args:
        layers: The layers as the guest sees them, the topmost first, each made by shared_layer().
        root: The folder in the guest where the disk is mounted that takes what the container writes.

    Raises:
        TypeError: An argument is of the wrong type.
        ValueError: There are no layers, or root is no full path.
    """
    return {"ContainerRootPath": _inputs.full_path(root, "root", CONTAINER_ROOT), "Layers": _layers(layers)}


# --- networks


def nat_network(
    name: str,
    prefix: str | IPv4Network | IPv6Network,
    *,
    gateway: str | IPv4Address | IPv6Address | None = None,
    dns_servers: str | Iterable[str] = (),
    dns_domain: str | None = None,
    mac_addresses: tuple[str, str] | None = None,
    owner: str = "hcsrt",
) -> HostComputeNetwork:
    """Return the document of a network whose endpoints reach others through the addresses of the host.

    Windows usually allows only one NAT network at a time.

    Args:
        name: The name of the network.
        prefix: Its addresses, such as "192.168.100.0/24".
        gateway: The address of the host in it; None for the first one after that of the network itself.
        dns_servers: The addresses of the DNS servers of its endpoints.
        dns_domain: The DNS suffix of its endpoints.
        mac_addresses: The first and the last MAC address that its endpoints may get; None for those that HCN takes.
        owner: What it is known to belong to.

    Raises:
        TypeError: An argument is of the wrong type.
        ValueError: An argument is nothing that HCN takes. The message names it.
    """
    check_name(name, "name")
    check_name(owner, "owner")
    subnet = _inputs.ip_network(prefix, "prefix")
    if subnet.num_addresses < 4:
        raise ValueError(
            f"prefix must have room for a gateway and an endpoint, and {subnet} has none: give a shorter prefix"
        )
    router = subnet[1] if gateway is None else _inputs.ip_address(gateway, "gateway")
    if router not in subnet or router == subnet[0]:
        raise ValueError(f"gateway must be an address in {subnet}, such as {subnet[1]}, not {router}")
    everywhere = "0.0.0.0/0" if subnet.version == 4 else "::/0"
    network: HostComputeNetwork = {
        "Name": name,
        "Type": "NAT",
        "Owner": owner,
        "Ipams": [
            {
                "Type": "Static",
                "Subnets": [
                    {
                        "IpAddressPrefix": str(subnet),
                        # hcsshim refuses a subnet without this route.
                        "Routes": [{"NextHop": str(router), "DestinationPrefix": everywhere}],
                    }
                ],
            }
        ],
    }
    if mac_addresses is not None:
        network["MacPool"] = {"Ranges": [_mac_range(mac_addresses)]}
    if dns := _dns(dns_servers, dns_domain):
        network["Dns"] = dns
    network["SchemaVersion"] = {"Major": 2, "Minor": 0}
    return network


def endpoint(
    network_id: str | uuid.UUID,
    *,
    name: str | None = None,
    addresses: Iterable[str | IPv4Interface | IPv6Interface] = (),
    policies: Iterable[EndpointPolicy] = (),
    mac_address: str | None = None,
    dns_servers: str | Iterable[str] = (),
    dns_domain: str | None = None,
) -> HostComputeEndpoint:
    """Return the document of an endpoint: what a container or virtual machine is plugged into a network with.

    Args:
        network_id: The GUID of the network.
        name: The name of the endpoint.
        addresses: Its addresses with the length of their prefix, such as "192.168.100.7/24"; none for one that HCN
            chooses.
        policies: Its policies, such as port_mapping(). Give port mappings here: HCN accepts one that is added later,
            but it has no effect.
        mac_address: Its MAC address; None for one that HCN chooses.
        dns_servers: The addresses of its DNS servers; none for those of the network.
        dns_domain: Its DNS suffix; None for that of the network.

    Raises:
        TypeError: An argument is of the wrong type.
        ValueError: An argument is nothing that HCN takes, or two policies map the same port. The message names it.
    """
    document: HostComputeEndpoint = {"HostComputeNetwork": _inputs.guid(network_id, "network_id")}
    if name is not None:
        check_name(name, "name")
        document["Name"] = name
    if isinstance(addresses, (str, IPv4Interface, IPv6Interface)):
        addresses = [addresses]
    given = _inputs.each(addresses, "addresses", "addresses with the length of their prefix")
    interfaces = [_inputs.ip_interface(item, f"addresses[{index}]") for index, item in enumerate(given)]
    if interfaces:
        document["IpConfigurations"] = [
            {"IpAddress": str(interface.ip), "PrefixLength": interface.network.prefixlen} for interface in interfaces
        ]
    if settled := _policies(policies):
        document["Policies"] = settled
    if mac_address is not None:
        document["MacAddress"] = _inputs.mac_address(mac_address, "mac_address")
    if dns := _dns(dns_servers, dns_domain):
        document["Dns"] = dns
    document["SchemaVersion"] = {"Major": 2, "Minor": 0}
    return document


def port_mapping(internal_port: int, external_port: int, *, protocol: Literal["TCP", "UDP"] = "TCP") -> EndpointPolicy:
    """Return a policy by which a port of the host leads to one of an endpoint, for endpoint().

    Args:
        internal_port: The port of the endpoint.
        external_port: The port of the host, which no other endpoint may have.
        protocol: "TCP" or "UDP".

    Raises:
        TypeError: An argument is of the wrong type.
        ValueError: A port is not from 1 to 65535, or protocol is none of the two.
    """
    return {
        "Type": "PortMapping",
        "Settings": {
            "Protocol": _PROTOCOLS[_inputs.one_of(protocol, "protocol", _PROTOCOLS)],
            "InternalPort": _inputs.whole(internal_port, "internal_port", 1, 0xFFFF),
            "ExternalPort": _inputs.whole(external_port, "external_port", 1, 0xFFFF),
        },
    }


def namespace(type: NamespaceType = "Host") -> HostComputeNamespace:
    """Return the document of a network namespace: the endpoints that a container has.

    Args:
        type: "Host" for the namespace of a container with process isolation; give each container its own.
            "HostDefault" is the one namespace of the host itself, and no container starts in it. "Guest" and
            "GuestDefault" are those inside a guest.

    Raises:
        ValueError: type is none of the four.
    """
    return {
        "Type": _inputs.one_of(type, "type", ("Host", "HostDefault", "Guest", "GuestDefault")),
        "SchemaVersion": {"Major": 2, "Minor": 0},
    }


def namespace_endpoint(
    endpoint_id: str | uuid.UUID, request_type: Literal["Add", "Remove"] = "Add"
) -> ModifyNamespaceSettingRequest:
    """Return the request to a network namespace that puts an endpoint into it, or takes one out.

    Args:
        endpoint_id: The GUID of the endpoint.
        request_type: "Add" or "Remove".

    Raises:
        TypeError: endpoint_id is neither text nor a UUID.
        ValueError: endpoint_id is no GUID, or request_type is none of the two.
    """
    _inputs.one_of(request_type, "request_type", ("Add", "Remove"))
    return {
        "ResourceType": "Endpoint",
        "RequestType": request_type,
        "Settings": {"EndpointId": _inputs.guid(endpoint_id, "endpoint_id")},
    }


# --- processes


def process_parameters(
    args: str | os.PathLike[str] | Iterable[str | os.PathLike[str]],
    *,
    guest: Literal["windows", "linux"] = "windows",
    cwd: str | os.PathLike[str] | None = None,
    env: Mapping[str, str] | None = None,
    user: str | None = None,
    stdin: bool = False,
    stdout: bool = False,
    stderr: bool = False,
    console: bool | tuple[int, int] = False,
) -> ProcessParameters:
    """Return the parameters of a process, as ComputeSystem.popen() makes them of the same arguments.

    Args:
        args: A list of words, joined for a Windows guest by the rules of subprocess, passed as they are to a Linux
            guest; or a string, which becomes the CommandLine unchanged.
        guest: What runs in the compute system, "windows" or "linux".
        cwd: A folder in the guest.
        env: Variables to set.
        user: Whom to run as.
        stdin: Whether HCS makes a pipe for it.
        stdout: The same.
        stderr: The same.
        console: True, or the (rows, columns), for a pseudo-terminal, whose output all comes on stdout.

    Raises:
        TypeError: An argument is of the wrong type.
        ValueError: An argument is nothing that HCS takes. The message names it; the value of a variable is never in it.
    """
    _inputs.one_of(guest, "guest", ("windows", "linux"))
    parameters: ProcessParameters = {}
    if isinstance(args, str):
        check_name(args, "args")
        parameters["CommandLine"] = args
    else:
        words = command_words(args, "args")
        if guest == "linux":
            parameters["CommandArgs"] = words
        else:
            from subprocess import list2cmdline

            parameters["CommandLine"] = list2cmdline(words)
    if cwd is not None:
        parameters["WorkingDirectory"] = path_text(cwd, "cwd")
    if env is not None:
        parameters["Environment"] = environment(env)
    if user is not None:
        check_name(user, "user")
        parameters["User"] = user
    if console is not False:
        parameters["EmulateConsole"] = True
        if stderr:
            raise ValueError("a console has no stderr of its own, its output comes on stdout: leave stderr out")
        if console is not True:
            parameters["ConsoleSize"] = list(console_size(console))
    if stdin:
        parameters["CreateStdInPipe"] = True
    if stdout:
        parameters["CreateStdOutPipe"] = True
    if stderr:
        parameters["CreateStdErrPipe"] = True
    return parameters


# --- what they are made of


def _system(owner: str, keep: bool) -> ComputeSystem:
    check_name(owner, "owner")
    return {
        "SchemaVersion": {"Major": 2, "Minor": 1},
        "Owner": owner,
        "ShouldTerminateOnLastHandleClosed": not keep,
    }


def _layers(layers: Iterable[Layer]) -> list[Layer]:
    found = _inputs.structs(layers, "layers", "layer")
    if not found:
        raise ValueError("layers must have at least one: a container needs the base layer of its image")
    ids = [item.get("Id") for item in found]
    for index, id in enumerate(ids):
        if id in ids[:index]:
            raise ValueError(f"layers[{index}] has the id of another layer, {id!r}: each has one of its own")
    return found


def _container_processor(count: int | None, maximum: int | None, weight: int | None) -> Container_Processor:
    if [count, maximum, weight].count(None) < 2:
        raise ValueError("processors, processor_maximum and processor_weight exclude each other: give one of them")
    if count is not None:
        return {"Count": _processors(count)}
    if maximum is not None:
        return {"Maximum": _inputs.whole(maximum, "processor_maximum", 1, 10000)}
    if weight is not None:
        return {"Weight": _inputs.whole(weight, "processor_weight", 0, 10000)}
    return {}


def _processors(count: int) -> int:
    return _inputs.whole(count, "processors", 1, 2048)


def _networking(namespace: str | uuid.UUID | None, dns_search: str | Iterable[str]) -> Networking:
    suffixes = values(dns_search, "dns_search")
    if namespace is None and not suffixes:
        return {}
    networking: Networking = {"AllowUnqualifiedDnsQuery": True}
    if suffixes:
        for number, suffix in enumerate(suffixes):
            if "," in suffix and not isinstance(dns_search, str):
                raise ValueError(f"dns_search[{number}] must be one suffix, not {suffix!r}: give each as an item")
        networking["DnsSearchList"] = ",".join(suffixes)
    if namespace is not None:
        networking["Namespace"] = _inputs.guid(namespace, "namespace")
    return networking


def _attachment(path: str | os.PathLike[str], argument: str, type: AttachmentType, *, read_only: bool) -> Attachment:
    kind = _inputs.one_of(type, "type", _ATTACHMENT_TYPES)
    attachment: Attachment = {
        "Type": kind,
        "Path": _inputs.full_path(path, argument, r"C:\vm\disk.vhdx"),
    }
    if read_only or kind == "Iso":
        attachment["ReadOnly"] = True
    return attachment


def _pipe(name: str) -> str:
    check_name(name, "console")
    if not name.startswith(_PIPE) or len(name) == len(_PIPE):
        raise ValueError(rf"console must be the full name of a pipe, such as {_PIPE}machine, not {name!r}")
    return name


def _adapters(adapters: Iterable[NetworkAdapter]) -> dict[str, NetworkAdapter]:
    """Return adapters by the names that HCS knows them by: those of their endpoints, of which each has one."""
    found: dict[str, NetworkAdapter] = {}
    for index, adapter in enumerate(_inputs.structs(adapters, "adapters", "network_adapter")):
        name = adapter.get("EndpointId")
        if not name:
            raise ValueError(f"adapters[{index}] must have an EndpointId, as network_adapter() makes one")
        if name in found:
            raise ValueError(f"adapters[{index}] has the endpoint of another one: create an endpoint for each adapter")
        found[name] = adapter
    return found


def _share_name(name: str, argument: str) -> str:
    check_name(name, argument)
    if "\\" in name or "/" in name:
        raise ValueError(f"{argument} must be the name of a share, not {name!r}: a path is what the share leads to")
    return name


def _check_names(names: list[str | None], argument: str) -> None:
    for index, name in enumerate(names):
        if name in names[:index]:
            raise ValueError(f"{argument}[{index}] has the name of another share, {name!r}: give each one of its own")


def _mac_range(addresses: tuple[str, str]) -> MacRange:
    if not isinstance(addresses, (tuple, list)) or len(addresses) != 2:  # pyright: ignore[reportUnnecessaryIsInstance,reportUnnecessaryComparison]
        raise TypeError(f"mac_addresses must be a tuple (first, last) of MAC addresses, not {addresses!r}")
    first, last = (_inputs.mac_address(item, f"mac_addresses[{index}]") for index, item in enumerate(addresses))
    if first > last:
        raise ValueError(f"mac_addresses must have the lower address first: {first} is above {last}")
    return {"StartMacAddress": first, "EndMacAddress": last}


def _dns(servers: str | Iterable[str], domain: str | None) -> DNS:
    dns: DNS = {}
    if domain is not None:
        check_text(domain, "dns_domain")
        dns["Domain"] = domain
    found = values(servers, "dns_servers")
    if found:
        dns["ServerList"] = [str(_inputs.ip_address(item, "dns_servers")) for item in found]
    return dns


def _policies(policies: Iterable[EndpointPolicy]) -> list[EndpointPolicy]:
    found = _inputs.structs(policies, "policies", "port_mapping")
    mapped: set[tuple[object, object]] = set()
    for index, policy in enumerate(found):
        settings: Any = policy.get("Settings")
        if policy.get("Type") == "PortMapping" and isinstance(settings, Mapping):
            given = cast("Mapping[str, object]", settings)
            port = given.get("Protocol"), given.get("ExternalPort")
            if port in mapped:
                raise ValueError(f"policies[{index}] maps the port {port[1]} of the host again: give each another one")
            mapped.add(port)
    return found
