from typing import final

@final
class Function:
    """A row of the table."""

    @property
    def name(self) -> str: ...

def since(function: str) -> str:
    """Return the Windows version that first has a function of HCS."""

def missing_functions() -> dict[str, str]:
    """Return the functions that the HCS of this process lacks, each with the Windows version that first has it."""
