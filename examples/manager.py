"""A small manager of containers: start some, stream what they say, start them again when they fail, stop them all.

    python examples/manager.py --count 3 -- sh -c 'echo working; sleep 2; exit 1'

On Windows it needs a document of a container whose layers are there (--document), with {id} in the path of the scratch
layer, for each has its own; elsewhere the emulator runs the command without any isolation. Ctrl-C stops the containers
gracefully. Needs rich: pip install hcsrt[cli].
"""

from __future__ import annotations

import argparse
import asyncio
import json
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.live import Live
from rich.markup import escape
from rich.table import Table

import hcsrt
from hcsrt import PIPE, aio, documents

COLOURS = ("cyan", "magenta", "green", "yellow", "blue")
FIRST_BACK_OFF, LAST_BACK_OFF, HEALTHY = 0.5, 30.0, 10.0  # seconds


@dataclass
class Container:
    """One container, that is started again and again until its command succeeds."""

    id: str
    document: dict[str, object]
    command: list[str]
    colour: str
    console: Console
    state: str = "new"
    restarts: int = 0
    memory: int | None = None

    async def supervise(self, grace: float) -> None:
        back_off = FIRST_BACK_OFF / 2
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
            failed = self.state = "failed" if code is None else f"failed ({code})"
            if (task := asyncio.current_task()) and task.cancelling():
                return  # the stop on Ctrl-C failed
            healthy = time.monotonic() - began > HEALTHY
            back_off = FIRST_BACK_OFF if healthy else min(2 * back_off, LAST_BACK_OFF)
            self.state = f"{failed}, again in {back_off:g} s"
            try:
                await asyncio.sleep(back_off)
            finally:
                self.state = failed
            self.restarts += 1

    async def _live(self, grace: float) -> int:
        """Run the container once; return the exit code of its command."""
        self.state = "creating"
        async with await aio.ComputeSystem.create(self.id, self.document) as system:
            try:
                await system.start()
                self.state = "running"
                starting = system.popen(self.command, stdout=PIPE, stderr=PIPE, encoding="utf-8", errors="replace")
                async with await starting as process, asyncio.TaskGroup() as tasks:
                    measuring = tasks.create_task(self._measure(system))
                    logs = [tasks.create_task(self._log(stream)) for stream in (process.stdout, process.stderr)]
                    try:
                        return await process.wait()
                    finally:  # on Ctrl-C too, with the pipes open: a container may have something to say while it stops
                        self.state = "stopping"
                        self.state = f"stopped by {await system.stop(grace)}"
                        await asyncio.wait(logs)
                        measuring.cancel()
            finally:
                self.memory = None
                await system.terminate()  # if it could not be stopped

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
            with suppress(hcsrt.HcsError):  # it may be ending just now
                self.memory = documents.usage(await system.statistics(timeout=5)).memory
            await asyncio.sleep(1)

    def _say(self, line: str) -> None:
        self.console.print(f"[{self.colour}]{escape(self.id)}[/] | {escape(line)}", soft_wrap=True, highlight=False)


def table(containers: list[Container]) -> Table:
    states = Table("container", "state", "restarts", "memory")
    for container in containers:
        memory = f"{container.memory / 2**20:.1f} MiB" if container.memory else ""
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
    parser.add_argument("--document", type=Path, help="the JSON document of each, with {id} for its id")
    parser.add_argument("--grace", type=float, default=10.0, help="seconds that a container has to stop by itself")
    parser.add_argument("command", nargs="+")
    options = parser.parse_args()
    console = Console()
    containers: list[Container] = []
    text = options.document and options.document.read_text("utf-8")
    for number in range(options.count):
        id = f"{options.name}-{number}"
        document = json.loads(text.replace("{id}", id)) if text else hcsrt.emulator.container_document()
        document |= {"Owner": options.name, "ShouldTerminateOnLastHandleClosed": True}
        containers.append(Container(id, document, options.command, COLOURS[number % len(COLOURS)], console))
    # Ctrl-C cancels manage(), which ends when each container has stopped.
    with suppress(KeyboardInterrupt):
        asyncio.run(manage(containers, console, options.grace))


if __name__ == "__main__":
    main()
