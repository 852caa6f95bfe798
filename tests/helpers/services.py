"""The service of the emulator, stopped in the middle of its work by what Python has for it."""

import json
import threading
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

from hcsrt import _calls, emulator

PATIENCE = 60.0
DOCUMENT = json.dumps(emulator.container_document("tests"))


@contextmanager
def on_its_thread(function: Callable[[], Any]) -> Iterator[None]:
    """Call a function where the service asks Python for the runtime id of a compute system that it creates."""
    made = uuid.UUID

    def called(*arguments: Any, **named: Any) -> uuid.UUID:
        if threading.current_thread().name == "hcsrt-emulator":
            function()
        return made(*arguments, **named)

    with patch.object(uuid, "UUID", called):
        yield


@contextmanager
def busy() -> Iterator[threading.Event]:
    """Keep the service busy until the event is set or the block ends: it takes calls meanwhile, and answers none."""
    begun, gate = threading.Event(), threading.Event()

    def wait() -> None:
        begun.set()
        gate.wait(PATIENCE)

    with ThreadPoolExecutor(1) as pool, on_its_thread(wait):
        creating = pool.submit(_calls.create_system, "busy", DOCUMENT)
        try:
            assert begun.wait(PATIENCE)
            yield gate
        finally:
            gate.set()
            with creating.result(PATIENCE) as system:
                _calls.call(system, "HcsTerminateComputeSystem")
