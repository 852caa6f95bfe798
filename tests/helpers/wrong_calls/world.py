"""What calls are made on: a compute system, a process in it, and fresh handles and readers of both."""

import asyncio
import contextlib
import gc
import importlib.util
import json
import random
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import hcsrt
from hcsrt import _calls, _engine, _handles, _interpose, _streams, _watch, emulator, operations
from hcsrt.emulator import _native

# Whatever is written to it is read, and there is always something to read.
BUSY = """
import threading
def sink():
    while os.read(0, 65536): pass
threading.Thread(target=sink, daemon=True).start()
while True: os.write(1, b"x\\n" * 100)
"""
DONE = "pass"

ANSWER_SECONDS = 10.0
"""Seconds that a call may take which prepares others."""
SHORT = 0.01
"""Seconds of a right timeout."""


def command(code: str) -> str:
    guest = Path(__file__).parents[1] / "guest.py"
    python = sys._base_executable  # type: ignore[attr-defined]
    return subprocess.list2cmdline([python, "-I", "-S", str(guest), code])


class World:
    """A compute system with a process that always has output and takes all input, and an event loop.

    Args:
        rng: Decides where there are several right values.
    """

    def __init__(self, rng: random.Random) -> None:
        self.rng = rng
        self.loop = asyncio.new_event_loop()
        self.futures: list[asyncio.Future[Any]] = []
        self.handed: list[Any] = []
        self.number = 0
        self.closed_port: Any = None
        self.functions = _interpose.functions()
        self.live: dict[str, Callable[[], Any]] = {
            "hcsrt._handles.OwnedOperation": lambda: self.hand(operations.create_operation()),
            "hcsrt._handles.OwnedSystem": self.open_system,
            "system that is watched": self.watched,
            "hcsrt._handles.OwnedProcess": self.open_process,
            "hcsrt._handles.OwnedStdio": lambda: self.process_start().stdout,
            "hcsrt._handles.SendHandle": lambda: self.open_system().as_raw(),
            "hcsrt._streams.ProcessStart": self.process_start,
            "hcsrt._streams.StdioReader": lambda: self.hand(_streams.StdioReader(self.process_start().stdout)),
            "hcsrt._streams.StdioWriter": lambda: self.hand(_streams.StdioWriter(self.process_start().stdin)),
            "hcsrt._watch.Subscription": lambda: self.hand(_watch.subscribe(self.watched(), 4)),
            "hcsrt._calls.Limit": lambda: _calls.Limit(SHORT),
            "hcsrt._calls.Claim": _calls.Claim,
            "hcsrt._engine.EventReader": lambda: _engine.EventReader(self.watched(), 4),
            "hcsrt._engine.Port": self.port,
            "hcsrt._engine._Call": self.call_under_way,
            "hcsrt._interpose.Rule": lambda: _interpose.failing("HcsSaveComputeSystem", -1),
            "hcsrt._interpose.Counts": _interpose.counting,
            "hcsrt._interpose.Block": _interpose.Block,
            "hcsrt._interpose.Traits": lambda: _interpose.traits("HcsOpenProcess"),
            "hcsrt._interpose.Active": lambda: _interpose.activate("call", "HcsSaveComputeSystem", "fail"),
            "hcsrt.emulator._native.Stopped": _native.Stopped,
        }

    # --- the system -------------------------------------------------------------------------------------------------

    def build(self) -> None:
        if importlib.util.find_spec("hcsrt_stand_in") is None:
            emulator.install()
        self.id = self.new_id()
        self.system = _calls.create_system(self.id, self.document(), None, ANSWER_SECONDS)
        _calls.call(self.system, "HcsStartComputeSystem", None, ANSWER_SECONDS)
        pipes = dict.fromkeys(("CreateStdInPipe", "CreateStdOutPipe", "CreateStdErrPipe"), True)
        parameters = json.dumps({"CommandLine": command(BUSY), **pipes})
        self.start = _calls.create_process(self.system, parameters, ANSWER_SECONDS)
        if self.start.error is not None:
            raise self.start.error

    def drop(self) -> None:
        self.close_handed()
        with contextlib.suppress(hcsrt.HcsError, hcsrt.HandleClosedError):
            _calls.call(self.system, "HcsTerminateComputeSystem", None, ANSWER_SECONDS)
        self.start.close()
        self.system.close()
        self.closed_port = None

    def repair(self) -> None:
        """Build the system anew if calls have ended or stopped it."""
        try:
            text = _calls.call(self.start.process, "HcsGetProcessProperties", None, ANSWER_SECONDS)
            self.process_start()
            state = json.loads(_calls.call(self.system, "HcsGetComputeSystemProperties", None, ANSWER_SECONDS) or "{}")
            if state.get("State") == "Running" and not json.loads(text or "{}").get("Exited"):
                return
        except (hcsrt.HcsError, hcsrt.HandleClosedError):
            pass
        finally:
            self.close_handed()
        self.drop()
        self.build()

    def restart(self) -> None:
        """Begin anew after a call that has ended the emulator's service, or taken its handles away."""
        self.drop()
        emulator.reset()
        self.build()

    # --- what is handed out -----------------------------------------------------------------------------------------

    def hand(self, it: Any) -> Any:
        self.handed.append(it)
        return it

    def close_handed(self) -> None:
        """Close all that was handed out, maybe in the middle of a call that uses it."""
        while self.handed:
            self.dispose(self.handed.pop())

    def dispose(self, it: Any, depth: int = 0) -> None:
        """Give back what a call has returned, or was given; a call may return what it was given, however deep."""
        if isinstance(it, (_handles.Handle, _streams.ProcessStart, _watch.Subscription, _streams._Stdio)):
            with contextlib.suppress(Exception):
                it.close()
        elif type(it) in (tuple, list, set) and len(it) < 100 and depth < 10:
            for each in it:
                self.dispose(each, depth + 1)
        elif isinstance(it, asyncio.Future):
            with contextlib.suppress(RuntimeError):  # one that was given may have no loop
                if it.get_loop() is self.loop:
                    self.futures.append(it)

    async def settle(self) -> None:
        """Let the futures of calls come to their end, or cancel them."""
        futures, self.futures = self.futures, []
        if self.rng.random() < 0.5:
            for future in futures:
                future.cancel()
        if futures:
            await asyncio.wait(futures, timeout=0.05)
        for future in futures:
            if future.done() and not future.cancelled() and future.exception() is None:
                self.dispose(future.result())
            future.cancel()
        await asyncio.sleep(0)

    def collect_calls(self) -> None:
        """Give back what calls of closed loops have brought, as only a new loop does after `_calls._at_exit`."""
        _port_of_a_closed_loop()

    def new_id(self) -> str:
        self.number += 1
        return f"wrong-calls-{self.number}"

    def document(self) -> str:
        return json.dumps(emulator.container_document(owner="tests"))

    def open_system(self) -> Any:
        return self.hand(_calls.open_system(self.id))

    def open_process(self) -> Any:
        return self.hand(_calls.open_process(self.system, self.start.pid))

    def watched(self) -> Any:
        system = self.open_system()
        _watch.watch_system(system)
        return system

    def process_start(self) -> Any:
        # Of a handle of its own, which it has too, and closes.
        return self.hand(_calls.process_info(self.open_process(), ANSWER_SECONDS))

    def port(self) -> Any:
        """Return the port of a loop that is closed; on that of a living one its waker would wait for ever."""
        if self.closed_port is None:
            self.closed_port = _port_of_a_closed_loop()
        return self.closed_port

    def call_under_way(self) -> Any:
        if asyncio._get_running_loop() is None:
            return _engine._Call()
        future = _engine.call(self.open_system(), "HcsGetComputeSystemProperties")
        self.futures.append(future)
        callbacks: Any = future._callbacks  # type: ignore[attr-defined]
        return callbacks[0][0]

    # --- right values -----------------------------------------------------------------------------------------------

    def right(self, name: str) -> Any:
        """Return a value that is right for a parameter of that name, mostly."""
        made = RIGHT.get(name)
        return None if made is None else made(self)


