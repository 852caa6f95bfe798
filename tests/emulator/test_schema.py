"""Documents are held to the table and the rules, and an error names the place."""

import json
from typing import Any

import pytest

from hcsrt import emulator
from hcsrt._hresults import E_INVALIDARG, ERROR_NOT_FOUND, HCS_E_INVALID_JSON
from hcsrt.documents import check
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
    # What breaks only a rule for which HCS was seen to give another code has that.
    assert caught.value.hresult in (HCS_E_INVALID_JSON, E_INVALIDARG, ERROR_NOT_FOUND)
    return [problem.place for problem in caught.value.problems]


def container(**members: object) -> dict[str, Any]:
    document = emulator.container_document()
    document["Container"] |= members
    return document


SCRATCH = emulator.container_document()["Container"]["Storage"]["Path"]
LAYER = {"Id": "5b1d4b4c-6f0e-4a53-9a3e-0d9d2f6c8a17", "Path": "/layer"}


@pytest.mark.parametrize(
    "document",
    [
        emulator.container_document(),
        VM,
        container(Processor={"Count": 2}, Memory={"SizeInMB": 512}),
        container(Storage={"Layers": [LAYER], "Path": "/scratch"}),
        {"VirtualMachine": {}},
        {"VirtualMachine": {"DebugOptions": {}}},
        {"VirtualMachine": {"SecuritySettings": {"EnableTpm": True, "Isolation": {"IsolationType": "VbsSecure"}}}},
        {"VirtualMachine": {"GuestState": {"GuestStateFilePath": "C:\\vm.vmgs", "GuestStateFileType": "FileMode"}}},
        {"VirtualMachine": {"ComputeTopology": {"Numa": {"VirtualNodeCount": 2, "PreferredPhysicalNodes": [0, 1]}}}},
        {
            "VirtualMachine": {
                "Devices": {
                    "Plan9": {"Shares": [{"Name": "d", "AccessName": "d", "Path": "C:\\d", "Port": 564, "Flags": 4}]}
                }
            }
        },
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
        ({"HostedSystem": 5}, ["$.HostingSystemId", "$.HostedSystem"]),
        ({"Container": {}}, ["$.Container.Storage.Layers", "$.Container.Storage.Path"]),
        (container(Storage={"Layers": [], "Path": SCRATCH}), ["$.Container.Storage.Layers"]),
        (container(Storage={"Layers": [LAYER], "Path": "folder"}), ["$.Container.Storage.Path"]),
        (container(Storage={"Layers": [LAYER, {}], "Path": SCRATCH}),
         ["$.Container.Storage.Layers[1].Id", "$.Container.Storage.Layers[1].Path"]),
        (container(Storage={"Layers": [{"Id": "no guid", "Path": 1}], "Path": SCRATCH}),
         ["$.Container.Storage.Layers[0].Id", "$.Container.Storage.Layers[0].Path"]),
        (container(Processor={"Count": 2, "Weight": 5}), ["$.Container.Processor"]),
        (container(Processor={"Count": -1}), ["$.Container.Processor.Count"]),
        (container(Processor={"Count": 2.0}), ["$.Container.Processor.Count"]),
        (container(Processor={"Count": True}), ["$.Container.Processor.Count"]),
        (container(Memory={"SizeInMB": 1 << 64}), ["$.Container.Memory.SizeInMB"]),
        (container(Networking={"Namespace": "8c1f6d2e-47ab-4c09-b5d3-2e9a60f1c784"}),
         ["$.Container.GuestOs.HostName"]),
        (container(MappedDirectories={}), ["$.Container.MappedDirectories"]),
        ({"VirtualMachine": {"Devices": {"Scsi": {"A disk": {"Attachments": {"x": {}, "1": {"Type": "Tape"}}}}}}},
         ["$.VirtualMachine.Devices.Scsi['A disk'].Attachments.x",
          "$.VirtualMachine.Devices.Scsi['A disk'].Attachments['1'].Type"]),
        ({"VirtualMachine": {"Devices": {"ComPorts": {"9" * 30: {}}}}},
         [f"$.VirtualMachine.Devices.ComPorts['{'9' * 30}']"]),
        ({"VirtualMachine": {"ComputeTopology": {"Memory": {"Backing": 1}}}},
         ["$.VirtualMachine.ComputeTopology.Memory.Backing"]),
    ],
)  # fmt: skip
def test_names_the_place(document: object, expected: list[str]) -> None:
    assert places(document) == expected


@pytest.mark.parametrize("document", [container(Colour="red", Processor={"Count": 0, "Weight": 1}), "{", {}])
def test_refuses_what_a_check_finds(document: object) -> None:
    text = document if isinstance(document, str) else json.dumps(document)
    with pytest.raises(failures.Failure) as caught:
        schema.compute_system(text)
    found = [str(problem) for problem in check(text, host="emulator") if problem.severity == "error"]
    assert [f"{problem.place}: {problem.message}" for problem in caught.value.problems] == found != []


def test_lets_warnings_through() -> None:
    text = '{"VirtualMachine": {}, "Owner": "first", "Owner": "last"}'
    assert {problem.severity for problem in check(text, host="emulator")} == {"warning"}
    assert schema.compute_system(text) == {"VirtualMachine": {}, "Owner": "last"}


def test_failure_becomes_the_right_exception() -> None:
    failure = failures.invalid_json(failures.Problem("$.Container.Storage.Path", "is missing"))
    error = error_from(failure.hresult, "HcsCreateComputeSystem", failure.document())
    assert isinstance(error, InvalidDocumentError)
    assert "$.Container.Storage.Path" in str(error)


def test_a_text_that_was_right_is_so_as_that_type_alone() -> None:
    text = json.dumps(container())
    first, again = schema.compute_system(text), schema.compute_system(text)
    # Each caller has one of its own.
    first["Container"].clear()
    assert schema.compute_system(text) == again
    for _ in range(2):
        with pytest.raises(failures.Failure):
            schema.parse(text, "ProcessParameters")
