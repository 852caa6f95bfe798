"""Builders return documents that HCS and HCN take, and refuse what these would."""

import copy
import inspect
import ipaddress
import json
import typing
import uuid
from collections.abc import Callable
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any, cast

import pytest

import hcsrt
from hcsrt import documents
from hcsrt.documents import builders

ID = "7c936f90-3131-5f18-ad64-69ffca88a11c"
OTHER = "0bd1d1cc-3f0f-4a3c-9c0c-5a2e0a7b9b11"
VOLUME = "\\\\?\\Volume{26a90000-0000-0000-0000-100000000000}\\"
LAYER = builders.layer(ID, r"C:\layers\base")
SHARED = r"\\?\VMSMB\VSMB-{dcc079ae-60ba-4d07-847c-3493609c0870}"
READ_ONLY = {"ReadOnly": True, "ShareRead": True, "CacheIo": True, "PseudoOplocks": True, "TakeBackupPrivilege": True}
SYSTEM = {"SchemaVersion": {"Major": 2, "Minor": 1}, "Owner": "hcsrt", "ShouldTerminateOnLastHandleClosed": True}
HCN = {"SchemaVersion": {"Major": 2, "Minor": 0}}

# What each builder returns: a call of it, the type of the document, and the document itself.
RESULTS: list[tuple[Callable[[], Any], str, dict[str, Any]]] = [
    (
        lambda: builders.process_isolated_container(
            [builders.layer(ID, r"C:\layers\top"), builders.layer(OTHER, r"C:\layers\base")],
            VOLUME,
            host_name="web1",
            memory=1024,
            directories=[builders.mapped_directory(r"C:\d", r"C:\d", read_only=True)],
            namespace=OTHER,
            dns_search=["a", "b"],
        ),
        "ComputeSystem",
        {
            **SYSTEM,
            "Container": {
                "GuestOs": {"HostName": "web1"},
                "Storage": {
                    "Layers": [{"Id": ID, "Path": r"C:\layers\top"}, {"Id": OTHER, "Path": r"C:\layers\base"}],
                    "Path": VOLUME,
                },
                "Processor": {},
                "Memory": {"SizeInMB": 1024},
                "MappedDirectories": [{"HostPath": r"C:\d", "ContainerPath": r"C:\d", "ReadOnly": True}],
                "Networking": {"AllowUnqualifiedDnsQuery": True, "DnsSearchList": "a,b", "Namespace": OTHER},
            },
        },
    ),
    (
        lambda: builders.process_isolated_container([LAYER], VOLUME, processors=2, owner="me", keep=True),
        "ComputeSystem",
        {
            "SchemaVersion": {"Major": 2, "Minor": 1},
            "Owner": "me",
            "ShouldTerminateOnLastHandleClosed": False,
            "Container": {
                "Storage": {"Layers": [{"Id": ID, "Path": r"C:\layers\base"}], "Path": VOLUME},
                "Processor": {"Count": 2},
            },
        },
    ),
    (
        lambda: builders.hyper_v_utility_vm(r"C:\layers\base", r"C:\vm\disk.vhdx"),
        "ComputeSystem",
        {
            **SYSTEM,
            "VirtualMachine": {
                "StopOnReset": True,
                "Chipset": {
                    "Uefi": {"BootThis": {"DevicePath": r"\EFI\Microsoft\Boot\bootmgfw.efi", "DeviceType": "VmbFs"}}
                },
                "ComputeTopology": {
                    "Memory": {"SizeInMB": 1024, "AllowOvercommit": True, "EnableHotHint": True},
                    "Processor": {"Count": 2},
                },
                "GuestConnection": {},
                "Devices": {
                    "VirtualSmb": {
                        "DirectFileMappingInMB": 1024,
                        "Shares": [{"Name": "os", "Path": r"C:\layers\base\UtilityVM\Files", "Options": READ_ONLY}],
                    },
                    "Scsi": {
                        "df6d0690-79e5-55b6-a5ec-c1e2f77f580a": {
                            "Attachments": {"0": {"Path": r"C:\vm\disk.vhdx", "Type": "VirtualDisk"}}
                        }
                    },
                },
            },
        },
    ),
    (
        lambda: builders.hosted_container("vm-1", [builders.shared_layer(ID, "s1")]),
        "ComputeSystem",
        {
            **SYSTEM,
            "HostingSystemId": "vm-1",
            "HostedSystem": {
                "SchemaVersion": {"Major": 2, "Minor": 1},
                "Container": {
                    "Storage": {"Layers": [{"Id": ID, "Path": rf"{SHARED}\s1"}], "Path": r"c:\mounts\scsi\m0"}
                },
            },
        },
    ),
    (
        lambda: builders.hosted_container(
            "vm-1", [builders.shared_layer(ID, "s1")], host_name="web1", namespace=f"{{{OTHER.upper()}}}"
        ),
        "ComputeSystem",
        {
            **SYSTEM,
            "HostingSystemId": "vm-1",
            "HostedSystem": {
                "SchemaVersion": {"Major": 2, "Minor": 1},
                "Container": {
                    "GuestOs": {"HostName": "web1"},
                    "Storage": {"Layers": [{"Id": ID, "Path": rf"{SHARED}\s1"}], "Path": r"c:\mounts\scsi\m0"},
                    "Networking": {"AllowUnqualifiedDnsQuery": True, "Namespace": OTHER},
                },
            },
        },
    ),
    (
        lambda: builders.virtual_machine(r"c:\HCS_Test\utilityvm.vhdx"),
        "ComputeSystem",
        {
            **SYSTEM,
            "VirtualMachine": {
                "StopOnReset": True,
                "Chipset": {
                    "Uefi": {"BootThis": {"DevicePath": "Primary disk", "DiskNumber": 0, "DeviceType": "ScsiDrive"}}
                },
                "ComputeTopology": {"Memory": {"Backing": "Virtual", "SizeInMB": 2048}, "Processor": {"Count": 2}},
                "Devices": {
                    "Scsi": {
                        "Primary disk": {
                            "Attachments": {"0": {"Type": "VirtualDisk", "Path": r"c:\HCS_Test\utilityvm.vhdx"}}
                        }
                    }
                },
            },
        },
    ),
    (
        lambda: builders.virtual_machine(
            PureWindowsPath(r"C:\vm\disk.vhdx"),
            memory=4096,
            processors=4,
            console=r"\\.\pipe\first",
            disks=[builders.scsi_attachment(r"C:\vm\cd.iso", type="Iso")],
            adapters=[builders.network_adapter(ID, "00:15:5d:52:c0:01")],
            smb_shares=[builders.virtual_smb_share("data", r"C:\data", read_only=False)],
            plan9_shares=[builders.plan9_share("src", r"C:\src", read_only=True)],
        ),
        "ComputeSystem",
        {
            **SYSTEM,
            "VirtualMachine": {
                "StopOnReset": True,
                "Chipset": {
                    "Uefi": {"BootThis": {"DevicePath": "Primary disk", "DiskNumber": 0, "DeviceType": "ScsiDrive"}}
                },
                "ComputeTopology": {"Memory": {"Backing": "Virtual", "SizeInMB": 4096}, "Processor": {"Count": 4}},
                "Devices": {
                    "Scsi": {
                        "Primary disk": {
                            "Attachments": {
                                "0": {"Type": "VirtualDisk", "Path": r"C:\vm\disk.vhdx"},
                                "1": {"Type": "Iso", "Path": r"C:\vm\cd.iso", "ReadOnly": True},
                            }
                        }
                    },
                    "ComPorts": {"0": {"NamedPipe": r"\\.\pipe\first"}},
                    "NetworkAdapters": {ID: {"EndpointId": ID, "MacAddress": "00-15-5D-52-C0-01"}},
                    "VirtualSmb": {"Shares": [{"Name": "data", "Path": r"C:\data"}]},
                    "Plan9": {
                        "Shares": [
                            {"Name": "src", "AccessName": "src", "Path": r"C:\src", "Port": 564, "Flags": 5},
                        ]
                    },
                },
            },
        },
    ),
    (
        lambda: builders.layer(uuid.UUID(ID), PureWindowsPath(r"C:\layers\base")),
        "Layer",
        {"Id": ID, "Path": r"C:\layers\base"},
    ),
    (lambda: builders.shared_layer(ID, "s0"), "Layer", {"Id": ID, "Path": rf"{SHARED}\s0"}),
    (
        lambda: builders.mapped_directory(PureWindowsPath("C:/data"), r"C:\data"),
        "MappedDirectory",
        {"HostPath": r"C:\data", "ContainerPath": r"C:\data", "ReadOnly": False},
    ),
    (
        lambda: builders.scsi_attachment(r"C:\vm\disk.vhdx", read_only=True),
        "Attachment",
        {"Type": "VirtualDisk", "Path": r"C:\vm\disk.vhdx", "ReadOnly": True},
    ),
    (
        lambda: builders.scsi_attachment(r"\\.\PHYSICALDRIVE1", type="PassThru"),
        "Attachment",
        {"Type": "PassThru", "Path": r"\\.\PHYSICALDRIVE1"},
    ),
    (lambda: builders.network_adapter(uuid.UUID(ID)), "NetworkAdapter", {"EndpointId": ID}),
    (
        lambda: builders.virtual_smb_share("s0", r"C:\layers\base"),
        "VirtualSmbShare",
        {"Name": "s0", "Path": r"C:\layers\base", "Options": READ_ONLY},
    ),
    (
        lambda: builders.plan9_share("src", r"C:\src", port=5640),
        "Plan9Share",
        {"Name": "src", "AccessName": "src", "Path": r"C:\src", "Port": 5640, "Flags": 4},
    ),
    (
        lambda: builders.modify_request("VirtualMachine/ComputeTopology/Memory/SizeInMB", "Update", 4096),
        "ModifySettingRequest",
        {
            "ResourcePath": "VirtualMachine/ComputeTopology/Memory/SizeInMB",
            "RequestType": "Update",
            "Settings": 4096,
        },
    ),
    (
        lambda: builders.modify_request(
            "", "Add", guest_request=builders.guest_request("CombinedLayers", "Add", builders.combined_layers([LAYER]))
        ),
        "ModifySettingRequest",
        {
            "ResourcePath": "",
            "RequestType": "Add",
            "GuestRequest": {
                "ResourceType": "CombinedLayers",
                "RequestType": "Add",
                "Settings": {
                    "ContainerRootPath": r"c:\mounts\scsi\m0",
                    "Layers": [{"Id": ID, "Path": r"C:\layers\base"}],
                },
            },
        },
    ),
    (
        lambda: builders.guest_request("MappedVirtualDisk", "Remove"),
        "GuestModifySettingRequest",
        {"ResourceType": "MappedVirtualDisk", "RequestType": "Remove"},
    ),
    (
        lambda: builders.mapped_virtual_disk(1),
        "MappedVirtualDisk",
        {"ContainerPath": r"c:\mounts\scsi\m0", "Lun": 1},
    ),
    (
        lambda: builders.combined_layers([builders.shared_layer(ID, "s1")], PureWindowsPath(r"c:\root")),
        "CombinedLayers",
        {"ContainerRootPath": r"c:\root", "Layers": [{"Id": ID, "Path": rf"{SHARED}\s1"}]},
    ),
    (
        lambda: builders.nat_network(
            "hcsrt-nat",
            "192.168.100.0/24",
            dns_servers=["1.1.1.1"],
            dns_domain="",
            mac_addresses=("00-15-5D-52-C0-00", "00-15-5D-52-CF-FF"),
        ),
        "HostComputeNetwork",
        {
            "Name": "hcsrt-nat",
            "Type": "NAT",
            "Owner": "hcsrt",
            "Ipams": [
                {
                    "Type": "Static",
                    "Subnets": [
                        {
                            "IpAddressPrefix": "192.168.100.0/24",
                            "Routes": [{"NextHop": "192.168.100.1", "DestinationPrefix": "0.0.0.0/0"}],
                        }
                    ],
                }
            ],
            "MacPool": {"Ranges": [{"StartMacAddress": "00-15-5D-52-C0-00", "EndMacAddress": "00-15-5D-52-CF-FF"}]},
            "Dns": {"Domain": "", "ServerList": ["1.1.1.1"]},
            **HCN,
        },
    ),
    (
        lambda: builders.nat_network("six", ipaddress.ip_network("fd00::/64"), gateway="fd00::ff"),
        "HostComputeNetwork",
        {
            "Name": "six",
            "Type": "NAT",
            "Owner": "hcsrt",
            "Ipams": [
                {
                    "Type": "Static",
                    "Subnets": [
                        {
                            "IpAddressPrefix": "fd00::/64",
                            "Routes": [{"NextHop": "fd00::ff", "DestinationPrefix": "::/0"}],
                        }
                    ],
                }
            ],
            **HCN,
        },
    ),
    (
        lambda: builders.endpoint(ID, name="web1", policies=[builders.port_mapping(8082, 39082)]),
        "HostComputeEndpoint",
        {
            "HostComputeNetwork": ID,
            "Name": "web1",
            "Policies": [
                {"Type": "PortMapping", "Settings": {"Protocol": 6, "InternalPort": 8082, "ExternalPort": 39082}}
            ],
            **HCN,
        },
    ),
    (
        lambda: builders.endpoint(
            f"{{{ID}}}",
            addresses=["192.168.100.7/24", ipaddress.ip_interface("fd00::7/64")],
            mac_address="00155d52c001",
            dns_servers="1.1.1.1",
        ),
        "HostComputeEndpoint",
        {
            "HostComputeNetwork": ID,
            "IpConfigurations": [
                {"IpAddress": "192.168.100.7", "PrefixLength": 24},
                {"IpAddress": "fd00::7", "PrefixLength": 64},
            ],
            "MacAddress": "00-15-5D-52-C0-01",
            "Dns": {"ServerList": ["1.1.1.1"]},
            **HCN,
        },
    ),
    (
        lambda: builders.port_mapping(53, 5353, protocol="UDP"),
        "EndpointPolicy",
        {"Type": "PortMapping", "Settings": {"Protocol": 17, "InternalPort": 53, "ExternalPort": 5353}},
    ),
    (builders.namespace, "HostComputeNamespace", {"Type": "Host", **HCN}),
    (
        lambda: builders.namespace_endpoint(uuid.UUID(ID)),
        "ModifyNamespaceSettingRequest",
        {"ResourceType": "Endpoint", "RequestType": "Add", "Settings": {"EndpointId": ID}},
    ),
    (
        lambda: builders.process_parameters(
            ["cmd.exe", "/c", "echo hello"],
            cwd="C:\\",
            env={"GREETING": "hello"},
            stdin=True,
            stdout=True,
            stderr=True,
        ),
        "ProcessParameters",
        {
            "CommandLine": 'cmd.exe /c "echo hello"',
            "WorkingDirectory": "C:\\",
            "Environment": {"GREETING": "hello"},
            "CreateStdInPipe": True,
            "CreateStdOutPipe": True,
            "CreateStdErrPipe": True,
        },
    ),
    (
        lambda: builders.process_parameters(
            ["sh", PurePosixPath("/x y")], guest="linux", console=(24, 80), stdout=True, user="me"
        ),
        "ProcessParameters",
        {
            "CommandArgs": ["sh", "/x y"],
            "User": "me",
            "EmulateConsole": True,
            "ConsoleSize": [24, 80],
            "CreateStdOutPipe": True,
        },
    ),
    (lambda: builders.process_parameters("cmd /c ver"), "ProcessParameters", {"CommandLine": "cmd /c ver"}),
]
NAMES = [f"{kind}-{number}" for number, (_, kind, _) in enumerate(RESULTS)]


