"""What pyright and mypy have to accept as a document, without a word."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

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
