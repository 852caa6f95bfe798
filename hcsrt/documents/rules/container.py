"""Rules of containers: their scratch, what is mapped into them, their network and their limits."""

from __future__ import annotations

from typing import Any

from ..bounds import LONGEST_HOST_NAME, MOST_MEGABYTES
from . import Look, rule
from .texts import absolute, absolute_in_guest, absolute_of_windows, bare_guid, in_guest, pipe, removed, volume

_PIPE_PREFIX = "\\\\.\\pipe\\"
_OF_LINUX = "/"


def _of_linux(container: dict[str, Any]) -> bool:
    """Return whether the paths of a hosted container are those of a Linux guest."""
    return container.get("Storage", {}).get("Path", "").startswith(_OF_LINUX)


@rule("Container_Processor", fact="Microsoft's schema reference, Container_Processor; hcsshim, ConvertCPULimits")
def one_limit_of_processors(look: Look, processor: dict[str, Any]) -> None:
    """Of Count, Maximum and Weight there is one at most."""
    limits = [name for name in ("Count", "Maximum", "Weight") if name in processor]
    if len(limits) > 1:
        look.error((), f"{' and '.join(limits)} exclude each other: give one of them")


@rule("Container_Memory", "Container_Processor", fact="hcsshim leaves a member out instead of sending 0")
def limit_is_not_nothing(look: Look, limits: dict[str, Any]) -> None:
    """A limit is not 0."""
    for member in ("SizeInMB", "Count"):
        if limits.get(member) == 0:
            look.warning(member, "no known client sends 0: leave this out for no limit, or give one")


@rule(
    "Container_Memory",
    fact="Microsoft's limits of Hyper-V: a virtual machine has at most 240 TB of memory; for containers: our reading",
)
def memory_is_in_megabytes(look: Look, memory: dict[str, Any]) -> None:
    """The limit of the memory is in MB."""
    if memory.get("SizeInMB", 0) > MOST_MEGABYTES:
        look.warning("SizeInMB", "this is more than 240 TB: give the size in MB, not in bytes")


@rule("Container", fact="hcsshim, ZLayer and AspireHcs: every known client gives both")
def storage_is_complete(look: Look, container: dict[str, Any]) -> None:
    """A container on the host has a layer or more, and a scratch."""
    if in_guest(look):
        return
    storage = container.get("Storage", {})
    if not storage.get("Layers"):
        look.error(("Storage", "Layers"), "a container needs at least one layer: give them all, the topmost first")
    if not storage.get("Path"):
        look.error(
            ("Storage", "Path"),
            r"a container needs the path of its scratch space, a mounted volume: \\?\Volume{GUID}" + "\\",
        )


@rule(
    "Storage",
    fact="hcsshim, createWindowsContainerDocument; a folder fails with ERROR_NOT_A_REPARSE_POINT",
)
def scratch_is_a_volume(look: Look, storage: dict[str, Any]) -> None:
    """The scratch of a container on the host is a volume; on the emulator, it may be a folder."""
    path = storage.get("Path")
    if not path or volume(path) or in_guest(look):
        return
    if look.host != "emulator":
        look.error(
            "Path",
            "the scratch has to be a volume, not a folder: mount its virtual disk, and give the path that "
            r"GetLayerMountPath returns, \\?\Volume{GUID}" + "\\",
        )
    elif not absolute(look, path):
        look.error("Path", r"the scratch has to be a volume, \\?\Volume{GUID}\, or on the emulator an absolute path")


@rule("Storage", fact="hcsshim, createWindowsContainerDocument: it adds a backslash that is missing")
def scratch_ends_with_a_backslash(look: Look, storage: dict[str, Any]) -> None:
    """The path of the scratch ends with a backslash."""
    path = storage.get("Path", "")
    if volume(path) and not path.endswith("\\"):
        look.warning("Path", "the path of the scratch ends with a backslash in every known document: add it")


