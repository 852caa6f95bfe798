"""Cases of the rules of documents of compute systems."""

from __future__ import annotations

from .base import V2, Case, case, container, error, hosted, machine, structure, warning

CASES: list[Case] = [
    case(
        "one_kind_of_system",
        "ComputeSystem",
        {"SchemaVersion": V2},
        container(),
        error("$", "exactly one of Container, VirtualMachine, HostedSystem is expected, and there is none here"),
    ),
    case(
        "one_kind_of_system",
        "ComputeSystem",
        container() | {"VirtualMachine": {}},
        machine(),
        error(
            "$",
            (
                "exactly one of Container, VirtualMachine, HostedSystem is expected, and here are Container and "
                "VirtualMachine"
            ),
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
                "no schema later than 2.9 is known, and Windows refuses one that it does not know: give the "
                "lowest that has all members used here, 2.1 for most documents"
            ),
        ),
    ),
    case(
        "schema_is_named",
        "ComputeSystem",
        {"VirtualMachine": {}},
        machine(),
        warning(
            "$.SchemaVersion", 'every known client says which schema its document has: give {"Major": 2, "Minor": 1}'
        ),
    ),
]