def containers_of(value: Any) -> list[int]:
    """Return the identities of all dicts and lists in a document."""
    if not isinstance(value, (dict, list)):
        return []
    document = cast("dict[str, Any] | list[Any]", value)
    inside = list(document.values()) if isinstance(document, dict) else document
    return [id(document), *(identity for item in inside for identity in containers_of(item))]


@pytest.mark.parametrize(("build", "kind", "expected"), RESULTS, ids=NAMES)
def test_a_builder_returns_the_document(build: Callable[[], Any], kind: str, expected: dict[str, Any]) -> None:
    assert build() == expected
    # What is told to an editor is a dict at run time, with nothing else in it than what JSON has.
    assert type(build()) is dict
    assert json.loads(documents.dumps(build())) == expected


@pytest.mark.parametrize(("build", "kind", "expected"), RESULTS, ids=NAMES)
@pytest.mark.parametrize("schema", [None, (2, 6)])
def test_check_finds_nothing(
    build: Callable[[], Any], kind: str, expected: dict[str, Any], schema: tuple[int, int] | None
) -> None:
    assert documents.check(build(), kind, schema=schema) == []


@pytest.mark.parametrize(("build", "kind", "expected"), RESULTS, ids=NAMES)
def test_results_share_nothing(build: Callable[[], Any], kind: str, expected: dict[str, Any]) -> None:
    first, second = build(), build()
    assert not set(containers_of(first)) & set(containers_of(second))


