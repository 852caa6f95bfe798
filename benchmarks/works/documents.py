"""What the check of a document costs, beside Python's reading and writing of it and a validator of JSON Schema."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path

from hcsrt import documents
from hcsrt.documents.checking import check

from ..harness.measure import Effort, Series, interleaved, timed
from .emulated import loop_of

DOCUMENT = {
    "SchemaVersion": {"Major": 2, "Minor": 1},
    "Owner": "benchmark",
    "ShouldTerminateOnLastHandleClosed": True,
    "Container": {
        "GuestOs": {"HostName": "web1"},
        "Storage": {
            "Layers": [
                {"Id": "7c936f90-3131-5f18-ad64-69ffca88a11c", "Path": "C:\\store\\layers\\top"},
                {"Id": "7bcf0ce8-8f5a-5b2e-9d6c-1a8fb5c3d1f1", "Path": "C:\\store\\layers\\base"},
            ],
            "Path": "\\\\?\\Volume{26a90000-0000-0000-0000-100000000000}\\",
        },
        "Processor": {},
        "Memory": {"SizeInMB": 1024},
        "MappedDirectories": [{"HostPath": "C:\\data", "ContainerPath": "C:\\data", "ReadOnly": True}],
        "Networking": {
            "AllowUnqualifiedDnsQuery": True,
            "DnsSearchList": "a,b",
            "Namespace": "0bd1d1cc-3f0f-4a3c-9c0c-5a2e0a7b9b11",
        },
    },
}


def measure(effort: Effort) -> list[Series]:
    text = json.dumps(DOCUMENT)
    actions: dict[str, Callable[[], object]] = {
        "json.loads and dumps": lambda: json.dumps(json.loads(text)),
        "check of a mapping": lambda: check(DOCUMENT),
        "check of a text": lambda: check(text),
    }
    try:
        import jsonschema
    except ImportError:
        print("documents: jsonschema is not installed", file=sys.stderr)
    else:
        schema = json.loads((Path(documents.__file__).parent / "data" / "schema.json").read_text("utf-8"))
        validator = jsonschema.Draft202012Validator(schema)
        actions["jsonschema"] = lambda: list(validator.iter_errors(DOCUMENT))
    turns = {name: timed(loop_of(action), effort.batch) for name, action in actions.items()}
    return interleaved("documents", "s", turns, effort.rounds)
