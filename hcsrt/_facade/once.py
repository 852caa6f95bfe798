"""What both faces share of run(): one command from its document to its result."""

# What a system and a process keep private is used here.
# pyright: reportPrivateUsage=false

from __future__ import annotations

import os
from _collections_abc import Iterator, Mapping

from .. import documents
from .._late import typing
from .._library import backend
from ..documents import dumps, loads
from ..errors import HcsError, NoIsolationError
from .commands import PIPE, Command, StreamFormat, encoded, process_parameters
from .owner import debug
from .times import CHECK_TIMEOUT, Deadline

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from .process import ProcessCore
    from .system import SystemCore

_ISOLATION = ("required", "none")
_FIELDS = ("args", "returncode", "stdout", "stderr", "output_cut", "peak_memory", "processor_time")


class RunResult:
    """The outcome of run().

    Attributes:
        args: The command as it was given.
        returncode: The exit code, 0 to 0xFFFFFFFF.
        stdout: The output, at most max_output bytes of it.
        stderr: The same.
        output_cut: Whether there was more output than max_output lets stdout and stderr have.
        peak_memory: The most memory that the compute system had committed at once, in bytes; None if HCS does not know.
        processor_time: The processor time of all that ran in it, in seconds; None if HCS does not know.
    """

    __slots__ = ("args", "output_cut", "peak_memory", "processor_time", "returncode", "stderr", "stdout")

    args: Command
    returncode: int
    stdout: bytes
    stderr: bytes
    output_cut: bool
    peak_memory: int | None
    processor_time: float | None

    def __init__(
        self,
        args: Command,
        returncode: int,
        stdout: bytes,
        stderr: bytes,
        output_cut: bool = False,
        peak_memory: int | None = None,
        processor_time: float | None = None,
    ) -> None:
        values = (args, returncode, stdout, stderr, output_cut, peak_memory, processor_time)
        for name, value in zip(_FIELDS, values, strict=True):
            object.__setattr__(self, name, value)

    def __setattr__(self, name: str, value: object) -> typing.NoReturn:
        raise AttributeError(f"a RunResult does not change: {name} cannot be set")

    def __delattr__(self, name: str) -> typing.NoReturn:
        raise AttributeError(f"a RunResult does not change: {name} cannot be deleted")

    def __eq__(self, other: object) -> bool:
        return self._values() == other._values() if isinstance(other, RunResult) else NotImplemented

    def __hash__(self) -> int:
        return hash((self.returncode, self.stdout, self.stderr))

    def __reduce__(self) -> tuple[type[RunResult], tuple[typing.Any, ...]]:
        return RunResult, self._values()

    def __repr__(self) -> str:
        # Output may be long, and secret.
        return (
            f"RunResult(args={self.args!r}, returncode={self.returncode}, stdout=<{len(self.stdout)} bytes>, "
            f"stderr=<{len(self.stderr)} bytes>, output_cut={self.output_cut}, peak_memory={self.peak_memory}, "
            f"processor_time={self.processor_time})"
        )

    def _values(self) -> tuple[Any, ...]:
        return tuple(getattr(self, name) for name in _FIELDS)


def document_needed(argument: str, kind: str) -> ValueError:
    """Return the error of a command without a document, where HCS is the real one."""
    return ValueError(
        f"{argument} is needed: {kind} that describes a compute system, for a container at least Container.Storage "
        "with its Layers and scratch Path"
    )


def document_of_run(document: documents.Given[Any], argument: str = "document") -> dict[str, Any]:
    """Return a copy of a document for a system of which nothing outlives its run, even if this process is killed."""
    copy: dict[str, Any] = loads(dumps(document, argument=argument))
    copy.setdefault("ShouldTerminateOnLastHandleClosed", True)
    return copy


def id_of_run() -> str:
    """Return an id that no other compute system has."""
    return f"hcsrt-{os.urandom(6).hex()}"


class RunRequest:
    """What run() was asked for, checked before anything is created.

    Within its block the emulator does not warn of what the caller has accepted.
    """

    id: str
    document: dict[str, typing.Any]

    def __init__(
        self, document: documents.Given[documents.ComputeSystem] | None, image: object, isolation: str
    ) -> None:
        if image is not None:
            raise NotImplementedError(
                "image is not supported yet, since hcsrt cannot prepare images: give document instead"
            )
        if isolation not in _ISOLATION:
            raise ValueError(f"isolation must be one of {', '.join(map(repr, _ISOLATION))}, not {isolation!r}")
        self._is_emulated = backend() == "emulator"
        if document is not None:
            self.document = document_of_run(document)
        elif self._is_emulated:
            from ..emulator import container_document

            self.document = container_document()
        else:
            raise document_needed("document", "a document of HCS")
        if self._is_emulated and isolation == "required":
            raise NoIsolationError(
                "the hcsrt emulator runs the program on this machine, with your rights and not isolated from anything: "
                "isolation='none' accepts that"
            )
        self.id = id_of_run()

    def __enter__(self) -> None:
        if self._is_emulated:
            from ..emulator.processes import accepted

            accepted.add(self.id)

    def __exit__(self, *error: object) -> None:
        if self._is_emulated:
            from ..emulator.processes import accepted

            accepted.discard(self.id)


def repeatable(args: Command) -> Command:
    """Return a command that can be read again: it is checked before it is started."""
    return list(args) if isinstance(args, Iterator) else args


async def check_command(
    args: Command,
    input: object,
    env: Mapping[str, str] | None,
    cwd: str | os.PathLike[str] | None,
    streams: StreamFormat,
) -> None:
    """Refuse what no process could be started with, before there is a system."""

    async def is_linux() -> bool:
        return True

    encoded(input, streams, stdin_is_open=True)
    await process_parameters(
        args,
        is_linux=is_linux,
        stdin=None,
        stdout=PIPE,
        stderr=PIPE,
        cwd=cwd,
        env=env,
        user=None,
        console=False,
    )


async def completed(
    system: SystemCore,
    process: ProcessCore[bytes],
    input: bytes | None,
    timeout: float | None,
    deadline: Deadline,
) -> RunResult:
    """Bring the process to its end and stop the system.

    timeout is what the deadline was made of, for the error.
    """
    output = await process._communicate_by(input, deadline)
    if output is None:
        raise process._timeout_expired(timeout)
    peak_memory, processor_time = await _figures(system, deadline)
    try:
        await system._stop(0, deadline.remaining())
    except TimeoutError:
        if timeout is None:
            raise
        raise process._timeout_expired(timeout) from None
    stdout, stderr = output
    return RunResult(
        process.args,
        await process._wait(None),
        stdout or b"",
        stderr or b"",
        process.output_cut,
        peak_memory,
        processor_time,
    )


async def _figures(system: SystemCore, deadline: Deadline) -> tuple[int | None, float | None]:
    """Ask for the peak of the memory in bytes and for the processor time in seconds, while there is somebody to ask."""
    try:
        properties = await system._properties(("Statistics",), None, deadline.within(CHECK_TIMEOUT))
    except HcsError as error:
        debug("hcsrt.system", "asking %r what it has used failed: %s", system, error)
        return None, None
    statistics = properties.get("Statistics")
    used = documents.usage(statistics if isinstance(statistics, dict) else {})
    # The emulator tells a peak of 0 where every program has ended before it could look at one.
    return used.peak_memory or None, used.processor_time
