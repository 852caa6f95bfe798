"""What a probe works with: systems to try things on, and a place for what was seen.

PYTEST_DONT_REWRITE: its words for what failed would tell what others have on the host.
"""

from __future__ import annotations

import gc
import json
import sys
import time
import uuid
from collections.abc import Callable, Generator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from functools import cached_property
from pathlib import Path
from typing import Any, Generic, Literal, NoReturn, TypeVar

import hcsrt

from .. import ComputeSystem
from .._handles import leaked
from . import layers
from .raw_calls import OPERATION, call, failed
from .raw_hcs import Table, TableInUse
from .settings import Settings

ErrorT = TypeVar("ErrorT", bound=BaseException)

Kind = Literal["container", "virtual machine"]
CONTAINER: Kind = "container"
VIRTUAL_MACHINE: Kind = "virtual machine"

START_TIMEOUT = 120.0
_PATIENCE = 60.0
SETTLE_SECONDS = 30.0
"""Seconds in which calls that nobody waits for any more have to be gone."""


class Skipped(Exception):
    """The probe cannot run here, and why."""


class Caught(Generic[ErrorT]):
    """The error that a block has raised; there once the block has ended."""

    error: ErrorT


def new_id() -> str:
    return f"Hcsrt-{uuid.uuid4()}"


class Bench:
    """What a probe works with. What it has made is gone when its `with` block ends.

    Args:
        settings: What the check was told.
        tell: Called with each fact and what was seen of it.
        shared: What the benches of one process find out once.
    """

    kind: Kind | None = None
    """The kind of systems that the probe is run with, None if it does not say."""

    def __init__(self, settings: Settings, tell: Callable[[str, Any], None], shared: Shared) -> None:
        self.settings = settings
        self.seen = tell
        self.shared = shared
        self._stack = ExitStack()

    def __enter__(self) -> Bench:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    # Reasons not to run

    def skip(self, reason: str) -> NoReturn:
        raise Skipped(reason)

    def need(self, function: str) -> None:
        """Skip the probe where this Windows lacks a function."""
        if not hasattr(self.table, function):
            self.skip(f"this Windows has no {function}")

    def may_restart(self) -> None:
        """Skip the probe unless vmcompute may be ended."""
        if not self.settings.restart:
            self.skip("ends vmcompute, and with it whatever runs on this host: --restart allows that")

    # Tools

    @property
    def table(self) -> Table:
        """The functions of HCS as C has them."""
        return self.shared.table

    @contextmanager
    def raises(self, error: type[ErrorT]) -> Generator[Caught[ErrorT]]:
        """Expect a block to raise an error."""
        caught = Caught[ErrorT]()
        try:
            yield caught
        except error as raised:
            caught.error = raised
        else:
            raise AssertionError(f"no {error.__name__} was raised")

    # Documents

    def document(self) -> dict[str, Any]:
        """Return the document of a new system of the kind that the probe is run with."""
        return self.container_document() if self.kind == CONTAINER else self.vm_document()

    def container_document(self) -> dict[str, Any]:
        """Return the document of a new container, with a writable layer of its own unless one is given."""
        image = self.shared.image
        if isinstance(image, str):
            self.skip(image)
        return self.shared.container_document(self._stack.enter_context(self.shared.storage(image)))

    def windows_document(self) -> dict[str, Any]:
        """Return the document of a new container in which programs of Windows run."""
        if sys.platform != "win32":
            self.skip("the programs of this probe are Windows'")
        return self.container_document()

    def vm_document(self) -> dict[str, Any]:
        """Return the document of a new virtual machine that runs and has nothing in it."""
        if self.shared.why_no_vm is not None:
            self.skip(self.shared.why_no_vm)
        return self.shared.vm_document()

    # Systems

    def create(self, document: dict[str, Any] | None = None) -> ComputeSystem:
        """Create a system of the document, or of the kind that the probe is run with."""
        document = self.document() if document is None else document
        system = ComputeSystem.create(new_id(), document, timeout=START_TIMEOUT)
        self._stack.enter_context(system)
        self._stack.callback(_stop, system)
        return system

    def start(self, document: dict[str, Any] | None = None) -> ComputeSystem:
        """Create a system as create() does, and start it."""
        system = self.create(document)
        system.start(timeout=START_TIMEOUT)
        return system

    def container(self) -> ComputeSystem:
        """Return a running container, in which programs of Windows run."""
        return self.start(self.windows_document())

    # Questions whose answers hold more than the file may have

    def listed(self, id: str, query: Mapping[str, Any] | None) -> tuple[int, list[dict[str, Any]]]:
        """Enumerate, and return the result, and what is told of the system with this id, not of those of others."""
        made = call(self.table, "HcsEnumerateComputeSystems", query and json.dumps(query), OPERATION)
        # What comes with an error is no list.
        items: list[dict[str, Any]] = [] if failed(made.result) else made.document or []
        return made.result, [item for item in items if item.get("Id") == id]

    def variables_in(self, container: ComputeSystem, env: Mapping[str, str] | None = None) -> tuple[list[str], bool]:
        """Return the names of a process's variables, not their values, and whether those of `env` are among them."""
        done = container.run("cmd /c set", env=env, capture_output=True, timeout=_PATIENCE)
        lines = done.stdout.splitlines()
        names = sorted(line.partition(b"=")[0].decode("ascii", "replace") for line in lines)
        return names, all(f"{name}={value}".encode() in lines for name, value in (env or {}).items())