@rule("MappedDirectory", fact="Microsoft's schema reference, PathType: an AbsolutePath is passed to Windows as it is")
def mapped_host_path_is_absolute(look: Look, directory: dict[str, Any]) -> None:
    """The path of a mapped directory on the host is absolute."""
    path = directory.get("HostPath")
    if not path or directory.get("HostPathType") == "VirtualSmbShareName" or absolute(look, path):
        return
    if not (in_guest(look) and absolute_in_guest(path)):
        look.warning("HostPath", r"the path on the host is absolute in every known document, as in C:\data")


@rule("MappedDirectory", fact="hcsshim, createMountsConfig; Docker refuses another one")
def mapped_container_path_is_absolute(look: Look, directory: dict[str, Any]) -> None:
    """The path of a mapped directory in the container is absolute."""
    path = directory.get("ContainerPath")
    # A container on Windows is one of Windows; what is hosted, or on the emulator, may be one of Linux.
    of_windows = look.host == "windows" and look.of("Container") is not None and not in_guest(look)
    if path and not (absolute_of_windows(path) if of_windows else absolute_in_guest(path)):
        look.warning("ContainerPath", r"the path in the container is absolute in every known document, as in C:\data")


@rule("MappedDirectory", fact="hcsshim, createMountsConfig: every known client gives both")
def mapped_directory_has_both_ends(look: Look, directory: dict[str, Any]) -> None:
    """A mapped directory has a path on the host and one in the container."""
    for member, what in (("HostPath", "on the host"), ("ContainerPath", "in the container")):
        if not directory.get(member) and not removed(look):
            look.warning(member, f"every known client gives the path {what}: add it")


@rule("Container", fact="one place can show one directory only: our reading, nobody has tried")
def mapped_places_are_different(look: Look, container: dict[str, Any]) -> None:
    """No two directories, and no two pipes, are mapped to one place in a container."""
    for array, member in (("MappedDirectories", "ContainerPath"), ("MappedPipes", "ContainerPipeName")):
        items = container.get(array, ())
        if len(items) < 2:
            continue
        linux = in_guest(look) and _of_linux(container)
        seen: set[str] = set()
        for index, item in enumerate(items):
            place = item.get(member, "")
            place = place.rstrip("/") if linux else place.replace("/", "\\").rstrip("\\").lower()
            if place in seen:
                look.warning(
                    (array, index, member),
                    "something else is mapped to this place in the container: choose another place",
                )
            elif place:
                seen.add(place)


@rule("MappedPipe", fact="hcsshim, GetContainerPipeMapping: it takes the prefix away")
def mapped_pipe_has_a_name(look: Look, mapped: dict[str, Any]) -> None:
    """In the container a mapped pipe has a name, not a path."""
    if mapped.get("ContainerPipeName", "").lower().startswith(_PIPE_PREFIX):
        look.warning("ContainerPipeName", r"give the name alone, without \\.\pipe" + "\\")


@rule("MappedPipe", fact="hcsshim, IsPipe; Microsoft's schema reference, MappedPipePathType")
def mapped_pipe_has_a_path(look: Look, mapped: dict[str, Any]) -> None:
    """On the host a mapped pipe has a path."""
    path = mapped.get("HostPath")
    if not path or mapped.get("HostPathType") == "VirtualSmbPipeName" or in_guest(look):
        return
    if not pipe(path) and not (look.host == "emulator" and absolute(look, path)):
        look.warning("HostPath", r"the path of a pipe on the host is expected, as in \\.\pipe\name")


@rule(
    "Container",
    fact="ZLayer: E_INVALIDARG at Construct on Windows 26100; containerd always sends a host name",
)
def network_needs_a_host_name(look: Look, container: dict[str, Any]) -> None:
    """A container with a network namespace has a host name."""
    if not container.get("Networking", {}).get("Namespace") or in_guest(look):
        return
    if not container.get("GuestOs", {}).get("HostName"):
        look.error(
            ("GuestOs", "HostName"),
            "a container with a network namespace needs a host name: "
            f"add one of at most {LONGEST_HOST_NAME} characters",
        )


