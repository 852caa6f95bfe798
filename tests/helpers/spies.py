"""Functions of a test's own in the table of HCS, which look at what they are called with."""

import ctypes
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from hcsrt import _interpose
from hcsrt._check_host.raw_hcs import TableInUse, read


@contextmanager
def in_place(functions: dict[str, Callable[..., Any]]) -> Iterator[None]:
    """Let HCS have these functions."""
    with _interpose.counting():
        table = TableInUse()
        before = list(table.pointers)
        thunks = []
        for index, (name, (result, types)) in enumerate(table.prototypes.items()):
            if name in functions:
                thunks.append(ctypes.CFUNCTYPE(result, *types)(functions[name]))
                table.pointers[index] = ctypes.cast(thunks[-1], ctypes.c_void_p).value
        try:
            yield
        finally:
            for index, pointer in enumerate(before):
                table.pointers[index] = pointer


@contextmanager
def documents_of(function: str, place: int) -> Iterator[list[Any]]:
    """Yield a list of what HCS gets as an argument of a function, which is at that place from 0: documents, or None."""
    documents: list[Any] = []
    with _interpose.counting():
        passed_on = getattr(TableInUse(), function)

        def look(*arguments: Any) -> Any:
            text = arguments[place]
            documents.append(None if text is None else json.loads(read(text)))
            return passed_on(*arguments)

        with in_place({function: look}):
            yield documents