def _stop(system: ComputeSystem) -> None:
    with suppress(hcsrt.HandleClosedError, hcsrt.ServiceDisconnectedError):
        system.stop(grace=0)


class Shared:
    """What is found out about the host once for all probes of a process."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings

    @cached_property
    def table(self) -> Table:
        return TableInUse()

    @cached_property
    def image(self) -> list[Path] | str:
        """The layers of an image that a container runs on here, the uppermost first; or why there is none."""
        if self.settings.layers:
            return [Path(folder) for folder in self.settings.layers]
        if self.settings.backend != "windows":
            return []  # which opens none of them
        try:
            candidates = layers.images()
        except OSError as error:
            return f"no image layers can be read: {error}"
        reasons: list[str] = []
        for candidate in candidates:
            try:
                with self.storage(candidate) as storage:
                    self._try(self.container_document(storage))
                return candidate
            except (layers.LayerError, hcsrt.HcsError) as error:
                reasons.append(f"{candidate[0].name}: {error}")
        return "no image that a container runs on: " + ("; ".join(reasons) or "pull one, such as nanoserver")

    @cached_property
    def why_no_vm(self) -> str | None:
        try:
            self._try(self.vm_document())
        except hcsrt.HcsError as error:
            return f"no virtual machine runs on this host: {error}"
        return None

    def _try(self, document: dict[str, Any]) -> None:
        with ComputeSystem.create(new_id(), document, timeout=START_TIMEOUT) as system:
            system.start(timeout=START_TIMEOUT)
            system.stop(grace=0)

    @contextmanager
    def storage(self, image: list[Path]) -> Generator[dict[str, Any]]:
        """Give the Storage of a container on an image for as long as the block runs."""
        if self.settings.backend != "windows":
            yield hcsrt.emulator.container_document()["Container"]["Storage"]
        elif self.settings.scratch is not None:
            yield layers.storage_on(image, self.settings.scratch)
        else:
            with layers.writable_layer(image, Path(self.settings.folder, f"layer-{uuid.uuid4()}")) as storage:
                yield storage

    def container_document(self, storage: dict[str, Any]) -> dict[str, Any]:
        return self._document("Container", {"Storage": storage})

    def vm_document(self) -> dict[str, Any]:
        topology = {"Memory": {"Backing": "Virtual", "SizeInMB": 1024}, "Processor": {"Count": 1}}
        return self._document("VirtualMachine", {"Chipset": {"Uefi": {}}, "ComputeTopology": topology})

    def _document(self, kind: str, content: dict[str, Any]) -> dict[str, Any]:
        return {
            "SchemaVersion": {"Major": 2, "Minor": 1},
            "Owner": self.settings.owner,
            "ShouldTerminateOnLastHandleClosed": True,
            kind: content,
        }


def check_nothing_is_left() -> None:
    """Raise AssertionError for what hcsrt has left inside HCS, or has lost."""
    gc.collect()
    end = time.monotonic() + SETTLE_SECONDS
    while hcsrt.pending() and time.monotonic() < end:
        time.sleep(0.05)
    pending, lost = hcsrt.pending(), leaked()
    assert pending == 0, f"{pending} calls are still pending"
    assert lost == 0, f"{lost} handles were lost"