@rule("Container", fact="NetBIOS: the name of a computer has at most 15 characters; ZLayer and AspireHcs keep to it")
def host_name_is_short(look: Look, container: dict[str, Any]) -> None:
    """A host name has at most 15 characters; with a network namespace, more are an error."""
    name = container.get("GuestOs", {}).get("HostName", "")
    if len(name) <= LONGEST_HOST_NAME or in_guest(look):
        return
    most = f"at most {LONGEST_HOST_NAME} characters"
    text = f"a Windows container's host name has {most}, and this has {len(name)}: shorten it"
    if container.get("Networking", {}).get("Namespace"):
        look.error(("GuestOs", "HostName"), text)
    else:
        look.warning(("GuestOs", "HostName"), text)


@rule(
    "Networking",
    fact="Microsoft's schema reference, Networking.Namespace; ZLayer: braces fail with ERROR_NOT_FOUND",
)
def namespace_is_a_guid(look: Look, networking: dict[str, Any]) -> None:
    """The network namespace of a container on the host is a GUID without braces."""
    namespace = networking.get("Namespace")
    if not namespace or in_guest(look):
        return
    if not bare_guid(namespace):
        braces = namespace.startswith("{")
        look.error(
            "Namespace",
            "the id of a network namespace has no braces: leave them out"
            if braces
            else "the id of a network namespace is expected, a GUID without braces",
        )


@rule("Networking", fact="HCN writes the ids of its objects in lower case; hcsshim sends them as they are")
def namespace_is_in_lower_case(look: Look, networking: dict[str, Any]) -> None:
    """The network namespace of a container on the host is in lower case."""
    namespace = networking.get("Namespace", "")
    if bare_guid(namespace) and namespace != namespace.lower() and not in_guest(look):
        look.warning("Namespace", "every known client gives this id in lower case, as HCN does: write it so")


@rule("Networking", fact="hcsshim, createWindowsContainerDocument: it joins the domains with commas")
def search_list_has_commas(look: Look, networking: dict[str, Any]) -> None:
    """The domains of a search list have nothing but commas between them."""
    domains = networking.get("DnsSearchList", "")
    if " " in domains or ";" in domains:
        look.warning("DnsSearchList", 'the domains are separated by commas alone, as in "a.example,b.example"')


@rule("Device", fact="Microsoft's schema reference, Device: each is only used with one Type")
def device_members_fit_its_type(look: Look, device: dict[str, Any]) -> None:
    """LocationPath goes with the type DeviceInstance, InterfaceClassGuid with ClassGuid."""
    type = device.get("Type", "ClassGuid")
    if "LocationPath" in device and type != "DeviceInstance":
        look.ignored("LocationPath", 'HCS reads it only if Type is "DeviceInstance"')
    if "InterfaceClassGuid" in device and type != "ClassGuid":
        look.ignored("InterfaceClassGuid", 'HCS reads it only if Type is "ClassGuid"')


@rule("Device", fact="Microsoft's schema reference, Device; hcsshim, parseAssignedDevices")
def device_is_named(look: Look, device: dict[str, Any]) -> None:
    """A device instance has a LocationPath, a class an InterfaceClassGuid."""
    type = device.get("Type", "ClassGuid")
    if type == "DeviceInstance" and not device.get("LocationPath"):
        look.warning("LocationPath", "a device instance is named by its location path: add it")
    elif type == "ClassGuid" and not device.get("InterfaceClassGuid"):
        look.warning("InterfaceClassGuid", "a class of devices is named by its GUID: add it")


@rule("Container", fact="Microsoft's schema reference, Container.HvSocket")
def hosted_container_inherits_sockets(look: Look, container: dict[str, Any]) -> None:
    """A hosted container has no access lists for sockets of its own."""
    if "HvSocket" in container and look.of("HostedSystem") is not None:
        look.ignored("HvSocket", "a hosted container inherits the access lists of the system that hosts it")
