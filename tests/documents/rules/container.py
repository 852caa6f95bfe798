"""Cases of the rules of containers."""

from __future__ import annotations

from .base import GUID, LAYER, STORAGE, VOLUME, Case, case, changed, container, error, hosted, ignored, warning


def directories(one: str, other: str) -> list[dict[str, str]]:
    return [{"HostPath": "C:\\a", "ContainerPath": one}, {"HostPath": "C:\\b", "ContainerPath": other}]


def pipes(one: str, other: str) -> list[dict[str, str]]:
    return [
        {"HostPath": "\\\\.\\pipe\\x", "ContainerPipeName": one},
        {"HostPath": "\\\\.\\pipe\\y", "ContainerPipeName": other},
    ]


CASES: list[Case] = [
    case(
        "limit_is_not_nothing",
        "Container",
        {"Storage": STORAGE, "Memory": {"SizeInMB": 0}, "Processor": {"Count": 0}},
        {"Storage": STORAGE, "Memory": {"SizeInMB": 1}, "Processor": {}},
        warning("$.Memory.SizeInMB", "no known client sends 0: leave this out for no limit, or give one"),
        warning("$.Processor.Count", "no known client sends 0: leave this out for no limit, or give one"),
    ),
    case(
        "memory_is_in_megabytes",
        "Container_Memory",
        {"SizeInMB": 1 << 30},
        {"SizeInMB": 2047},
        warning("$.SizeInMB", "this is more than 240 TB: give the size in MB, not in bytes"),
    ),
    case(
        "mapped_container_path_is_absolute",
        "ComputeSystem",
        container(MappedDirectories=[{"HostPath": "C:\\data", "ContainerPath": "/data"}]),
        hosted(MappedDirectories=[{"HostPath": "C:\\data", "ContainerPath": "/data"}]),
        warning(
            "$.Container.MappedDirectories[0].ContainerPath",
            "the path in the container is absolute in every known document, as in C:\\data",
        ),
    ),
    case(
        "one_limit_of_processors",
        "Container_Processor",
        {"Count": 2, "Maximum": 5000, "Weight": 5},
        {"Weight": 5},
        error("$", "Count and Maximum and Weight exclude each other: give one of them"),
    ),
    case(
        "storage_is_complete",
        "Container",
        {},
        {"Storage": STORAGE},
        error("$.Storage.Layers", "a container needs at least one layer: give them all, the topmost first"),
        error(
            "$.Storage.Path", "a container needs the path of its scratch space, a mounted volume: \\\\?\\Volume{GUID}\\"
        ),
    ),
    case(
        "storage_is_complete",
        "ComputeSystem",
        container(Storage={"Layers": [LAYER]}),
        hosted(Storage={}),
        error(
            "$.Container.Storage.Path",
            "a container needs the path of its scratch space, a mounted volume: \\\\?\\Volume{GUID}\\",
        ),
    ),
    case(
        "scratch_is_a_volume",
        "ComputeSystem",
        container(Storage=STORAGE | {"Path": "C:\\scratch"}),
        hosted(),
        error(
            "$.Container.Storage.Path",
            (
                "the scratch has to be a volume, not a folder: mount its virtual disk, and give the path that "
                "GetLayerMountPath returns, \\\\?\\Volume{GUID}\\"
            ),
        ),
    ),
    case(
        "scratch_is_a_volume",
        "ComputeSystem",
        container(Storage=STORAGE | {"Path": "scratch"}),
        container(Storage=STORAGE | {"Path": "/scratch"}),
        error(
            "$.Container.Storage.Path",
            "the scratch has to be a volume, \\\\?\\Volume{GUID}\\, or on the emulator an absolute path",
        ),
        host="emulator",
    ),
    case(
        "scratch_ends_with_a_backslash",
        "Storage",
        STORAGE | {"Path": VOLUME[:-1]},
        STORAGE,
        warning("$.Path", "the path of the scratch ends with a backslash in every known document: add it"),
    ),
    case(
        "mapped_host_path_is_absolute",
        "MappedDirectory",
        {"HostPath": "data", "ContainerPath": "C:\\data"},
        {"HostPath": "s0", "HostPathType": "VirtualSmbShareName", "ContainerPath": "C:\\data"},
        warning("$.HostPath", "the path on the host is absolute in every known document, as in C:\\data"),
    ),
    case(
        "mapped_host_path_is_absolute",
        "MappedDirectory",
        {"HostPath": "/data", "ContainerPath": "/data"},
        {"HostPath": "\\\\server\\share", "ContainerPath": "/data"},
        warning("$.HostPath", "the path on the host is absolute in every known document, as in C:\\data"),
    ),
    case(
        "mapped_host_path_is_absolute",
        "MappedDirectory",
        {"HostPath": "data", "ContainerPath": "/data"},
        {"HostPath": "/data", "ContainerPath": "/data"},
        warning("$.HostPath", "the path on the host is absolute in every known document, as in C:\\data"),
        host="emulator",
    ),
    case(
        "mapped_container_path_is_absolute",
        "MappedDirectory",
        {"HostPath": "C:\\data", "ContainerPath": "data"},
        {"HostPath": "C:/data", "ContainerPath": "C:/data"},
        warning("$.ContainerPath", "the path in the container is absolute in every known document, as in C:\\data"),
    ),
    case(
        "mapped_directory_has_both_ends",
        "MappedDirectory",
        {"ReadOnly": True},
        {"HostPath": "C:\\data", "ContainerPath": "C:\\data"},
        warning("$.HostPath", "every known client gives the path on the host: add it"),
        warning("$.ContainerPath", "every known client gives the path in the container: add it"),
    ),
    case(
        "mapped_directory_has_both_ends",
        "ModifySettingRequest",
        changed("Container/MappedDirectories", {"ContainerPath": "C:\\data"}),
        changed("Container/MappedDirectories", {"ContainerPath": "C:\\data"}, "Remove"),
        warning("$.Settings.HostPath", "every known client gives the path on the host: add it"),
    ),
    case(
        "mapped_places_are_different",
        "Container",
        {"Storage": STORAGE, "MappedDirectories": directories("C:\\data", "c:/DATA/")},
        {"Storage": STORAGE, "MappedDirectories": directories("C:\\a", "C:\\b")},
        warning(
            "$.MappedDirectories[1].ContainerPath",
            "something else is mapped to this place in the container: choose another place",
        ),
    ),
    case(
        "mapped_places_are_different",
        "Container",
        {"Storage": STORAGE, "MappedPipes": pipes("a", "A")},
        {"Storage": STORAGE, "MappedPipes": pipes("a", "b")},
        warning(
            "$.MappedPipes[1].ContainerPipeName",
            "something else is mapped to this place in the container: choose another place",
        ),
    ),
    case(
        "mapped_places_are_different",
        "ComputeSystem",
        hosted(
            Storage={"Path": "/run"},
            MappedDirectories=[{"HostPath": "/a", "ContainerPath": "/x"}, {"HostPath": "/b", "ContainerPath": "/x/"}],
        ),
        hosted(
            Storage={"Path": "/run"},
            MappedDirectories=[{"HostPath": "/a", "ContainerPath": "/x"}, {"HostPath": "/b", "ContainerPath": "/X"}],
        ),
        warning(
            "$.HostedSystem.Container.MappedDirectories[1].ContainerPath",
            "something else is mapped to this place in the container: choose another place",
        ),
    ),
    case(
        "mapped_pipe_has_a_name",
        "MappedPipe",
        {"HostPath": "\\\\.\\pipe\\a", "ContainerPipeName": "\\\\.\\pipe\\a"},
        {"HostPath": "\\\\.\\pipe\\a", "ContainerPipeName": "a"},
        warning("$.ContainerPipeName", "give the name alone, without \\\\.\\pipe\\"),
    ),
    case(
        "mapped_pipe_has_a_path",
        "MappedPipe",
        {"HostPath": "a", "ContainerPipeName": "a"},
        {"HostPath": "a", "HostPathType": "VirtualSmbPipeName", "ContainerPipeName": "a"},
        warning("$.HostPath", "the path of a pipe on the host is expected, as in \\\\.\\pipe\\name"),
    ),
    case(
        "network_needs_a_host_name",
        "Container",
        {"Storage": STORAGE, "Networking": {"Namespace": GUID}},
        {"Storage": STORAGE, "Networking": {"Namespace": GUID}, "GuestOs": {"HostName": "web-1"}},
        error(
            "$.GuestOs.HostName",
            "a container with a network namespace needs a host name: add one of at most 15 characters",
        ),
    ),
    case(
        "network_needs_a_host_name",
        "Container",
        {"Storage": STORAGE, "Networking": {"Namespace": GUID}, "GuestOs": {"HostName": ""}},
        {"Storage": STORAGE, "Networking": {"AllowUnqualifiedDnsQuery": True}},
        error(
            "$.GuestOs.HostName",
            "a container with a network namespace needs a host name: add one of at most 15 characters",
        ),
    ),
    case(
        "host_name_is_short",
        "Container",
        {"Storage": STORAGE, "Networking": {"Namespace": GUID}, "GuestOs": {"HostName": "a-name-too-long-"}},
        {"Storage": STORAGE, "Networking": {"Namespace": GUID}, "GuestOs": {"HostName": "fifteen-letters"}},
        error(
            "$.GuestOs.HostName",
            "a Windows container's host name has at most 15 characters, and this has 16: shorten it",
        ),
    ),
    case(
        "host_name_is_short",
        "Container",
        {"Storage": STORAGE, "GuestOs": {"HostName": "a-name-too-long-"}},
        {"Storage": STORAGE, "GuestOs": {"HostName": "fifteen-letters"}},
        warning(
            "$.GuestOs.HostName",
            "a Windows container's host name has at most 15 characters, and this has 16: shorten it",
        ),
    ),
    case(
        "namespace_is_a_guid",
        "Networking",
        {"Namespace": "{" + GUID + "}"},
        {"Namespace": GUID},
        error("$.Namespace", "the id of a network namespace has no braces: leave them out"),
    ),
    case(
        "namespace_is_a_guid",
        "Networking",
        {"Namespace": "my network"},
        {"Namespace": ""},
        error("$.Namespace", "the id of a network namespace is expected, a GUID without braces"),
    ),
    case(
        "namespace_is_in_lower_case",
        "Networking",
        {"Namespace": GUID.upper()},
        {"Namespace": GUID},
        warning("$.Namespace", "every known client gives this id in lower case, as HCN does: write it so"),
    ),
    case(
        "search_list_has_commas",
        "Networking",
        {"DnsSearchList": "a.example; b.example"},
        {"DnsSearchList": "a.example,b.example"},
        warning("$.DnsSearchList", 'the domains are separated by commas alone, as in "a.example,b.example"'),
    ),
    case(
        "device_members_fit_its_type",
        "Device",
        {"Type": "GpuMirror", "LocationPath": "a", "InterfaceClassGuid": GUID},
        {"Type": "DeviceInstance", "LocationPath": "a"},
        ignored("$.LocationPath", 'HCS reads it only if Type is "DeviceInstance"'),
        ignored("$.InterfaceClassGuid", 'HCS reads it only if Type is "ClassGuid"'),
    ),
    case(
        "device_members_fit_its_type",
        "Device",
        {"InterfaceClassGuid": GUID, "LocationPath": "a"},
        {"InterfaceClassGuid": GUID},
        ignored("$.LocationPath", 'HCS reads it only if Type is "DeviceInstance"'),
    ),
    case(
        "device_is_named",
        "Device",
        {"Type": "DeviceInstance"},
        {"Type": "GpuMirror"},
        warning("$.LocationPath", "a device instance is named by its location path: add it"),
    ),
    case(
        "device_is_named",
        "Device",
        {"Type": "ClassGuid"},
        {"Type": "ClassGuid", "InterfaceClassGuid": GUID},
        warning("$.InterfaceClassGuid", "a class of devices is named by its GUID: add it"),
    ),
    case(
        "hosted_container_inherits_sockets",
        "ComputeSystem",
        hosted(HvSocket={}),
        container(HvSocket={}),
        ignored(
            "$.HostedSystem.Container.HvSocket",
            "a hosted container inherits the access lists of the system that hosts it",
        ),
    ),
]