def test_a_result_shares_nothing_with_what_it_was_made_of() -> None:
    layer, directory = builders.layer(ID, r"C:\base"), builders.mapped_directory(r"C:\d", r"C:\d")
    policy, settings = builders.port_mapping(1, 2), {"Layers": [layer]}
    made: list[Any] = [
        builders.process_isolated_container([layer], VOLUME, directories=[directory]),
        builders.combined_layers([layer]),
        builders.endpoint(ID, policies=[policy]),
        builders.guest_request("CombinedLayers", "Add", settings),
        builders.modify_request("", "Add", settings, guest_request=settings),
    ]
    given = copy.deepcopy([layer, directory, policy, settings])
    for document in made:
        assert not set(containers_of(document)) & set(containers_of([layer, directory, policy, settings]))
    assert [layer, directory, policy, settings] == given


def test_every_builder_is_tried() -> None:
    source = inspect.getsource(inspect.getmodule(test_every_builder_is_tried) or builders)
    functions = [name for name in builders.__all__ if callable(getattr(builders, name))]
    assert len(functions) > 20
    assert [name for name in functions if f"builders.{name}" not in source] == []
    for name in functions:
        typing.get_type_hints(getattr(builders, name))


def test_builders_are_names_of_documents() -> None:
    for name in builders.__all__:
        assert getattr(documents, name) is getattr(builders, name)
        assert name in dir(documents)


