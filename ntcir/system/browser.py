"""The user's browser."""

from __future__ import annotations

from ntcir.system.progress import say


def open_address(address: str, what: str) -> None:
    """Open an address in the browser; where there is none, that is said.

    Args:
        address: of a page or a picture.
        what: it is, for a person who opens it without our help.
    """
    import webbrowser

    try:
        opened = webbrowser.open(address)
    except (OSError, webbrowser.Error, ValueError):
        opened = False
    if not opened:
        say(f"WARNING: no browser could be opened: open {what} yourself.")
