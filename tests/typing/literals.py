"""Documents with mistakes, for pyright and mypy: each line says which errors it has to get.

`# error: ...` names the rule of pyright, then that of mypy.
"""
# The mistakes are not those of this project's own checks, and stay on their lines.
# ruff: noqa
# fmt: off

from __future__ import annotations

import hcsrt
from hcsrt import aio, documents, service


def passed_straight() -> None:
    hcsrt.ComputeSystem.create("a", {"Ownr": "me"})  # error: reportArgumentType, dict-item
    hcsrt.ComputeSystem.create("a", {"VirtualMachine": {"Chipset": {"Ueffi": {}}}})  # error: reportArgumentType, dict-item
    hcsrt.ComputeSystem.create("a", {"Owner": 1})  # error: reportArgumentType, dict-item
    hcsrt.ComputeSystem.create("a", 1)  # error: reportArgumentType, arg-type
    hcsrt.ComputeSystem.create("a", ["Owner"])  # error: reportArgumentType, arg-type
    hcsrt.run(["true"], document={"Container": {"Memory": {"SizeInGB": 1}}})  # error: reportArgumentType, dict-item


async def passed_straight_there(system: aio.ComputeSystem, process: aio.Process[bytes]) -> None:
    await aio.ComputeSystem.create("a", {"Container": {"Storag": {}}})  # error: reportArgumentType, dict-item
    await aio.run(["true"], document={"Conteiner": {}})  # error: reportArgumentType, dict-item
    await system.start({"Destination": {}})  # error: reportArgumentType, dict-item
    await system.pause({"SuspensionLevel": "Suspended"})  # error: reportArgumentType, dict-item
    await process.modify({"Operation": "CloseHandles"})  # error: reportArgumentType, dict-item


def options(system: hcsrt.ComputeSystem, process: hcsrt.Process[bytes]) -> None:
    system.shutdown({"Mechanism": "Integration"})  # error: reportArgumentType, dict-item
    system.crash({"Kind": "CrashGuest"})  # error: reportArgumentType, dict-item
    system.properties(query={"PropertyType": ["Memory"]})  # error: reportArgumentType, dict-item
    service.properties(query={"PropertyTypes": ["Basics"]})  # error: reportArgumentType, dict-item
    service.modify("CpuGroup", {"Operations": "CreateGroup"})  # error: reportArgumentType, dict-item
    service.submit_wer_report({"System": "a"})  # error: reportArgumentType, dict-item
    process.modify({"Operation": "ConsoleSize", "ConsoleSize": {"Height": 1, "Widht": 2}})  # error: reportArgumentType, dict-item


document: documents.ComputeSystem = {
    "Owner": "me",
    "VirtualMachine": {
        "Devices": {
            "Scsi": {"primary": {"Attachments": {"0": {"Pth": "a.vhdx"}}}},  # error: reportAssignmentType, typeddict-unknown-key
        },
    },
}
layer: documents.Layer = {"Id": "4c1e6ee5-0f8d-4e1e-9d5a-8a4b5d6f7a01"}  # error: reportAssignmentType, typeddict-item
disk: documents.Attachment = {"Type": "Disk"}  # error: reportAssignmentType, typeddict-item
endpoint: documents.HostComputeEndpoint = {"Flags": True, "Polices": []}  # error: reportAssignmentType, typeddict-unknown-key
misspelt: documents.ComputeSytem = {}  # error: reportAttributeAccessIssue, name-defined


def built(system: hcsrt.ComputeSystem) -> None:
    documents.process_isolated_container([{"Id": "a", "Path": "b", "Cach": "c"}], "d")  # error: reportArgumentType, typeddict-unknown-key
    documents.virtual_machine("a", adapters=[{"Endpoint": "a"}])  # error: reportArgumentType, typeddict-unknown-key
    documents.port_mapping(80, 80, protocol="tcp")  # error: reportArgumentType, arg-type
    documents.nat_network("a", "10.0.0.0/8", gatewy="10.0.0.1")  # error: reportCallIssue, call-arg
    documents.namespace("host")  # error: reportArgumentType, arg-type
    documents.namespace()["Typ"]  # error: reportGeneralTypeIssues, typeddict-item
    system.statistics()["Uptime"]  # error: reportGeneralTypeIssues, typeddict-item
    documents.seconds("1")  # error: reportArgumentType, arg-type


def limits(checked: dict[str, object]) -> None:
    # dict[str, object] may hold anything, and nobody has looked; an inferred type is as narrow as what is in it.
    hcsrt.ComputeSystem.create("a", checked)  # error: reportArgumentType, arg-type
    nested = {"Container": {"Memory": {"SizeInMB": 1}}}
    hcsrt.ComputeSystem.create("a", nested)  # error: reportArgumentType, arg-type