# --- what is refused

CONTAINER: dict[str, Any] = {"layers": [LAYER], "scratch": VOLUME}
VM: dict[str, Any] = {"disk": r"C:\vm\disk.vhdx"}

REFUSED: list[tuple[Callable[..., Any], dict[str, Any], type[Exception], str]] = [
    (builders.process_isolated_container, CONTAINER | {"layers": []}, ValueError, "layers must have at least one"),
    (
        builders.process_isolated_container,
        CONTAINER | {"layers": [LAYER, builders.layer(ID, "C:\\top")]},
        ValueError,
        r"layers\[1\] has the id of another layer",
    ),
    (
        builders.process_isolated_container,
        CONTAINER | {"layers": LAYER},
        TypeError,
        r"layers must be a list of what layer\(\) returns, not one: put it in brackets",
    ),
    (
        builders.process_isolated_container,
        CONTAINER | {"layers": "C:\\"},
        TypeError,
        "layers must be a list .*, not str",
    ),
    (builders.process_isolated_container, CONTAINER | {"layers": 5}, TypeError, "layers must be a list .*, not int"),
    (
        builders.process_isolated_container,
        CONTAINER | {"layers": [LAYER, "C:\\"]},
        TypeError,
        r"layers\[1\] must be what layer\(\) returns, or a dict like it, not str",
    ),
    (
        builders.process_isolated_container,
        CONTAINER | {"scratch": r"C:\scratch"},
        ValueError,
        r"scratch must be the volume of a mounted writable layer, such as .*, not 'C:.*: HCS takes no folder there",
    ),
    (
        builders.process_isolated_container,
        CONTAINER | {"scratch": r"\\?\Volume{26a9}"},
        ValueError,
        "scratch must be the volume",
    ),
    (
        builders.process_isolated_container,
        CONTAINER | {"scratch": 1},
        TypeError,
        "scratch must be a str or path, not int",
    ),
    (
        builders.process_isolated_container,
        CONTAINER | {"namespace": OTHER},
        ValueError,
        "namespace needs host_name: HCS refuses a container",
    ),
    (
        builders.process_isolated_container,
        CONTAINER | {"host_name": "a-name-too-long1"},
        ValueError,
        "host_name must have at most 15 characters, and 'a-name-too-long1' has 16: shorten it",
    ),
    (builders.process_isolated_container, CONTAINER | {"host_name": ""}, ValueError, "host_name must not be empty"),
    (
        builders.process_isolated_container,
        CONTAINER | {"host_name": "web", "namespace": "net-1"},
        ValueError,
        "namespace must be a GUID such as '.*', not 'net-1'",
    ),
    (
        builders.process_isolated_container,
        CONTAINER | {"processors": 2, "processor_weight": 100},
        ValueError,
        "processors, processor_maximum and processor_weight exclude each other: give one of them",
    ),
    (builders.process_isolated_container, CONTAINER | {"processors": 0}, ValueError, "processors must be from 1 to"),
    (builders.process_isolated_container, CONTAINER | {"processors": True}, ValueError, "processors must be from 1 to"),
    (builders.process_isolated_container, CONTAINER | {"processors": 1.5}, TypeError, "processors must be an int"),
    (
        builders.process_isolated_container,
        CONTAINER | {"processor_maximum": 10001},
        ValueError,
        "processor_maximum must be from 1 to 10000, not 10001",
    ),
    (
        builders.process_isolated_container,
        CONTAINER | {"processor_weight": -1},
        ValueError,
        "processor_weight must be from 0 to 10000, not -1",
    ),
    (
        builders.process_isolated_container,
        CONTAINER | {"memory": 512 * 2**20},
        ValueError,
        "memory must be from 1 to 251658240, in MB and not in bytes, not 536870912",
    ),
    (
        builders.process_isolated_container,
        CONTAINER | {"memory": "512"},
        TypeError,
        "memory must be an int, in MB, not str",
    ),
    (
        builders.process_isolated_container,
        CONTAINER | {"memory": 0},
        ValueError,
        "memory must be from 1 to 251658240 MB",
    ),
    (builders.virtual_machine, VM | {"memory": 1025}, ValueError, "memory must be a multiple of 2 MB, not 1025"),
    (
        builders.hyper_v_utility_vm,
        {"layer": r"C:\layers\base", "disk": r"C:\vm\uvm.vhdx", "memory": 1025},
        ValueError,
        "memory must be a multiple of 2 MB, not 1025",
    ),
    (builders.process_isolated_container, CONTAINER | {"owner": ""}, ValueError, "owner must not be empty"),
    (
        builders.process_isolated_container,
        CONTAINER | {"dns_search": ["a,b"]},
        ValueError,
        r"dns_search\[0\] must be one suffix",
    ),
    (
        builders.process_isolated_container,
        CONTAINER | {"directories": [{"HostPath": {1}}]},
        TypeError,
        r"directories\[0\] must be a value that JSON can express: .* set ",
    ),
    (
        builders.hyper_v_utility_vm,
        VM | {"layer": "base"},
        ValueError,
        "layer must be a full path such as .*, not 'base'",
    ),
    (builders.hyper_v_utility_vm, {"layer": "C:\\l", "disk": "disk.vhdx"}, ValueError, "disk must be a full path"),
    (builders.hosted_container, {"hosting_system_id": "", "layers": [LAYER]}, ValueError, "hosting_system_id must not"),
    (
        builders.hosted_container,
        {"hosting_system_id": "vm", "layers": [LAYER], "namespace": ID},
        ValueError,
        "namespace needs host_name: give",
    ),
    (
        builders.hosted_container,
        {"hosting_system_id": "vm", "layers": [LAYER], "root": "m0"},
        ValueError,
        "root must be",
    ),
    (builders.virtual_machine, VM | {"disk": r"vm\disk.vhdx"}, ValueError, "disk must be a full path such as"),
    (
        builders.virtual_machine,
        VM | {"console": "first"},
        ValueError,
        "console must be the full name of a pipe, such as",
    ),
    (builders.virtual_machine, VM | {"adapters": [{}]}, ValueError, r"adapters\[0\] must have an EndpointId"),
    (
        builders.virtual_machine,
        VM | {"adapters": [builders.network_adapter(ID)] * 2},
        ValueError,
        r"adapters\[1\] has the endpoint of another one",
    ),
    (
        builders.virtual_machine,
        VM | {"disks": [builders.scsi_attachment(r"C:\more.vhdx")] * 64},
        ValueError,
        "disks must have at most 63 items, not 64",
    ),
    (
        builders.virtual_machine,
        VM | {"plan9_shares": [builders.plan9_share("a", "C:\\a"), builders.plan9_share("a", "C:\\b")]},
        ValueError,
        r"plan9_shares\[1\] has the name of another share, 'a'",
    ),
    (builders.layer, {"id": "base", "path": "C:\\base"}, ValueError, "id must be a GUID such as"),
    (builders.layer, {"id": ID.replace("-", ""), "path": "C:\\base"}, ValueError, "id must be a GUID such as"),
    (builders.layer, {"id": ID, "path": "base"}, ValueError, "path must be a full path such as"),
    (builders.layer, {"id": ID, "path": b"C:\\base"}, TypeError, "path must be a str, not bytes"),
    (builders.layer, {"id": 5, "path": "C:\\base"}, TypeError, "id must be a str, not int"),
    (builders.shared_layer, {"id": ID, "share": r"a\b"}, ValueError, "share must be the name of a share, not"),
    (
        builders.mapped_directory,
        {"host_path": "C:data", "container_path": "C:\\d"},
        ValueError,
        "host_path must be a full path",
    ),
    (
        builders.mapped_directory,
        {"host_path": "C:\\d", "container_path": "data"},
        ValueError,
        "container_path must be a full path",
    ),
    (
        builders.scsi_attachment,
        {"path": "C:\\d", "type": "Disk"},
        ValueError,
        "type must be one of 'VirtualDisk', 'Iso', 'PassThru', not 'Disk'",
    ),
    (builders.network_adapter, {"endpoint_id": "x"}, ValueError, "endpoint_id must be a GUID"),
    (builders.network_adapter, {"endpoint_id": ID, "mac_address": "00-15"}, ValueError, "mac_address must be a MAC"),
    (builders.virtual_smb_share, {"name": "", "path": "C:\\d"}, ValueError, "name must not be empty"),
    (builders.plan9_share, {"name": "a", "path": "C:\\d", "port": 0}, ValueError, "port must be from 1 to"),
    (
        builders.modify_request,
        {"resource_path": "", "request_type": "Add"},
        ValueError,
        "resource_path may be empty only with guest_request",
    ),
    (
        builders.modify_request,
        {"resource_path": "x", "request_type": "add"},
        ValueError,
        "request_type must be one of 'Add', 'Remove', 'Update', not 'add'",
    ),
    (
        builders.modify_request,
        {"resource_path": "x", "request_type": "Add", "settings": {"a": {1}}},
        TypeError,
        r"settings must be a value that JSON can express: .* set ",
    ),
    (
        builders.guest_request,
        {"resource_type": "", "request_type": "Add"},
        ValueError,
        "resource_type must not be empty",
    ),
    (builders.mapped_virtual_disk, {"lun": 64}, ValueError, "lun must be from 0 to 63, not 64"),
    (builders.combined_layers, {"layers": []}, ValueError, "layers must have at least one"),
    (builders.nat_network, {"name": "", "prefix": "10.0.0.0/8"}, ValueError, "name must not be empty"),
    (
        builders.nat_network,
        {"name": "n", "prefix": "192.168.100.1/24"},
        ValueError,
        "prefix must be a network such as '192.168.100.0/24', not '192.168.100.1/24'",
    ),
    (builders.nat_network, {"name": "n", "prefix": "192.168.100.0"}, ValueError, "prefix must be a network such as"),
    (builders.nat_network, {"name": "n", "prefix": 5}, ValueError, "prefix must be a network such as"),
    (builders.nat_network, {"name": "n", "prefix": "10.0.0.0/31"}, ValueError, "prefix must have room"),
    (
        builders.nat_network,
        {"name": "n", "prefix": "10.0.0.0/24", "gateway": "10.0.1.1"},
        ValueError,
        "gateway must be an address in 10.0.0.0/24, such as 10.0.0.1, not 10.0.1.1",
    ),
    (
        builders.nat_network,
        {"name": "n", "prefix": "10.0.0.0/24", "gateway": "first"},
        ValueError,
        "gateway must be an IP address such as",
    ),
    (
        builders.nat_network,
        {"name": "n", "prefix": "10.0.0.0/24", "dns_servers": ["one"]},
        ValueError,
        "dns_servers must be an IP address",
    ),
    (
        builders.nat_network,
        {"name": "n", "prefix": "10.0.0.0/24", "mac_addresses": "00-15-5D-52-C0-00"},
        TypeError,
        r"mac_addresses must be a tuple \(first, last\)",
    ),
    (
        builders.nat_network,
        {"name": "n", "prefix": "10.0.0.0/24", "mac_addresses": ("00-15-5D-52-C0-01", "00-15-5D-52-C0-00")},
        ValueError,
        "mac_addresses must have the lower address first",
    ),
    (builders.endpoint, {"network_id": "nat"}, ValueError, "network_id must be a GUID"),
    (
        builders.endpoint,
        {"network_id": ID, "addresses": ["10.0.0.7"]},
        ValueError,
        r"addresses\[0\] must be an address with the length of its prefix, such as '192.168.100.7/24'",
    ),
    (
        builders.endpoint,
        {"network_id": ID, "policies": [builders.port_mapping(80, 8080), builders.port_mapping(81, 8080)]},
        ValueError,
        r"policies\[1\] maps the port 8080 of the host again",
    ),
    (
        builders.port_mapping,
        {"internal_port": 80, "external_port": 70000},
        ValueError,
        "external_port must be from 1 to 65535, not 70000",
    ),
    (
        builders.port_mapping,
        {"internal_port": 80, "external_port": 80, "protocol": "tcp"},
        ValueError,
        "protocol must be one of 'TCP', 'UDP', not 'tcp'",
    ),
    (builders.namespace, {"type": "host"}, ValueError, "type must be one of 'Host', 'HostDefault', 'Guest'"),
    (
        builders.namespace_endpoint,
        {"endpoint_id": ID, "request_type": "Update"},
        ValueError,
        "request_type must be one of 'Add', 'Remove', not 'Update'",
    ),
    (builders.process_parameters, {"args": []}, ValueError, "args must not be empty"),
    (builders.process_parameters, {"args": ["a", 1]}, TypeError, r"args\[1\] must be a str or path, not int"),
    (builders.process_parameters, {"args": "a", "guest": "mac"}, ValueError, "guest must be one of 'windows', 'linux'"),
    (builders.process_parameters, {"args": "a", "console": True, "stderr": True}, ValueError, "leave stderr out"),
    (builders.process_parameters, {"args": "a", "console": (0, 80)}, ValueError, "a console has 1 to 65535 rows"),
]