def _ports() -> list[Any]:
    return [each for each in gc.get_objects() if type(each) is _engine.Port]


def _port_of_a_closed_loop() -> Any:
    others = _ports()
    running = asyncio._get_running_loop()
    asyncio._set_running_loop(None)
    try:
        with contextlib.closing(asyncio.new_event_loop()) as loop:

            async def use() -> None:
                await _engine.service("HcsGetServiceProperties", None)

            loop.run_until_complete(use())
            (port,) = (each for each in _ports() if each not in others)
            return port
    finally:
        asyncio._set_running_loop(running)


VERBS = ("HcsGetComputeSystemProperties", "HcsGetProcessProperties", "HcsGetServiceProperties")
RIGHT: dict[str, Callable[[World], Any]] = {
    "handle": lambda world: world.rng.choice([world.open_system, world.open_process, world.watched])(),
    "system": lambda world: world.open_system(),
    "process": lambda world: world.open_process(),
    "operation": lambda world: world.hand(operations.create_operation()),
    "operations": lambda world: [world.hand(operations.create_operation())],
    "handles": lambda world: [world.open_system(), world.open_process()],
    "items": lambda world: (world.open_system(),),
    "function": lambda world: world.rng.choice([*world.functions, *VERBS * 20]),
    "timeout": lambda world: SHORT,
    "seconds": lambda world: SHORT,
    "limit": lambda world: _calls.Limit(SHORT),
    "id": lambda world: world.rng.choice([world.id, world.new_id()]),
    "document": lambda world: world.document(),
    "parameters": lambda world: json.dumps({"CommandLine": command(DONE)}),
    "pid": lambda world: world.start.pid,
    "size": lambda world: 4,
    "resources": lambda world: (),
    "resource_type": lambda world: 1,
    "uri": lambda world: "hcs:/x",
    "value": lambda world: 5,
    "buffer": lambda world: bytearray(16),
    "data": lambda world: b"x",
    "writing": lambda world: False,
    "call": lambda world: world.call_under_way(),
    "port": lambda world: _engine.Port(),
    "name": lambda world: "emulator",
    "maker": lambda world: _native.backend,
    "hresult": lambda world: -5,
    "first": lambda world: 1,
    "calls": lambda world: 1,
    "ticket": lambda world: (1 << 64) - 1,
    "key": lambda world: (1 << 64) - 1,
    "event_type": lambda world: 1,
    "argv": lambda world: [b"true"],
    "environment": lambda world: [],
    "number": lambda world: 0,
    "rows": lambda world: 24,
    "columns": lambda world: 80,
    "raw": lambda world: 0,
    "future": lambda world: world.loop.create_future(),
}
