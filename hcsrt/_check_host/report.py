"""The file of a check, which is written anew whenever something was found out."""

from __future__ import annotations

import json
import os
import sys
import time
import uuid
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

from .catalogue import Point
from .reducing import Reducer

FORMAT = 1
WRONG = ("wrong", "crashed", "hung")

Record = dict[str, Any]

_OURS = ("room", "unknown", "hcsrt", "never tried", "outcome", "fact", "name", "status")
"""The keys of texts that do not come from the host."""


class Report:
    """What a check has found out.

    Args:
        path: The file.
        asked: What the check was told.
        reducer: What leaves names and folders out.
    """

    def __init__(self, path: Path, asked: Record, reducer: Reducer) -> None:
        self.path = path
        self._reducer = reducer
        self._begun = time.monotonic()
        self._asked = asked
        self._began = datetime.now(UTC).isoformat(timespec="seconds")
        self.host: Record = {}
        self.doctor: list[Record] = []
        self.why_not: str | None = None
        self.records: dict[str, Record] = {}
        """By the names of the probes."""
        self.left_behind: list[Record] = []
        """What an earlier check had left, and what was left at the end of this one."""
        self.running: str | None = None
        """The probe that runs at the moment."""
        self.is_complete = False
        self._is_ours = False

    @property
    def wrong(self) -> list[str]:
        """The names of the probes that hcsrt has to learn from."""
        return [name for name, record in self.records.items() if record["outcome"] in WRONG]

    def as_json(self, points: Sequence[Point]) -> Record:
        tells_of_windows = self._asked["backend"] == "windows"
        rest = dict(self.records)
        told = [self._point(point, rest) for point in points]
        seen = {
            "doctor": self.doctor,
            "nothing tried because": self.why_not,
            "points": told,
            "other": rest,
            "left behind and removed": self.left_behind,
        }
        return {
            "what": "a check of a host by python -m hcsrt.check_host",
            "format": FORMAT,
            "tells of a real HCS": tells_of_windows and bool(self.host) and self.why_not is None,
            "complete": self.is_complete,
            "running": self.running,
            "began": self._began,
            "seconds": round(time.monotonic() - self._begun, 1),
            "asked": self._asked,
            "host": self.host,
            **{key: self._reduced(key, value) for key, value in seen.items()},
        }

    def _reduced(self, key: str, value: Any) -> Any:
        """Reduce what comes from the host, and neither the keys of the file nor what hcsrt says itself."""
        if key in _OURS:
            return value
        if isinstance(value, dict) and key != "seen":
            return {inner: self._reduced(inner, item) for inner, item in cast("Record", value).items()}
        if isinstance(value, list) and key != "seen":
            return [self._reduced("", item) for item in cast("list[Any]", value)]
        return self._reducer.reduced(value)

    def _point(self, point: Point, rest: dict[str, Record]) -> Record:
        told: Record = {"room": point.room, "unknown": point.unknown, "hcsrt": point.answer}
        if point.never is not None:
            return told | {"probes": {}, "never tried": point.never}
        names = [name for name in self.records if name.partition("[")[0] in point.probes]
        for name in names:
            rest.pop(name, None)
        return told | {"probes": {name: self.records[name] for name in names}}

    def write(self, points: Sequence[Point]) -> None:
        """Write the file, whole or not at all.

        Raises:
            OSError: It cannot be written. FileExistsError, if there was a file before the first time.
        """
        text = json.dumps(self.as_json(points), indent=1, ensure_ascii=False)
        if self._is_ours:
            self._write(text)
            return
        # Of all who begin at once, one has the file.
        self.path.touch(exist_ok=False)
        try:
            self._write(text)
        except BaseException:
            self.discard()
            raise
        self._is_ours = True

    def discard(self) -> None:
        """Remove the file."""
        self.path.unlink(missing_ok=True)

    def _write(self, text: str) -> None:
        new = self.path.with_name(f"hcsrt-check-host-{uuid.uuid4()}.new")
        try:
            # What HCS gives may hold half a character, which no encoding of a file has.
            with open(new, "xb") as file:
                file.write(text.encode("utf-8", "backslashreplace") + b"\n")
                file.flush()
                # The next probe may take the host down.
                os.fsync(file.fileno())
            self._replace_by(new)
        finally:
            new.unlink(missing_ok=True)

    def _replace_by(self, new: Path) -> None:
        try:
            os.replace(new, self.path)
        except PermissionError:
            if sys.platform != "win32":
                raise
            # Somebody reads it at the moment, such as a virus scanner; the next time comes soon.
            time.sleep(0.2)
            os.replace(new, self.path)
