from typing import final

@final
class Function:
    """A row of the table."""

    @property
    def name(self) -> str: ...

def in_namespace(function: str, namespace: str | None) -> str:
    """Return the function of HCS that does this, in a namespace if there is one."""

def since(function: str) -> str:
    """Return the Windows version that first has a function of HCS."""

def missing_functions() -> dict[str, str]:
    """Return the functions that the HCS of this process lacks, each with the Windows version that first has it."""
