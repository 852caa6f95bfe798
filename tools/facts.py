"""Make the generated tables of hcsrt, and compare all tables with the facts folder.

    python tools/facts.py write                   makes what comes from other files of the repository
    python tools/facts.py take [--shared DIR]     takes what comes from the facts folder, then writes
    python tools/facts.py check [--shared DIR]    exit code 1 and the differences, where a file is not as written or a
                                                  table departs from the facts

DIR is the folder with constants.json and functions.json (default: ../shared/hcs beside the repository);
where there is none, check compares only what is written.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import assumptions
import error_codes
import functions
import points

REPOSITORY = Path(__file__).resolve().parents[1]
HRESULTS = "tests/data/hresults.json"
SYMBOLS = "hcsrt/_hresults.py"
EVENT_TYPES = "hcsrt/_event_types.py"
RESULTS_H = "hcsrt/native/core/results.h"

# HRESULTs that hcsrt meets although constants.json does not list them. Some are second names.
MORE_HRESULTS = {
    "S_OK": 0x00000000,
    "ERROR_SUCCESS": 0x00000000,
    "E_NOINTERFACE": 0x80004002,
    "E_POINTER": 0x80004003,
    "E_ABORT": 0x80004004,
    "E_FAIL": 0x80004005,
    "E_UNEXPECTED": 0x8000FFFF,
    "ERROR_FILE_NOT_FOUND": 0x80070002,
    "ERROR_PATH_NOT_FOUND": 0x80070003,
    "ERROR_TOO_MANY_OPEN_FILES": 0x80070004,
    "E_ACCESSDENIED": 0x80070005,
    "E_HANDLE": 0x80070006,
    "E_OUTOFMEMORY": 0x8007000E,
    "ERROR_OUTOFMEMORY": 0x8007000E,
    "ERROR_SHARING_VIOLATION": 0x80070020,
    "ERROR_FILE_EXISTS": 0x80070050,
    "ERROR_INVALID_PARAMETER": 0x80070057,
    "ERROR_BROKEN_PIPE": 0x8007006D,
    "ERROR_MOD_NOT_FOUND": 0x8007007E,
    "ERROR_ALREADY_EXISTS": 0x800700B7,
    "ERROR_BAD_EXE_FORMAT": 0x800700C1,
    "ERROR_FILENAME_EXCED_RANGE": 0x800700CE,
    "WAIT_TIMEOUT": 0x80070102,
    "ERROR_DIRECTORY": 0x8007010B,
    "ERROR_SERVICE_DISABLED": 0x80070422,
    "ERROR_SERVICE_DOES_NOT_EXIST": 0x80070424,
    "ERROR_NO_SYSTEM_RESOURCES": 0x800705AA,
    "RPC_S_SERVER_UNAVAILABLE": 0x800706BA,
    "RPC_S_CALL_FAILED": 0x800706BE,
    "RPC_S_CALL_FAILED_DNE": 0x800706BF,
    "HCS_E_SYSTEM_NOT_CONFIGURED_FOR_OPERATION": 0x80370120,
    "HCS_E_OPERATION_ALREADY_CANCELLED": 0x80370121,
}

FROM_WIN32 = '''

def from_win32(number: int) -> int:
    """Return the HRESULT of an error number of Windows."""
    return 0x80070000 | number
'''

# How native/backends/functions.h writes the types of functions.json.
C_TYPES = {
    "DWORD": "uint32_t",
    "HANDLE": "hcsrt_handle",
    "HCS_EVENT_CALLBACK": "hcsrt_event_callback",
    "HCS_EVENT_OPTIONS": "uint32_t",
    "HCS_OPERATION": "hcsrt_operation",
    "HCS_OPERATION_COMPLETION": "hcsrt_operation_completion",
    "HCS_OPERATION_TYPE": "int32_t",
    "HCS_PROCESS": "hcsrt_process",
    "HCS_PROCESS*": "hcsrt_process *",
    "HCS_PROCESS_INFORMATION*": "hcsrt_process_information *",
    "HCS_RESOURCE_TYPE": "uint32_t",
    "HCS_SYSTEM": "hcsrt_system",
    "HCS_SYSTEM*": "hcsrt_system *",
    "HRESULT": "hcsrt_result",
    "PCWSTR": "const hcsrt_char *",
    "PCWSTR*": "hcsrt_char **",
    "PWSTR*": "hcsrt_char **",
    "UINT64": "uint64_t",
    "const HCS_CREATE_OPTIONS*": "const hcsrt_create_options *",
    "const SECURITY_DESCRIPTOR*": "const void *",
    "const void*": "const void *",
    "void": "void",
    "void*": "void *",
}


def read(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


def hresults(constants: Any) -> dict[str, int]:
    """Return the name and the unsigned value of every HRESULT of constants.json."""
    found: dict[str, int] = {}
    for family in constants["hresults"].values():
        for entry in family:
            # Some rows of the family "related" have a Win32 name in a sentence, and the Win32 number.
            name = re.search(r"\b(?:E|EPT|ERROR|GCN|HCN|HCS|RPC)_\w+", entry["name"])
            if name is None:
                raise SystemExit(f"constants.json: no symbol in {entry['name']!r}")
            value = entry["value"]
            found[name[0]] = value if value > 0xFFFF else 0x80070000 | value
    return found


def symbols_text(codes: dict[str, int]) -> str:
    """Return a module of constants, by value. Of the names of one value the first is its symbol in messages."""
    rows = sorted(codes.items(), key=lambda row: (row[1], not row[0].startswith(("S_", "E_"))))
    title = '# `tools/facts.py write` makes this file.\n"""The HRESULTs that hcsrt knows, by symbol."""'
    return f"{title}\n\n" + "".join(f"{name} = 0x{value:08X}\n" for name, value in rows) + FROM_WIN32


def event_types() -> dict[str, int]:
    """Return HCS_EVENT_TYPE, by the names of native code without the HCSRT_EVENT_ before them."""
    rows = re.findall(r'^    "(\w+)": (0x\w+),$', (REPOSITORY / EVENT_TYPES).read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).upper(): int(number, 16) for name, number in rows}


def results_text() -> str:
    """Return the header with the numbers of the event types that it names."""
    numbers = event_types()

    def row(match: re.Match[str]) -> str:
        return f"{match[1]}0x{numbers[match[2]]:08X}"

    text = (REPOSITORY / RESULTS_H).read_text(encoding="utf-8")
    return re.sub(r"\b(HCSRT_EVENT_(\w+) = )0x[0-9A-Fa-f]+", row, text)


def written() -> dict[str, str]:
    """Return the text of each file that is made from others of the repository, by its path there."""
    return {
        SYMBOLS: symbols_text(read(REPOSITORY / HRESULTS) | MORE_HRESULTS),
        RESULTS_H: results_text(),
        **assumptions.generated(),
        **functions.generated(),
        **points.generated(),
    }


def taken(shared: Path) -> dict[str, str]:
    """Return the text of each file that is made from the facts, by its path in the repository."""
    codes = hresults(read(shared / "constants.json"))
    return {HRESULTS: json.dumps(codes, indent=1) + "\n"}


def function_differences(shared: Path) -> Iterator[str]:
    yield from functions.differences(read(shared / "functions.json"), C_TYPES)


def file_differences(files: dict[str, str], job: str) -> Iterator[str]:
    for path, text in files.items():
        file = REPOSITORY / path
        if not file.exists() or file.read_text(encoding="utf-8") != text:
            yield f"{path}: not what `tools/facts.py {job}` makes"


def put(files: dict[str, str]) -> None:
    for path, text in files.items():
        (REPOSITORY / path).write_text(text, encoding="utf-8", newline="\n")
        print(path)


def write(_: Path) -> int:
    put(written())
    # Of what has just been written.
    put(error_codes.generated())
    return 0


def take(shared: Path) -> int:
    put(taken(shared))
    return write(shared)


def check(shared: Path) -> int:
    differences = [*file_differences(written() | error_codes.generated(), "write")]
    if shared.is_dir():
        differences += [*file_differences(taken(shared), "take"), *function_differences(shared)]
    for difference in differences:
        print(difference, file=sys.stderr)
    return 1 if differences else 0


def main() -> int:
    parser = argparse.ArgumentParser(description="Make the tables of hcsrt, or check them.")
    jobs = {"write": write, "take": take, "check": check}
    parser.add_argument("job", choices=jobs)
    parser.add_argument("--shared", type=Path, default=REPOSITORY.parent / "shared" / "hcs", metavar="DIR")
    arguments = parser.parse_args()
    return jobs[arguments.job](arguments.shared)


if __name__ == "__main__":
    sys.exit(main())
