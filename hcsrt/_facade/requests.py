"""Requests to HCS as JSON text, and its answers."""

from __future__ import annotations

from .. import documents
from .._answers import answer as answer
from .._arguments import check_handle, check_name, check_text, path_text, values
from .._late import types
from .._library import backend
from ..documents import dumps, plain
from ..errors import HcsError, InvalidDocumentError

TYPE_CHECKING = False
if TYPE_CHECKING:
    import os
    from collections.abc import Iterable
    from typing import Any

# HCS_RESOURCE_TYPE, and the name under which the service looks for the socket of a live migration.
_SOCKET = 4
_MIGRATION_SOCKET = "hcs:/VirtualMachine/LiveMigrationSocket"
_REQUEST_TYPES = ("Add", "Remove", "Update")


def exit_document(text: str | None) -> Any:
    """Read the document of an exit; one that cannot be read is empty, because the exit itself counts more."""
    try:
        return answer(text, "an exit", dict)
    except HcsError:
        return {}


def exit_code(document: str | None) -> int | None:
    """Return the exit code in a ProcessStatus; None unless the document says that it is one."""
    status: documents.ProcessStatus = exit_document(document)
    if status.get("Exited") is not True or status.get("LastWaitResult") != 0:
        return None
    code = status.get("ExitCode")
    return code & 0xFFFFFFFF if isinstance(code, int) else None


def query_text(types: tuple[str, ...], query: documents.Given[Any] | None) -> str | None:
    """Return a PropertyQuery for blocks, or the one that was given."""
    if types and query is not None:
        raise ValueError("give property types or a query, not both")
    if not types:
        return None if query is None else dumps(query, argument="query")
    for name in types:
        check_name(name, "a property type")
    return dumps({"PropertyTypes": list(types)})


def options_text(options: documents.Given[Any] | None) -> str | None:
    return None if options is None else dumps(options, argument="options")


def migration_resources(migration_socket: int | None) -> tuple[tuple[int, str, int], ...]:
    """Return the resources of the operation of a live migration."""
    check_handle(migration_socket, "migration_socket")
    return () if migration_socket is None else ((_SOCKET, _MIGRATION_SOCKET, migration_socket),)


def save_options(path: str | os.PathLike[str] | None, save_type: str) -> str:
    """Make a SaveOptions document."""
    options: dict[str, Any] = {"SaveType": save_type}
    if path is not None:
        options["SaveStateFilePath"] = path_text(path, "path")
    return dumps(options)


def modify_request(resource_path: str, request_type: str, settings: Any, guest_request: Any) -> str:
    """Make a ModifySettingRequest."""
    check_text(resource_path, "resource_path")
    if request_type not in _REQUEST_TYPES:
        raise ValueError(f"request_type must be one of {', '.join(_REQUEST_TYPES)}, not {request_type!r}")
    request = {"ResourcePath": resource_path, "RequestType": request_type}
    for name, argument, value in (
        ("Settings", "settings", settings),
        ("GuestRequest", "guest_request", guest_request),
    ):
        if value is not None:
            request[name] = plain(value, argument)
    return dumps(request)


class advised:
    """Calls whose InvalidDocumentError gets what a check finds in the document as a hint.

    Args:
        kind: The type of the document.
        text: The document as JSON text; None if there is none.
    """

    __slots__ = ("_kind", "_text")

    def __init__(self, kind: str, text: str | None) -> None:
        self._kind = kind
        self._text = text

    def __enter__(self) -> None:
        pass

    def __exit__(
        self,
        exception_type: type[BaseException] | None,
        exception: BaseException | None,
        traceback: types.TracebackType | None,
    ) -> None:
        # The emulator tells the same findings itself.
        if isinstance(exception, InvalidDocumentError) and self._text and backend() != "emulator":
            from .advice import advise

            advise(exception, self._kind, self._text)


class Selection:
    """Compute systems with certain owners, ids and types."""

    def __init__(
        self,
        owner: str | Iterable[str] | None,
        ids: str | Iterable[str] | None,
        types: str | Iterable[str] | None,
    ) -> None:
        query: dict[str, list[str]] = {}
        self._wanted: dict[str, list[str]] = {}
        for argument, key, field, value in (
            ("owner", "Owners", "Owner", owner),
            ("ids", "Ids", "Id", ids),
            ("types", "Types", "SystemType", types),
        ):
            if value is not None:
                query[key] = self._wanted[field] = values(value, argument)
        self.query: str | None = dumps(query) if query else None

    def is_empty(self) -> bool:
        """Return whether there is nothing to ask HCS for."""
        return not all(self._wanted.values())

    def of(self, text: str | None) -> list[documents.Properties]:
        """Return the wanted systems of an answer. Microsoft does not document how HCS itself matches them."""
        found: list[documents.Properties] = answer(text, "HcsEnumerateComputeSystems", list)
        return [item for item in found if all(item.get(field) in values for field, values in self._wanted.items())]
