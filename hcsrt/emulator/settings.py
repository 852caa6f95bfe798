"""The service beside compute systems: its own properties and settings, and files for virtual machines."""

from __future__ import annotations

import binascii
import json
import os
from collections.abc import Callable
from pathlib import PurePath
from typing import Any

from .._hresults import (
    E_ACCESSDENIED,
    E_FAIL,
    ERROR_ALREADY_EXISTS,
    ERROR_FILE_EXISTS,
    ERROR_FILE_NOT_FOUND,
    ERROR_NOT_FOUND,
    ERROR_PATH_NOT_FOUND,
)
from . import _native, schema, volumes
from .failures import Failure, Problem, invalid_argument, invalid_json, not_emulated
from .outbox import Answer
from .variation import Variation
from .verbs import verb

SCHEMA_VERSIONS = {"SupportedSchemaVersions": [{"Major": 2, "Minor": 6}]}


class Settings:
    """The service's own properties and settings."""

    def __init__(self, variation: Variation) -> None:
        self._variation = variation
        # CpuGroupConfig by GroupId in lower case.
        self.groups: dict[str, dict[str, Any]] = {}
        # ContainerCredentialGuardInstance by Id.
        self._guards: dict[str, dict[str, Any]] = {}

    @verb("HcsGetServiceProperties", at_once=True)
    def _properties(self, request: _native.Request) -> Answer:
        asked = schema.parse_optional(request.text, "Service_PropertyQuery")
        document: dict[str, object] = {"Properties": [self._property(name) for name in asked.get("PropertyTypes", [])]}
        if "PropertyQueries" in asked:
            document["PropertyResponses"] = {name: self._response(name) for name in asked["PropertyQueries"]}
        return Answer(json.dumps(document))

    def _property(self, name: str) -> dict[str, Any]:
        if name == "Basic":
            return SCHEMA_VERSIONS
        if name == "CpuGroup":
            return {"CpuGroups": list(self.groups.values())}
        if name == "ContainerCredentialGuard":
            return {"Instances": list(self._guards.values())}
        if name in _OF_THE_HOST:
            return _OF_THE_HOST[name]()
        raise not_emulated(f"the service property {name}")

    def _response(self, name: str) -> dict[str, object]:
        try:
            if name not in schema.enum_values("GetPropertyType"):
                raise invalid_json(Problem(schema.member("$.PropertyQueries", name), f"{name!r} is no GetPropertyType"))
            return {"Response": self._property(name)}
        except Failure as failure:
            return {"Error": failure.result_error()}

    @verb("HcsModifyServiceSettings", at_once=True)
    def _modify(self, request: _native.Request) -> Answer:
        document = schema.parse(request.text or "", "ModificationRequest")
        settings = document["Settings"]
        change = {"CpuGroup": self._change_groups, "ContainerCredentialGuard": self._change_guards}
        change[document["PropertyType"]](settings["Operation"], settings["OperationDetails"])
        return Answer()

    def _change_groups(self, operation: str, details: dict[str, Any]) -> None:
        key: str = details["GroupId"].strip("{}").lower()
        if operation == "CreateGroup":
            self._create_group(key, details)
        elif key not in self.groups:
            raise Failure(ERROR_NOT_FOUND, f"There is no CPU group {key}.")
        elif operation == "DeleteGroup":
            del self.groups[key]
        else:
            self._set_property(self.groups[key], details)

    def _create_group(self, key: str, details: dict[str, Any]) -> None:
        if key in self.groups:
            raise Failure(ERROR_ALREADY_EXISTS, f"There is a CPU group {key} already.")
        processors: list[int] = details.get("LogicalProcessors", [])
        affinity = {"LogicalProcessorCount": len(processors), "LogicalProcessors": processors}
        self.groups[key] = {"GroupId": details["GroupId"], "Affinity": affinity, "GroupProperties": []}

    def _set_property(self, group: dict[str, Any], details: dict[str, Any]) -> None:
        code, value = details.get("PropertyCode"), details.get("PropertyValue")
        if code is None or value is None:
            raise invalid_argument("$.Settings.OperationDetails", "needs PropertyCode and PropertyValue")
        others = [item for item in group["GroupProperties"] if item["PropertyCode"] != code]
        group["GroupProperties"] = [*others, {"PropertyCode": code, "PropertyValue": value}]

    def _change_guards(self, operation: str, details: dict[str, Any]) -> None:
        key: str = details.get("Id", "")
        if operation == "RemoveInstance":
            if key not in self._guards:
                raise Failure(ERROR_NOT_FOUND, f"There is no instance {key!r} of Container Credential Guard.")
            del self._guards[key]
            return
        if not key:
            raise invalid_argument("$.Settings.OperationDetails.Id", "the instance needs the id of its container")
        if key in self._guards:
            raise Failure(ERROR_ALREADY_EXISTS, f"There is an instance {key!r} of Container Credential Guard already.")
        transport: str = details.get("Transport", "LRPC")
        state = {
            "Cookie": binascii.b2a_base64(self._variation.guid().bytes, newline=False).decode(),
            "RpcEndpoint": str(self._variation.guid()),
            "Transport": transport,
            "CredentialSpec": details.get("CredentialSpec", ""),
        }
        self._guards[key] = {"Id": key, "CredentialGuard": state}
        if transport == "HvSocket":
            self._guards[key]["HvSocketConfig"] = {"ServiceId": str(self._variation.guid()), "ServiceConfig": {}}

    @verb("HcsCreateEmptyGuestStateFile", "HcsCreateEmptyRuntimeStateFile", at_once=True)
    def _create_file(self, request: _native.Request) -> Answer:
        create_file(request.text or "", b"")
        return Answer()

    # Without any effect on access: every program of the emulator may use what its user may use.
    @verb("HcsGrantVmAccess", "HcsRevokeVmAccess", "HcsGrantVmGroupAccess", "HcsRevokeVmGroupAccess", at_once=True)
    def _find_file(self, request: _native.Request) -> Answer:
        path = _full(request.text or "")
        if not os.path.exists(path):
            raise Failure(ERROR_FILE_NOT_FOUND, f"There is no file {path!r}.")
        return Answer()


