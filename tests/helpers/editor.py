"""An editor with the help of pyright: what its language server offers while somebody types."""

import json
import subprocess
from itertools import count
from pathlib import Path
from types import TracebackType
from typing import Any

CURSOR = "▌"


class Editor:
    """One session with the language server; the files are in memory only."""

    def __init__(self, command: list[str], folder: Path) -> None:
        """Start the server.

        Args:
            command: pyright-langserver with its arguments.
            folder: The folder that is open in the editor. Settings are those of a pyrightconfig.json in it.
        """
        self._folder = folder
        self._process = subprocess.Popen(command, cwd=folder, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self._numbers = count(1)
        self._names = count(1)
        plain = ["plaintext"]
        capabilities = {
            "hover": {"contentFormat": plain},
            "completion": {"completionItem": {"documentationFormat": plain}},
        }
        uri = folder.as_uri()
        self._ask(
            "initialize",
            {
                "processId": None,
                "rootUri": uri,
                "workspaceFolders": [{"uri": uri, "name": folder.name}],
                "capabilities": {"textDocument": capabilities},
            },
        )
        self._send({"method": "initialized", "params": {}})

    def __enter__(self) -> "Editor":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self._ask("shutdown", None)
            self._send({"method": "exit"})
        else:
            self._process.kill()
        self._process.communicate(timeout=60)

    def complete(self, text: str) -> list[tuple[str, str]]:
        """Return what is offered where the text has a cursor: names, and what each is."""
        found = self._ask("textDocument/completion", self._open(text))
        items = sorted(found["items"], key=lambda item: item.get("sortText", item["label"]))
        return [(item["label"], item.get("detail", "")) for item in items]

    def hover(self, text: str) -> str:
        """Return what is shown for the word that the text has a cursor in."""
        return self._ask("textDocument/hover", self._open(text))["contents"]["value"]

    def _open(self, text: str) -> Any:
        """Open a text without its cursor, and return where that was."""
        before, cursor, after = text.partition(CURSOR)
        assert cursor, text
        uri = (self._folder / f"typed{next(self._names)}.py").as_uri()
        document = {"uri": uri, "languageId": "python", "version": 1, "text": before + after}
        self._send({"method": "textDocument/didOpen", "params": {"textDocument": document}})
        line = before.count("\n")
        return {
            "textDocument": {"uri": uri},
            "position": {"line": line, "character": len(before) - before.rfind("\n") - 1},
        }

    def _ask(self, method: str, params: Any) -> Any:
        number = next(self._numbers)
        self._send({"id": number, "method": method, "params": params})
        while True:
            message = self._read()
            if "method" not in message:
                assert message["id"] == number
                assert "error" not in message, message["error"]
                return message["result"]
            if "id" in message:
                # A setting for each that it asks for, of which there is none.
                settings = [None] * len(message["params"]["items"]) if "items" in message["params"] else None
                self._send({"id": message["id"], "result": settings})

    def _send(self, message: dict[str, Any]) -> None:
        data = json.dumps({"jsonrpc": "2.0", **message}).encode()
        assert self._process.stdin
        self._process.stdin.write(b"Content-Length: %d\r\n\r\n%b" % (len(data), data))
        self._process.stdin.flush()

    def _read(self) -> Any:
        assert self._process.stdout
        length = 0
        while line := self._process.stdout.readline().strip():
            name, _, value = line.partition(b":")
            if name.lower() == b"content-length":
                length = int(value)
        assert length, "the language server has ended"
        return json.loads(self._process.stdout.read(length))
