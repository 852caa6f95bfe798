"""The entry point of the command line, which needs more than the core does."""

import os
import sys
from contextlib import suppress


def main() -> int:
    """Run the command line and return its exit code; 1 where the extra ``cli`` is not installed."""
    try:
        from hcsrt import cli

        cli.main()
    except ModuleNotFoundError as error:
        missing = (error.name or "").partition(".")[0]
        if missing not in ("click", "rich"):
            raise
        # Past sys.stderr, which might be broken and would then decide the exit code.
        with suppress(OSError):
            os.write(2, f"hcsrt: the command line needs {missing}: pip install 'hcsrt[cli]'\n".encode())
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
