"""The image's folders in a copy: what a container shows of them, where the organisers mount theirs."""

from __future__ import annotations

import shutil
from pathlib import Path

INPUT, OUTPUT = Path("input") / "input.json", Path("output") / "scores.csv"
SCRIPT = "submission.sh"

Listing = set[tuple[str, int, int]]


class ImageLayout:
    """A tree with the working folder and the home of the image, and the model elsewhere.

    Args:
        root: made if it is not there.
        bundle: what the image is built from; its model stays where it is, which is not beside the scripts.
        covered: whether one folder is mounted over all of the working folder, so that no script is there.

    Attributes:
        app: the working folder, with ``input`` and ``output`` of the organisers.
        variables: of the environment, as the Dockerfile sets them.
    """

    def __init__(self, root: Path, bundle: Path, covered: bool) -> None:
        self.app, home = root / "app", root / "home"
        for folder in (self.app / INPUT.parent, self.app / OUTPUT.parent, home):
            folder.mkdir(parents=True)
        shutil.copy(bundle / SCRIPT, home)
        if not covered:
            shutil.copy(bundle / SCRIPT, self.app)
        self._root, self._home, self._covered = root, home, covered
        self.variables = {
            "HOME": str(home),
            "XDG_CACHE_HOME": f"{root}-cache",  # outside: what libraries keep is no business of the submission's
            "NTCIR_MODEL": str((bundle / "model").absolute()),
        }

    @property
    def command(self) -> list[str]:
        """The organisers' command for this input and output."""
        return ["bash", f"{self._home}/{SCRIPT}" if self._covered else f"./{SCRIPT}", str(INPUT), str(OUTPUT)]

    def listing(self) -> Listing:
        """Return what lies in the tree, but for the output."""
        return {entry for entry in listing(self._root) if self._root / entry[0] != self.app / OUTPUT}


def listing(folder: Path) -> Listing:
    """Return what lies in a folder: names, and the sizes and times of files."""
    found = set()
    for path in folder.rglob("*"):
        state = path.stat()
        facts = (0, 0) if path.is_dir() else (state.st_size, state.st_mtime_ns)  # a folder's are its contents'
        found.add((str(path.relative_to(folder)), *facts))
    return found
