"""The entry point of the command line, which needs more than the core does."""

import sys


def main() -> int:
    """Run the command line and return its exit code; 1 where the extra ``cli`` is not installed."""
    try:
        from hcsrt import cli

        cli.main()
    except ModuleNotFoundError as error:
        missing = (error.name or "").partition(".")[0]
        if missing not in ("click", "rich"):
            raise
        print(f"hcsrt: the command line needs {missing}: pip install 'hcsrt[cli]'", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
