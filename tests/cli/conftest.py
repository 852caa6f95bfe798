"""What tests of the command line are given."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from .program import Terminal


@pytest.fixture
def terminals(tmp_path: Path) -> Iterator[Any]:
    opened: list[Terminal] = []

    def open_terminal(*args: str, **options: Any) -> Terminal:
        opened.append(Terminal(*args, folder=tmp_path, **options))
        return opened[-1]

    yield open_terminal
    for terminal in opened:
        terminal.close()
