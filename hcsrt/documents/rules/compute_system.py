"""Rules of the documents that compute systems are created with."""

from __future__ import annotations

from typing import Any

from . import Look, rule
from .texts import first_schema, members

_ALTERNATIVES = ("Container", "VirtualMachine", "HostedSystem")
_MAJOR, _LAST_MINOR = 2, 9

# What hcsshim puts into the system that a Linux guest hosts; no schema has these.
_LINUX_MEMBERS = frozenset({"OciBundlePath", "OciSpecification", "ScratchDirPath"})


# What documents of schema 1 have, and where schema 2 has it.
_OF_THE_FIRST = {
    "SystemType": "Container or VirtualMachine",
    "HvPartition": "VirtualMachine and a HostedSystem in it",
    "HvRuntime": "VirtualMachine and a HostedSystem in it",
    "LayerFolderPath": "Container.Storage.Path",
    "VolumePath": "Container.Storage.Path",
    "EndpointList": "Container.Networking.Namespace",
    "MemoryMaximumInMB": "Container.Memory.SizeInMB",
    "ProcessorMaximum": "Container.Processor.Maximum",
    "ProcessorWeight": "Container.Processor.Weight",
    "DNSSearchList": "Container.Networking.DnsSearchList",
    "AllowUnqualifiedDNSQuery": "Container.Networking.AllowUnqualifiedDnsQuery",
    "Credentials": "Container.ContainerCredentialGuard",
    "TerminateOnLastHandleClosed": "ShouldTerminateOnLastHandleClosed",
}


@rule("ComputeSystem", fact="hcsshim, schema1.ContainerConfig; hcsctl: the two schemas must not be mixed")
def schema_is_not_the_first(look: Look, system: dict[str, Any]) -> None:
    """A document has no members of schema 1."""
    first_schema(look, system, _OF_THE_FIRST)


@rule("ComputeSystem", fact="Microsoft's schema reference, ComputeSystem")
def one_kind_of_system(look: Look, system: dict[str, Any]) -> None:
    """A compute system is a container, a virtual machine or a hosted system, and only one of them."""
    given = [name for name in _ALTERNATIVES if name in system]
    if len(given) != 1:
        found = f"{' and '.join(given)} are here" if given else "none is here"
        look.error((), f"give exactly one of {', '.join(_ALTERNATIVES)}: {found}")


@rule("ComputeSystem", fact="Microsoft's schema reference, ComputeSystem.HostingSystemId")
def hosted_system_has_a_host(look: Look, system: dict[str, Any]) -> None:
    """A hosted system names the system that hosts it."""
    if "HostedSystem" in system and not system.get("HostingSystemId"):
        look.error(
            "HostingSystemId",
            "a HostedSystem needs the id of the system that hosts it: create that one first, and give its id here",
        )


@rule("ComputeSystem", fact="Microsoft's schema reference, ComputeSystem.HostingSystemId")
def host_has_a_hosted_system(look: Look, system: dict[str, Any]) -> None:
    """Only a hosted system names a host."""
    if system.get("HostingSystemId") and "HostedSystem" not in system:
        look.warning(
            "HostingSystemId",
            "HCS reads this for a HostedSystem, and there is none: put the Container into one, or leave this out",
        )


@rule("ComputeSystem", fact="Microsoft's schema reference, HostedSystem; hcsshim, linuxHostedSystem")
def hosted_system_is_a_container(look: Look, system: dict[str, Any]) -> None:
    """What a Windows guest hosts is a HostedSystem; of what a Linux guest hosts nobody has a schema."""
    hosted = system.get("HostedSystem")
    if hosted is not None and not _LINUX_MEMBERS.intersection(members(hosted)):
        look.check("HostedSystem", "HostedSystem")


@rule("ComputeSystem", "HostedSystem", "LayerData", fact="Microsoft's schema reference, Version; hcsshim sends 2.1")
def schema_is_the_second(look: Look, document: dict[str, Any]) -> None:
    """The schema of a document is 2."""
    major = document.get("SchemaVersion", {}).get("Major", _MAJOR)
    if major != _MAJOR:
        look.error(
            ("SchemaVersion", "Major"),
            "these members are of schema 2, and HCS reads another major version as another kind of document: "
            'give {"Major": 2, "Minor": 1}',
        )


@rule(
    "ComputeSystem",
    "HostedSystem",
    "LayerData",
    fact="hcsshim: 2.9 is the last schema version in its code; in WSL's it is 2.7",
)
def schema_is_known(look: Look, document: dict[str, Any]) -> None:
    """The schema of a document is 2.9 or an earlier one."""
    version = document.get("SchemaVersion", {})
    if version.get("Major", _MAJOR) == _MAJOR and version.get("Minor", 0) > _LAST_MINOR:
        look.warning(
            ("SchemaVersion", "Minor"),
            f"no schema later than 2.{_LAST_MINOR} is known, and an older Windows may refuse one that it does not "
            "know: give the lowest version that has all members used here, 2.1 for most documents",
        )


@rule("ComputeSystem", fact="hcsshim, WSL, and Microsoft's samples send it in every document")
def schema_is_named(look: Look, system: dict[str, Any]) -> None:
    """A document names its schema."""
    if "SchemaVersion" not in system:
        look.warning(
            "SchemaVersion",
            'every known client says which schema its document has: give {"Major": 2, "Minor": 1}',
        )