def _processor_topology() -> dict[str, Any]:
    """Return the processors of this machine, each a core of one package."""
    count = os.cpu_count() or 1
    processors = [
        {"LpIndex": index, "NodeNumber": 0, "PackageId": 0, "CoreId": index, "RootVpIndex": index}
        for index in range(count)
    ]
    return {"LogicalProcessorCount": count, "LogicalProcessors": processors}


# What the host is asked for by each creation of a utility virtual machine, by hcsshim or WSL, and what its clients can
# be told all the same: nothing here limits processors, and no guest boots that could use their features.
_OF_THE_HOST: dict[str, Callable[[], dict[str, Any]]] = {
    "ProcessorTopology": _processor_topology,
    "ProcessorCapabilities": lambda: {"ProcessorFeatures": []},
    "QoSCapabilities": lambda: {"ProcessorQoSSupported": False},
}


def create_file(path: str, content: bytes) -> None:
    """Make a file that is not there yet."""
    try:
        with open(_full(path), "xb") as file:
            file.write(content)
    except OSError as error:
        raise _file_failure(error, path) from None


def read_file(path: str) -> bytes:
    """Return what is in a file."""
    try:
        with open(_full(path), "rb") as file:
            return file.read()
    except OSError as error:
        raise _file_failure(error, path) from None


def _full(path: str) -> str:
    """Return a path if it is a full one of this machine, or leads into a volume.

    Elsewhere, a path of Windows would become a file's name.
    """
    path = volumes.local(path)
    if not PurePath(path).is_absolute() or "\0" in path:
        raise Failure(ERROR_PATH_NOT_FOUND, f"{path!r} is no full path on this machine.")
    return path


def _file_failure(error: OSError, path: str) -> Failure:
    folder = os.path.dirname(path)
    if isinstance(error, FileExistsError):
        hresult = ERROR_FILE_EXISTS
    elif isinstance(error, FileNotFoundError):
        hresult = ERROR_FILE_NOT_FOUND if os.path.isdir(folder) else ERROR_PATH_NOT_FOUND
    elif isinstance(error, NotADirectoryError):
        hresult = ERROR_PATH_NOT_FOUND
    else:
        hresult = E_ACCESSDENIED if isinstance(error, (PermissionError, IsADirectoryError)) else E_FAIL
    return Failure(hresult, f"{path!r}: {error.strerror}.")
