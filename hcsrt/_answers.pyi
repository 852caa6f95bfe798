from typing import Any

def answer(text: str | None, operation: str, kind: type[Any]) -> Any:
    """Read what HCS answered, an object or an array; no document at all is an empty one.

    Whoever calls this knows which document it is, and whether HCS keeps to it nobody checks: what newer versions of
    HCS tell stays in it.
    """
