"""Cases of the rules of documents of compute systems."""

from __future__ import annotations

from .base import GUID, MACHINE, V2, VOLUME, Case, case, container, error, hosted, machine, structure, warning

OF_THE_FIRST = "this is a document of schema 1, as Docker wrote them; schema 2 has "

CASES: list[Case] = [
    case(
        "schema_is_not_the_first",
        "ComputeSystem",
        container()
        | {
            "SystemType": "Container",
            "Name": "web",
            "HvPartition": False,
            "EndpointList": [GUID],
            "VolumePath": VOLUME,
        },
        container(),
        structure("unknown", "$.SystemType"),
        structure("unknown", "$.Name"),
        structure("unknown", "$.HvPartition"),
        structure("unknown", "$.EndpointList"),
        structure("unknown", "$.VolumePath"),
        warning(
            "$.SystemType",
            f"{OF_THE_FIRST}Container or VirtualMachine for SystemType, Container.Storage.Path for VolumePath, "
            "Container.Networking.Namespace for EndpointList",
        ),
    ),
    case(
        "one_kind_of_system",
        "ComputeSystem",
        {"SchemaVersion": V2},
        container(),
        error("$", "give exactly one of Container, VirtualMachine, HostedSystem: none is here"),
    ),
    case(
        "one_kind_of_system",
        "ComputeSystem",
        container() | {"VirtualMachine": MACHINE},
        machine(),
        error(
            "$",
            ("give exactly one of Container, VirtualMachine, HostedSystem: Container and VirtualMachine are here"),
        ),
    ),
    case(
        "hosted_system_has_a_host",
        "ComputeSystem",
        {"SchemaVersion": V2, "HostedSystem": {}},
        hosted(),
        error(
            "$.HostingSystemId",
            ("a HostedSystem needs the id of the system that hosts it: create that one first, and give its id here"),
        ),
    ),
    case(
        "host_has_a_hosted_system",
        "ComputeSystem",
        container() | {"HostingSystemId": "vm"},
        container() | {"HostingSystemId": ""},
        warning(
            "$.HostingSystemId",
            ("HCS reads this for a HostedSystem, and there is none: put the Container into one, or leave this out"),
        ),
    ),
    case(
        "hosted_system_is_a_container",
        "ComputeSystem",
        hosted(Colour="red"),
        {"SchemaVersion": V2, "HostingSystemId": "vm", "HostedSystem": {"OciSpecification": {}, "Container": 5}},
        structure("unknown", "$.HostedSystem.Container.Colour"),
    ),
    case(
        "schema_is_the_second",
        "ComputeSystem",
        container() | {"SchemaVersion": {"Major": 1, "Minor": 0}},
        container(),
        error(
            "$.SchemaVersion.Major",
            (
                "these members are of schema 2, and HCS reads another major version as another kind of "
                'document: give {"Major": 2, "Minor": 1}'
            ),
        ),
    ),
    case(
        "schema_is_the_second",
        "LayerData",
        {"SchemaVersion": {"Major": 1, "Minor": 0}},
        {"SchemaVersion": V2},
        error(
            "$.SchemaVersion.Major",
            (
                "these members are of schema 2, and HCS reads another major version as another kind of "
                'document: give {"Major": 2, "Minor": 1}'
            ),
        ),
    ),
    case(
        "schema_is_known",
        "ComputeSystem",
        container() | {"SchemaVersion": {"Major": 2, "Minor": 10}},
        container() | {"SchemaVersion": {"Major": 2, "Minor": 9}},
        warning(
            "$.SchemaVersion.Minor",
            (
                "no schema later than 2.9 is known, and an older Windows may refuse one that it does not know: "
                "give the lowest version that has all members used here, 2.1 for most documents"
            ),
        ),
    ),
    case(
        "schema_is_named",
        "ComputeSystem",
        {"VirtualMachine": MACHINE},
        machine(),
        warning(
            "$.SchemaVersion", 'every known client says which schema its document has: give {"Major": 2, "Minor": 1}'
        ),
    ),
]
