"""A small manager of containers: start some, stream what they say, start them again when they fail, stop them all.

    python examples/manager.py --count 3 -- sh -c 'echo working; sleep 2; exit 1'

On Windows it needs a document of a container whose layers are there (--document); elsewhere the emulator runs the
command without any isolation. Ctrl-C stops the containers gracefully. Needs rich: pip install hcsrt[cli].
"""

from __future__ import annotations

import argparse
import asyncio
import json
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.live import Live
from rich.markup import escape
from rich.table import Table

import hcsrt
from hcsrt import PIPE, aio

COLOURS = ("cyan", "magenta", "green", "yellow", "blue")
FIRST_BACK_OFF = 0.5
LAST_BACK_OFF = 30.0
HEALTHY = 10.0
"""Seconds after which a container that fails starts again with the first back-off."""


class Container:
    """One container, that is started again and again until its command succeeds."""

    def __init__(self, id: str, document: dict[str, Any], command: list[str], colour: str, console: Console) -> None:
        self.id = id
        self.state = "new"
        self.restarts = 0
        self.memory: int | None = None
        self._document = document
        self._command = command
        self._prefix = f"[{colour}]{escape(id)}[/] | "
        self._console = console

    async def supervise(self, grace: float) -> None:
        back_off = FIRST_BACK_OFF
        while True:
            began = time.monotonic()
            code = None
            try:
                code = await self._live(grace)
            except* (hcsrt.HcsError, TimeoutError) as group:
                self._say(f"failed: {'; '.join(map(str, group.exceptions))}")
            if code == 0:
                self.state = "done"
                return
            if time.monotonic() - began > HEALTHY:
                back_off = FIRST_BACK_OFF
            self.state = f"failed ({code}), again in {back_off:g} s" if code is not None else f"again in {back_off:g} s"
            await asyncio.sleep(back_off)
            back_off = min(2 * back_off, LAST_BACK_OFF)
            self.restarts += 1

    async def _live(self, grace: float) -> int:
        """One life of the container; the exit code of its command."""
        self.state = "creating"
        async with await aio.ComputeSystem.create(self.id, self._document) as system:
            try:
                await system.start()
                self.state = "running"
                starting = system.popen(self._command, stdout=PIPE, stderr=PIPE, text=True, errors="replace")
                async with await starting as process, asyncio.TaskGroup() as tasks:
                    measuring = tasks.create_task(self._measure(system))
                    for stream in (process.stdout, process.stderr):
                        tasks.create_task(self._log(stream))
                    code = await process.wait()
                    measuring.cancel()
                return code
            finally:
                self.memory = None
                self.state = "stopping"
                self.state = f"stopped by {await system.stop(grace)}"

    async def _log(self, stream: aio.StreamReader[str] | None) -> None:
        assert stream
        while True:
            try:
                if not (line := await stream.readline()):
                    return
            except ValueError:
                line = "(a part of a line that is too long)"
            self._say(line.rstrip("\n"))

    async def _measure(self, system: aio.ComputeSystem) -> None:
        while True:
            try:
                statistics = await system.statistics(timeout=5)
                self.memory = statistics.get("Memory", {}).get("MemoryUsageCommitBytes")
            except hcsrt.HcsError:
                self.memory = None  # it is just going
            await asyncio.sleep(1)

    def _say(self, line: str) -> None:
        self._console.print(self._prefix + escape(line), soft_wrap=True, highlight=False)


def table(containers: list[Container]) -> Table:
    states = Table("container", "state", "restarts", "memory")
    for container in containers:
        memory = "" if container.memory is None else f"{container.memory / 2**20:.1f} MiB"
        states.add_row(container.id, container.state, str(container.restarts), memory)
    return states


async def manage(containers: list[Container], console: Console, grace: float) -> None:
    with Live(console=console, get_renderable=lambda: table(containers), refresh_per_second=4):
        async with asyncio.TaskGroup() as tasks:
            for container in containers:
                tasks.create_task(container.supervise(grace))


def main() -> None:
    parser = argparse.ArgumentParser(description="Run a command in some containers, and again where it fails.")
    parser.add_argument("--count", type=int, default=3, help="how many containers")
    parser.add_argument("--name", default="managed", help="what their ids begin with, and their owner")
    parser.add_argument("--document", type=Path, help="a ComputeSystem document for each of them, as JSON")
    parser.add_argument("--grace", type=float, default=10.0, help="seconds that a container has to stop by itself")
    parser.add_argument("command", nargs="+")
    options = parser.parse_args()
    if options.document is not None:
        document = json.loads(options.document.read_text(encoding="utf-8"))
    else:
        document = hcsrt.emulator.container_document()
    document = {**document, "Owner": options.name, "ShouldTerminateOnLastHandleClosed": True}
    console = Console()
    containers = [
        Container(f"{options.name}-{number}", document, options.command, COLOURS[number % len(COLOURS)], console)
        for number in range(options.count)
    ]
    # Ctrl-C cancels manage(), which ends when each container has stopped.
    with suppress(KeyboardInterrupt):
        asyncio.run(manage(containers, console, options.grace))


if __name__ == "__main__":
    main()
