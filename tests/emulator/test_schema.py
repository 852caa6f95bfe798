"""Documents are held to the schema, and an error names the place."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hcsrt import emulator
from hcsrt._hresults import HCS_E_INVALID_JSON
from hcsrt.emulator import failures, schema
from hcsrt.errors import InvalidDocumentError, error_from

VM: dict[str, Any] = {
    "SchemaVersion": {"Major": 2, "Minor": 1},
    "Owner": "tests",
    "VirtualMachine": {
        "Chipset": {"Uefi": {"BootThis": {"DevicePath": "Primary disk", "DiskNumber": 0, "DeviceType": "ScsiDrive"}}},
        "ComputeTopology": {"Memory": {"Backing": "Virtual", "SizeInMB": 2048}, "Processor": {"Count": 2}},
        "Devices": {"Scsi": {"Primary disk": {"Attachments": {"0": {"Type": "VirtualDisk", "Path": "c:\\d.vhdx"}}}}},
        "Services": {"Shutdown": {}, "Heartbeat": {}},
    },
}


def places(document: object) -> list[str]:
    """Where the emulator finds fault with a document of a compute system."""
    with pytest.raises(failures.Failure) as caught:
        schema.compute_system(document if isinstance(document, str) else json.dumps(document))
    assert caught.value.hresult == HCS_E_INVALID_JSON
    return [problem.place for problem in caught.value.problems]


def container(**members: object) -> dict[str, Any]:
    document = emulator.container_document()
    document["Container"] |= members
    return document


def test_every_type_of_the_schema_is_known() -> None:
    enums, structs = schema._schema()
    for name, members in structs.items():
        list(schema.problems({}, name))
        for kind in members.values():
            for value in (None, True, 1, 1.5, "", [], {}, [None], {"0": None}):
                list(schema.problems(value, kind))
    for name, values in enums.items():
        assert not list(schema.problems(values[0], name))
        assert list(schema.problems("no such value", name))


@pytest.mark.parametrize(
    "document",
    [
        emulator.container_document(),
        VM,
        container(Processor={"Count": 2}, Memory={"SizeInMB": 512}),
        {"VirtualMachine": {}},
        {"HostedSystem": {"SchemaVersion": {"Major": 2, "Minor": 1}}, "HostingSystemId": "vm"},
    ],
)
def test_accepts(document: dict[str, Any]) -> None:
    assert schema.compute_system(json.dumps(document)) == document


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        ("", ["$"]),
        ("{", ["$"]),
        ('{"Owner": NaN}', ["$"]),
        ("[" * 100_000, ["$"]),
        ('{"SchemaVersion": {"Major": 2, "Minor": ' + "1" * 5000 + "}}", ["$"]),
        ("null", ["$"]),
        ("[]", ["$"]),
        ({}, ["$"]),
        ({"Container": emulator.container_document()["Container"], "VirtualMachine": {}}, ["$"]),
        ({"VirtualMachine": {}, "Ownr": "x"}, ["$.Ownr"]),
        ({"VirtualMachine": {}, "SchemaVersion": {"Major": 1, "Minor": 0}}, ["$.SchemaVersion.Major"]),
        ({"VirtualMachine": {}, "Owner": 5}, ["$.Owner"]),
        ({"VirtualMachine": {}, "Owner": None}, ["$.Owner"]),
        ({"VirtualMachine": {}, "ShouldTerminateOnLastHandleClosed": 1}, ["$.ShouldTerminateOnLastHandleClosed"]),
        ({"VirtualMachine": {}, "a 'b'\\": 1}, [r"$['a \'b\'\\']"]),
        ({"HostedSystem": 5}, ["$.HostedSystem", "$.HostingSystemId"]),
        ({"Container": {}}, ["$.Container.Storage.Layers", "$.Container.Storage.Path"]),
        (container(Storage={"Layers": [], "Path": "x"}), ["$.Container.Storage.Layers"]),
        (container(Storage={"Layers": [{"Path": "x"}, {}], "Path": "x"}), ["$.Container.Storage.Layers[1].Path"]),
        (container(Storage={"Layers": [{"Id": "no guid", "Path": 1}], "Path": "x"}),
         ["$.Container.Storage.Layers[0].Id", "$.Container.Storage.Layers[0].Path"]),
        (container(Processor={"Count": 2, "Weight": 5}), ["$.Container.Processor"]),
        (container(Processor={"Count": -1}), ["$.Container.Processor.Count"]),
        (container(Processor={"Count": 2.0}), ["$.Container.Processor.Count"]),
        (container(Processor={"Count": True}), ["$.Container.Processor.Count"]),
        (container(Memory={"SizeInMB": 1 << 64}), ["$.Container.Memory.SizeInMB"]),
        (container(MappedDirectories={}), ["$.Container.MappedDirectories"]),
        ({"VirtualMachine": {"Devices": {"Scsi": {"A disk": {"Attachments": {"x": {}, "1": {"Type": "Tape"}}}}}}},
         ["$.VirtualMachine.Devices.Scsi['A disk'].Attachments.x",
          "$.VirtualMachine.Devices.Scsi['A disk'].Attachments.1.Type"]),
        ({"VirtualMachine": {"Devices": {"ComPorts": {"9" * 30: {}}}}},
         [f"$.VirtualMachine.Devices.ComPorts.{'9' * 30}"]),
        ({"VirtualMachine": {"ComputeTopology": {"Memory": {"Backing": 1}}}},
         ["$.VirtualMachine.ComputeTopology.Memory.Backing"]),
    ],
)  # fmt: skip
def test_names_the_place(document: object, expected: list[str]) -> None:
    assert places(document) == expected


@pytest.mark.parametrize(
    ("size", "expected"),
    [([24, 80], []), ([24], ["$.ConsoleSize"]), ([24, 1 << 16], ["$.ConsoleSize[1]"])],
)
def test_array_of_fixed_length(size: list[int], expected: list[str]) -> None:
    found = schema.problems({"ConsoleSize": size}, "ProcessParameters")
    assert [problem.place for problem in found] == expected


def test_values_of_variables_stay_out_of_errors() -> None:
    for value in (42424242, True, ["42424242"]):
        found = list(schema.problems({"Environment": {"PASSWORD": value}}, "ProcessParameters"))
        assert [problem.place for problem in found] == ["$.Environment.PASSWORD"]
        assert "42424242" not in found[0].message


def test_failure_becomes_the_right_exception() -> None:
    failure = failures.invalid_json(failures.Problem("$.Container.Storage.Path", "is missing"))
    error = error_from(failure.hresult, "HcsCreateComputeSystem", failure.document())
    assert isinstance(error, InvalidDocumentError)
    assert "$.Container.Storage.Path" in str(error)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda values: st.lists(values) | st.dictionaries(st.text(), values),
)


@given(json_values, st.sampled_from(["ComputeSystem", "ProcessParameters", "SystemQuery", "Map<uint8, Any>"]))
def test_any_json_is_accepted_or_refused(value: object, kind: str) -> None:
    for problem in schema.problems(value, kind):
        assert problem.place.startswith("$")
        assert problem.message