@pytest.mark.parametrize(
    ("builder", "arguments", "error", "message"), REFUSED, ids=[f"{item[0].__name__}-{item[3]}" for item in REFUSED]
)
def test_a_mistake_is_told_by_the_name_of_the_argument(
    builder: Callable[..., Any], arguments: dict[str, Any], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        builder(**arguments)


def test_the_value_of_a_variable_is_in_no_error() -> None:
    with pytest.raises(TypeError) as caught:
        builders.process_parameters("a", env={"TOKEN": b"secret"})  # type: ignore[dict-item] # pyright: ignore
    assert "TOKEN" in str(caught.value)
    assert "secret" not in str(caught.value)


def test_a_scratch_gets_its_backslash_and_a_folder_is_one_of_the_emulator(tmp_path: Path) -> None:
    def scratch(value: Any) -> Any:
        return builders.process_isolated_container([LAYER], value)["Container"]["Storage"]["Path"]  # pyright: ignore

    assert scratch(VOLUME.rstrip("\\")) == scratch(PureWindowsPath(VOLUME)) == VOLUME
    assert scratch(PurePosixPath("/scratch")) == "/scratch"


def test_paths_of_this_machine_stay_as_they_are() -> None:
    shares = builders.hyper_v_utility_vm("/layers/base", "/disk.vhdx")["VirtualMachine"]["Devices"]["VirtualSmb"]  # pyright: ignore
    assert shares["Shares"][0]["Path"] == "/layers/base/UtilityVM/Files"  # pyright: ignore


# --- the emulator takes them


def test_the_emulator_runs_what_is_built(tmp_path: Path) -> None:
    disk = tmp_path / "disk.vhdx"
    disk.touch()
    folder = tmp_path / "data"
    folder.mkdir()
    made = {
        "container": builders.process_isolated_container(
            [builders.layer(ID, tmp_path)], VOLUME, host_name="web1", memory=512, processors=1, owner="builders"
        ),
        "machine": builders.virtual_machine(disk, owner="builders"),
        "utility": builders.hyper_v_utility_vm(tmp_path, disk, owner="builders"),
    }
    for name, document in made.items():
        with hcsrt.ComputeSystem.create(f"builders-{name}", document, timeout=10) as system:
            system.start(timeout=10)
            assert [found["Id"] for found in hcsrt.systems(owner="builders")] == [f"builders-{name}"]
            if name == "utility":
                share = builders.virtual_smb_share("s0", folder)
                system.modify("VirtualMachine/Devices/VirtualSmb/Shares", "Add", share, timeout=10)
                path = f"VirtualMachine/Devices/Scsi/{builders.SCSI_CONTROLLER}/Attachments/1"
                system.modify(path, "Add", builders.scsi_attachment(disk), timeout=10)
                layers = [builders.shared_layer(ID, "s0")]
                hosted = builders.hosted_container("builders-utility", layers, owner="other")
                with hcsrt.ComputeSystem.create("builders-hosted", hosted, timeout=10) as container:
                    container.start(timeout=10)
            assert system.stop(0) == "terminate"


def test_process_parameters_are_those_of_popen() -> None:
    asked: list[str] = []

    async def is_linux() -> bool:
        return linux

    from hcsrt._facade import commands

    for linux in (False, True):
        arguments: dict[str, Any] = {"cwd": "/tmp", "env": {"A": "1"}, "user": "me", "console": (24, 80)}
        coroutine = commands.process_parameters(
            ["a b", "c"], is_linux=is_linux, stdin=-1, stdout=-1, stderr=None, **arguments
        )
        with pytest.raises(StopIteration) as caught:
            coroutine.send(None)
        asked.append(caught.value.value)
        guest: Any = "linux" if linux else "windows"
        built = builders.process_parameters(["a b", "c"], guest=guest, stdin=True, stdout=True, **arguments)
        assert json.loads(asked[-1]) == built


NETWORK = ipaddress.ip_network("10.0.0.0/8")  # of 16 million addresses


@pytest.mark.parametrize(
    ("argument", "build"),
    [
        ("addresses", lambda value: documents.endpoint(str(uuid.UUID(int=5)), addresses=value)),
        ("dns_servers", lambda value: documents.endpoint(str(uuid.UUID(int=5)), dns_servers=value)),
        ("policies", lambda value: documents.endpoint(str(uuid.UUID(int=5)), policies=value)),
        ("layers", lambda value: documents.combined_layers(value)),
        ("disks", lambda value: documents.virtual_machine("C:\\d.vhdx", disks=value)),
        ("args", lambda value: documents.process_parameters(value)),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
@pytest.mark.parametrize("value", [None, 5, object(), NETWORK], ids=["none", "int", "object", "network"])
def test_what_is_no_list_is_refused_at_once_and_by_name(argument: str, build: Callable[[Any], Any], value: Any) -> None:
    with pytest.raises((TypeError, ValueError), match=f"^{argument}"):
        build(value)


@pytest.mark.parametrize("settings", [{5: "x"}, {"a": [{None: 1}]}, {"a": {True: 1}}])
def test_settings_have_keys_of_json(settings: Any) -> None:
    with pytest.raises(TypeError, match=r"^settings must be a value that JSON can express: keys in JSON are strings"):
        documents.modify_request("Container/Processor", "Update", settings)
    with pytest.raises(TypeError, match=r"^settings"):
        documents.guest_request("Memory", "Add", settings)
