#!/usr/bin/env python3
"""Check that the modules in Windows wheels need no DLL but those of Windows and of CPython.

    python tools/windows/check_imports.py dist/*win*.whl

Needs pefile.
"""

import re
import sys
import zipfile
from pathlib import Path

import pefile

# Of Windows; the API sets are names for parts of it.
WINDOWS = re.compile(r"(kernel32|ntdll|advapi32|msvcrt|ole32|shell32|ws2_32|bcrypt)\.dll|api-ms-win-[\w-]+\.dll")
# Beside every python.exe.
RUNTIME = re.compile(r"vcruntime140(_1)?\.dll")


def imports(wheel: Path) -> dict[str, set[str]]:
    """Return the DLLs that each module of a wheel needs."""
    found: dict[str, set[str]] = {}
    with zipfile.ZipFile(wheel) as archive:
        for name in archive.namelist():
            if name.endswith((".pyd", ".dll")):
                with pefile.PE(data=archive.read(name)) as module:
                    entries = [
                        *getattr(module, "DIRECTORY_ENTRY_IMPORT", ()),
                        *getattr(module, "DIRECTORY_ENTRY_DELAY_IMPORT", ()),
                    ]
                    found[name] = {entry.dll.decode().lower() for entry in entries}
    return found


def strangers(wheel: Path) -> list[str]:
    """Return a line for each DLL that some machine with the CPython of the wheel may not have."""
    abi = wheel.stem.split("-")[3]
    python = f"python{abi.removeprefix('cp')}.dll"
    found = imports(wheel)
    if not found:
        return [f"{wheel.name}: no compiled modules"]
    lines = [f"{wheel.name}: {module} does not import {python}" for module in found if python not in found[module]]
    for module, needed in found.items():
        for name in sorted(needed - {python}):
            if not WINDOWS.fullmatch(name) and not RUNTIME.fullmatch(name):
                lines.append(f"{wheel.name}: {module} needs {name}")
    return lines


def main() -> int:
    wheels = [Path(name) for name in sys.argv[1:]]
    lines = [line for wheel in wheels for line in strangers(wheel)]
    if lines or not wheels:
        print("\n".join(lines) or "no wheels", file=sys.stderr)
        return 1
    for wheel in wheels:
        print(f"{wheel.name}: imports {', '.join(sorted(set().union(*imports(wheel).values())))}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
