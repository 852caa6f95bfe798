"""Where the project is found, as the metadata of the installed package tells: for hints that name it."""

from __future__ import annotations


def address(label: str) -> str | None:
    """Return a URL of the installed package, None if nobody has given it one.

    Args:
        label: "Documentation", "Repository", "Issues" or "Changelog".
    """
    from importlib import metadata  # it takes longer to import than all of hcsrt

    try:
        urls = metadata.metadata("hcsrt").get_all("Project-URL") or ()
    except metadata.PackageNotFoundError:  # sources on the path that nobody has installed
        return None
    return next((url for name, _, url in (entry.partition(", ") for entry in urls) if name == label), None)


def page_of_error(symbol: str | None) -> str | None:
    """Return the URL of what the site says of an error code, None without a site.

    Args:
        symbol: Any symbol of the code; None for the page of all codes.
    """
    site = address("Documentation")
    place = f"#{symbol.lower().replace('_', '-')}" if symbol else ""
    return f"{site}/reference/errors.html{place}" if site else None


def report_to() -> str:
    """Return whom to tell of what only the authors can mend, as the end of a sentence."""
    issues = address("Issues")
    return f"the authors of hcsrt, at {issues}" if issues else "the authors of hcsrt"
