"""What pyright and mypy have to accept as a document, without a word."""

from __future__ import annotations

import dataclasses
import json
from typing import Any, assert_type

import hcsrt
from hcsrt import aio, documents, service


@dataclasses.dataclass
class Model:
    Owner: str = "me"


class Pydantic:
    def model_dump(self, *, mode: str = "python", by_alias: bool | None = None) -> dict[str, Any]:
        return {"Owner": "me", "mode": mode, "by_alias": by_alias}


def loaded(text: str, path: str) -> None:
    given: dict[str, Any] = json.loads(text)
    hcsrt.ComputeSystem.create("a", given)
    hcsrt.ComputeSystem.create("a", text)
    hcsrt.ComputeSystem.create("a", Model())
    hcsrt.ComputeSystem.create("a", Pydantic())
    hcsrt.ComputeSystem.create("a", {"Owner": "me", "Container": {"Storage": {"Path": path}}})
    service.modify("CpuGroup", {"Operation": "CreateGroup", "OperationDetails": {"GroupId": "a"}})
    service.properties(query={"PropertyTypes": ["Basic"]})


async def there(system: aio.ComputeSystem, document: documents.ComputeSystem, process: aio.Process[bytes]) -> None:
    document["Owner"] = "me"
    await aio.ComputeSystem.create("a", document)
    await system.pause({"SuspensionLevel": "Suspend", "HostedNotification": {"Reason": "Save"}})
    await system.start()
    await process.modify({"Operation": "CloseHandle", "CloseHandle": {"Handle": "StdIn"}})


machine: documents.ComputeSystem = {
    "SchemaVersion": {"Major": 2, "Minor": 1},
    "VirtualMachine": {
        "ComputeTopology": {"Memory": {"SizeInMB": 1024, "Backing": "Virtual"}, "Processor": {"Count": 2}},
        "Devices": {"Scsi": {"primary": {"Attachments": {"0": {"Type": "VirtualDisk", "Path": "C:\\a.vhdx"}}}}},
    },
}
mapping: documents.PortMappingPolicySetting = {"Protocol": 6, "InternalPort": 80, "ExternalPort": 8080, "Flags": 0}
by_name: documents.PortMappingPolicySetting = {"Protocol": "TCP", "Flags": "None"}
route: documents.HostComputeRoute = {"Setting": [{"DestinationPrefix": "10.0.0.0/8"}], "Routes": []}
mode: documents.CacheMode = "Private"


def unknown_members_survive(answer: documents.Statistics) -> object:
    return answer.get("Uptime100ns"), dict(answer)["NobodyKnows"]


async def answers(system: hcsrt.ComputeSystem, there: aio.ComputeSystem, process: hcsrt.Process[bytes]) -> None:
    assert_type(system.wait(), documents.SystemExitStatus)
    assert_type(system.properties("Memory"), documents.Properties)
    assert_type(system.statistics(), documents.Statistics)
    assert_type(system.process_list(), list[documents.ProcessDetails])
    assert_type(system.memory(), documents.MemoryInformationForVm)
    assert_type(process.properties(), documents.ProcessStatus)
    assert_type(service.properties("Basic"), documents.ServiceProperties)
    assert_type(service.processor_compatibility("a.vmrs"), documents.VmProcessorRequirements)
    assert_type(hcsrt.systems()[0]["Id"], str)
    assert_type(hcsrt.statistics_of([system]), list[documents.Statistics | Exception])
    assert_type(await there.wait(), documents.SystemExitStatus)
    assert_type(await there.properties(), documents.Properties)
    assert_type(await there.statistics(), documents.Statistics)
    assert_type(await there.process_list(), list[documents.ProcessDetails])
    assert_type(await there.memory(), documents.MemoryInformationForVm)
    assert_type(await aio.systems(), list[documents.Properties])
    assert_type(await aio.service.properties(), documents.ServiceProperties)
    assert_type(documents.usage(system.statistics()).processor_time, float | None)
    documents.usage({"Uptime100ns": 1})
    for details in system.process_list():
        documents.seconds(details.get("UserTime100ns", 0))
        documents.parse_time(details.get("CreateTimestamp", ""))


def built(system: hcsrt.ComputeSystem) -> None:
    layers = [documents.layer("7c936f90-3131-5f18-ad64-69ffca88a11c", "C:\\base")]
    container = documents.process_isolated_container(layers, "\\\\?\\Volume{...}\\", memory=512)
    assert_type(container, documents.ComputeSystem)
    container["Owner"] = "me"
    hcsrt.ComputeSystem.create("a", container)
    hcsrt.run(["true"], document=documents.virtual_machine("C:\\a.vhdx", adapters=[{"EndpointId": "a"}]))
    system.modify("", "Add", guest_request=documents.guest_request("CombinedLayers", "Add", None))
    assert_type(documents.endpoint("a", policies=[documents.port_mapping(80, 8080)]), documents.HostComputeEndpoint)
    assert_type(documents.process_parameters(["a"]), documents.ProcessParameters)
