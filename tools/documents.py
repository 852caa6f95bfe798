"""Make the table of all documents, and what is written of it.

    python tools/documents.py take [--shared DIR]     takes the table from the facts folder, then writes
    python tools/documents.py write                   makes the types for editors and the JSON Schema: of the table,
                                                      and of the words and limits beside it, written by hand
    python tools/documents.py check [--shared DIR]    exit code 1 and the differences, where a file is not as written
    python tools/documents.py compare [--shared DIR]  the same, where the table departs from Microsoft's JSON Schema and
                                                      tools/document_compare.py has no reason for it

DIR is the folder with schema.json, schema-newer.json and hcn-schema.json (default: ../shared/hcs beside the
repository); where there is none, check compares only what is written.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TypeAlias

import document_compare
import document_rules
import document_types
from document_types import FAMILIES, SCALARS

REPOSITORY = Path(__file__).resolve().parents[1]
PACKAGE = "hcsrt/documents"
TABLE = f"{PACKAGE}/data/table.json"

# A member's type, as the reference spells it, and the schema version that first has it, where a source tells one.
Member: TypeAlias = "tuple[str, str | None]"

# Types of Microsoft's Go client, as values of JSON. A struct of another project has no members here.
FROM_GO = {
    "[]byte": "ByteArray",
    "float64": "number",
    "json.RawMessage": "Any",
    "time.Time": "DateTime",
    "v1.Metrics": "Any",
    "Plan9ShareFlags": "uint32",
}

# Enums that the client calls by another name than the reference.
SAME_ENUM = {
    "CPUGroupOperation": "ModifyServiceOperation",
    "InterruptModerationName": "InterruptModerationMode",
    "PropertyType": "System_PropertyType",
}

# What clients and samples of Microsoft send, or older files of the schema have, and neither reference has.
MORE_VALUES = {
    "FlexibleIoDeviceHostingModel": ["ExternalRestricted"],
    "GetPropertyType": [
        "ProcessorCapabilities",
        "Memory",
        "CacheAllocation",
        "CacheMonitoring",
        "MemoryBwAllocation",
    ],
    "ModifyResourceType": ["Network", "HvSocket"],
    "NetworkRequestType": ["Add", "PreAdd", "Remove"],
}
MORE_MEMBERS = {
    "CombinedLayers": {"FilterType": "FileSystemFilterType"},
    "CommonL4ProxyPolicySetting": {"Exceptions": "<string> array", "OutboundNAT": "bool"},
    "HostComputeRoute": {"Setting": "<SDNRoutePolicySetting> array"},
    "L4ProxyPolicySetting": {"Exceptions": "<string> array", "OutboundNAT": "bool"},
    "L4ProxyPolicySetting_2": {"Exceptions": "<string> array", "OutboundNAT": "bool"},
    "NetworkModifyRequest": {"AdapterId": "Guid", "RequestType": "NetworkRequestType", "Settings": "Any"},
    "OutboundNatPolicySetting": {"MaxPortPoolUsage": "uint16"},
    # Not Microsoft's: Metis sends it to HCS, which takes it.
    "Plan9Share": {"ReadOnly": "bool"},
    "Range": {"max": "uint32"},
}

# Enums of the network's reference whose values the client sends as numbers. Flags are numbers, too.
NUMBERS = {"IovInterruptModerationType", "LoadBalancerDistribution", "ProtocolType"}

# What is given or got as a whole. What several families reach is of the family `common`, but for MEMBERS_OF.
ROOTS = {
    "vm": """
        ComputeSystem VirtualMachine ConsoleImage ConsoleImageQuery CrashOptions GpuConfiguration IdleProcessorsRequest
        KvpQuery MigrationCancelOptions MigrationFinalizedOptions MigrationStartOptions MigrationTransferOptions
        PauseOptions ProcessorLimits RegistryFlushState SaveOptions ShutdownOptions StartOptions
        SystemProcessorModificationRequest TimeZoneInformation VmProcessorRequirements NumaNode NumaNodeMemory
        NumaNodeProcessor
    """,
    "container": "Container HostedSystem ContainersDef_Container SiloProperties",
    "process": "ProcessParameters ProcessModifyRequest ProcessStatus SignalProcessOptions",
    "properties": """
        System_PropertyQuery Properties ComputeSystemProperties CacheQueryStatsResponse ContainerMemoryInformation
        IntegrationComponentStatus
    """,
    "events": """
        SystemExitStatus CrashReport OperationInfo ResultError BlackoutExitedEventDetails
        OperationSystemMigrationNotificationInfo
    """,
    "service": """
        Service_PropertyQuery ServiceProperties ModificationRequest BasicInformation CpuGroupConfigurations
        HostProcessorModificationRequest CreateGroupOperation DeleteGroupOperation SetPropertyOperation
        ContainerCredentialGuardOperationRequest ContainerCredentialGuardAddInstanceRequest
        ContainerCredentialGuardRemoveInstanceRequest ContainerCredentialGuardSystemInfo ProcessorCapabilitiesInfo
        ProcessorTopology QoSCapabilities
    """,
    "storage": "LayerData OsLayerOptions ExportLayerOptions",
    "guest": "GuestModifySettingRequest CimMount CombinedLayers HvSocketAddress MappedVirtualDisk NetworkModifyRequest",
    "common": "ModifySettingRequest SystemQuery",
}
# Where the roots leave it to chance, or to `common`. The modules of the families must not know each other in a circle.
MEMBERS_OF = {
    "vm": """
        CpuGroup ProcessorFeature ProcessorFeatureSetMode XsaveProcessorFeature NonArchitecturalCoreSharing
        EnlightenmentModifications
    """,
    "container": "MappedDirectory MappedPipe ContainerCredentialGuardState ContainerCredentialGuardTransport",
    "properties": "PropertyResponse OsType State",
    "events": "AttributionRecord ErrorEvent MigrationOrigin NotificationType",
    "storage": "CacheMode FileSystemFilterType Layer PathType",
    "common": "SystemType",
}

IDENTIFIER = re.compile(r"[A-Za-z_]\w*")


def read(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


def named(spelling: str) -> Iterator[str]:
    """Yield the structs and enums that the spelling of a type names."""
    for name in IDENTIFIER.findall(spelling):
        if name not in SCALARS and name not in ("Map", "array"):
            yield name


class Sources:
    """What the facts tell, merged."""

    def __init__(self, shared: Path) -> None:
        self.enums: dict[str, dict[str, str | None]] = {}
        self.structs: dict[str, dict[str, Member]] = {}
        self.network: set[str] = set()
        self._reference(read(shared / "schema.json"))
        self._newer(read(shared / "schema-newer.json"))
        self._network(read(shared / "hcn-schema.json"))
        self._more()
        undefined = {
            name for members in self.structs.values() for spelling, _ in members.values() for name in named(spelling)
        }
        undefined -= self.enums.keys() | self.structs.keys()
        if undefined:
            raise SystemExit(f"No source defines {', '.join(sorted(undefined))}")

    def _reference(self, facts: Any) -> None:
        for name, entries in facts["enums"].items():
            self.enums[name] = {entry["value"]: entry["since"] for entry in entries}
        for name, entries in facts["structs"].items():
            self.structs[name] = {entry["field"]: (entry["type"], entry["since"]) for entry in entries}

    def _newer(self, facts: Any) -> None:
        for name, entry in facts["enums"].items():
            values = self.enums.setdefault(SAME_ENUM.get(name, name), {})
            for value in entry["values"]:
                values.setdefault(value, None)
        for name, entries in [*facts["structs"].items(), *facts["fields"].items()]:
            members = self.structs.setdefault(name, {})
            for entry in entries:
                members.setdefault(entry["field"], (from_go(entry["type"]), entry.get("since")))

    def _network(self, facts: Any) -> None:
        both = facts["enums"].keys() | facts["structs"].keys()
        clashing = both & (self.enums.keys() | self.structs.keys() | SCALARS.keys())

        def ours(name: str) -> str:
            return f"Hcn{name}" if name in clashing else name

        for name, entries in facts["enums"].items():
            self.enums[ours(name)] = {entry["value"]: entry["since"] for entry in entries}
        for name, struct in facts["structs"].items():
            members = self.structs[ours(name)] = {}
            for parent in [*struct.get("parents", []), name]:
                for entry in facts["structs"][parent]["fields"]:
                    spelling = entry["type"]
                    # A MacAddress as a member's type is that of the reference, and no message about an interface.
                    if spelling in facts["enums"] and (spelling.endswith("Flags") or spelling in NUMBERS):
                        spelling = f"uint32 | {spelling}"
                    spelling = IDENTIFIER.sub(lambda match: ours(match[0]), spelling)
                    members.setdefault(entry["field"], (spelling, entry["since"]))
        self.network = {ours(name) for name in both}

    def _more(self) -> None:
        for name, values in MORE_VALUES.items():
            known = self.enums.setdefault(name, {})
            for value in values:
                known.setdefault(value, None)
        for name, more in MORE_MEMBERS.items():
            members = self.structs.setdefault(name, {})
            for member, spelling in more.items():
                members.setdefault(member, (spelling, None))

    def families(self) -> dict[str, str]:
        """Return the family of each struct and enum."""
        found = dict.fromkeys(self.network, "network")
        for family, names in (*ROOTS.items(), *MEMBERS_OF.items()):
            for name in names.split():
                if name not in self.enums and name not in self.structs:
                    raise SystemExit(f"{name} of the family {family} is in no source")
                if found.setdefault(name, family) != family:
                    raise SystemExit(f"{name} is of the families {found[name]} and {family}")
        fixed = dict(found)
        reached = {family: self.reached(family, fixed) for family in FAMILIES}
        homeless: list[str] = []
        for name in self.enums.keys() | self.structs.keys():
            if name not in fixed:
                users = [family for family, names in reached.items() if name in names]
                found[name] = users[0] if len(users) == 1 else "common"
                if not users:
                    homeless.append(name)
        if homeless:
            raise SystemExit(f"No family has {', '.join(sorted(homeless))}: make them roots of one")
        return found

    def reached(self, family: str, fixed: dict[str, str]) -> set[str]:
        """Return what is reached from a family without going through another one."""
        found: set[str] = set()
        left = [name for name, its in fixed.items() if its == family]
        while left:
            name = left.pop()
            if name not in found and fixed.get(name, family) == family:
                found.add(name)
                left += [inner for spelling, _ in self.structs.get(name, {}).values() for inner in named(spelling)]
        return found


def from_go(spelling: str) -> str:
    """Return a type of the Go client as the reference would spell it."""
    if spelling in FROM_GO:
        return FROM_GO[spelling]
    if spelling.startswith("[]"):
        return f"<{from_go(spelling[2:])}> array"
    return SAME_ENUM.get(spelling, spelling)


def table(shared: Path) -> dict[str, dict[str, Any]]:
    """Return the table of all enums and structs."""
    sources = Sources(shared)
    families = sources.families()
    return {
        "enums": {name: {"family": families[name], "values": values} for name, values in sorted(sources.enums.items())},
        "structs": {
            name: {"family": families[name], "members": members} for name, members in sorted(sources.structs.items())
        },
    }


def table_text(tables: dict[str, dict[str, Any]]) -> str:
    """Return one line for each enum or struct, so that a change of the facts shows as a small difference."""
    blocks = (
        f" {json.dumps(kind)}: {{\n"
        + ",\n".join(f"  {json.dumps(name)}: {json.dumps(entry)}" for name, entry in entries.items())
        + "\n }"
        for kind, entries in tables.items()
    )
    return "{\n" + ",\n".join(blocks) + "\n}\n"


def written() -> dict[str, str]:
    """Return the text of each file that is made from others of the repository, by its path there."""
    return document_types.generated(REPOSITORY) | document_rules.generated(REPOSITORY)


def taken(shared: Path) -> dict[str, str]:
    """Return the text of each file that is made from the facts, by its path in the repository."""
    return {TABLE: table_text(table(shared))}


def file_differences(files: dict[str, str], job: str) -> Iterator[str]:
    for path, text in files.items():
        file = REPOSITORY / path
        if not file.exists() or file.read_text(encoding="utf-8") != text:
            yield f"{path}: not what `tools/documents.py {job}` makes"


def put(files: dict[str, str]) -> None:
    for path, text in files.items():
        (REPOSITORY / path).parent.mkdir(parents=True, exist_ok=True)
        (REPOSITORY / path).write_text(text, encoding="utf-8", newline="\n")
        print(path)


def write(_: Path) -> int:
    put(written())
    return 0


def take(shared: Path) -> int:
    put(taken(shared))
    return write(shared)


def check(shared: Path) -> int:
    differences = [*document_types.Facts(REPOSITORY).differences(), *file_differences(written(), "write")]
    if shared.is_dir():
        differences += file_differences(taken(shared), "take")
    for difference in differences:
        print(difference, file=sys.stderr)
    return 1 if differences else 0


def compare(shared: Path) -> int:
    if not (shared / document_compare.FOLDER).is_dir():
        raise SystemExit(f"{shared / document_compare.FOLDER}: no such folder")
    differences = [*document_compare.differences(read(REPOSITORY / TABLE), shared)]
    for difference in differences:
        print(difference, file=sys.stderr)
    return 1 if differences else 0


def main() -> int:
    parser = argparse.ArgumentParser(description="Make the documents' types, or check them.")
    jobs = {"take": take, "write": write, "check": check, "compare": compare}
    parser.add_argument("job", choices=jobs)
    parser.add_argument("--shared", type=Path, default=REPOSITORY.parent / "shared" / "hcs", metavar="DIR")
    arguments = parser.parse_args()
    return jobs[arguments.job](arguments.shared)


if __name__ == "__main__":
    sys.exit(main())
