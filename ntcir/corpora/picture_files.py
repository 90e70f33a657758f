"""Where the pictures of a captioned collection are, which its files know by name only."""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping, Sequence
from pathlib import Path, PurePosixPath

from ntcir.corpora.photographs import ENDINGS, files_under, is_file
from ntcir.system.errors import UserError

# The folders that pictures are published in; the first spelling of Flickr8k's is the published one.
FOLDERS = ("images", "Flicker8k_Dataset", "Flickr8k_Dataset", "flickr30k-images", "")
ABSENT = "caption whose picture is not on disk (data.pictures may name one more folder to look in)"
SEVERAL = "caption whose picture may be either of several files of its name"


def file_name(written: object) -> str | None:
    """Return the name of a picture's file without folders; None if that is not one."""
    if not isinstance(written, str):
        return None
    name = written.replace("\\", "/").rpartition("/")[2].strip()
    try:
        name.encode()
    except UnicodeEncodeError:  # halves of characters, which JSON can hold
        return None
    return None if name in ("", ".", "..") or "\0" in name else name


def find_pictures(
    root: Path, folders: Mapping[str, str], pictures: Path | None
) -> tuple[dict[str, str], dict[str, str]]:
    """Find pictures by their file names.

    They are looked for in the folder that the collection's files give, in the usual ones, and in ``pictures``; then
    anywhere below these two. Nothing outside of them is found; links in them are followed.

    Args:
        root: the corpus folder.
        folders: file name -> the folder, relative to the root, in which the collection's files say it is, or empty.
        pictures: one more folder to look in.

    Returns:
        name -> absolute path, and name -> why there is none, for all others.

    Raises:
        UserError: if ``pictures`` is no folder, or the disk cannot be read.
    """
    if pictures is not None and not pictures.is_dir():
        raise UserError(f"data.pictures = {pictures} is not a folder.")
    places = [root] if pictures is None else [root, pictures]
    try:
        found = dict(_in_usual_places(places, folders))
        problems: dict[str, str] = {}
        missing = [name for name in folders if name not in found]
        if missing:
            problems = dict.fromkeys(missing, ABSENT)
            for name, files in _anywhere(places, missing).items():
                if len(files) == 1:
                    found[name] = files[0]
                    del problems[name]
                else:
                    problems[name] = SEVERAL
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise UserError(f"{error.filename or root} cannot be searched for pictures: {reason}.") from error
    return found, problems


def other_pictures(root: Path, names: Container[str]) -> list[str]:
    """Return the pictures of other names in the corpus's own folders of pictures, relative to the root."""
    own = [folder for folder in FOLDERS if folder and (root / folder).is_dir()]
    return [
        f"{folder}/{file}"
        for folder in own
        for file in sorted(files_under(root / folder))
        if file.lower().endswith(ENDINGS) and file.rpartition("/")[2] not in names
    ]


def _in_usual_places(places: Sequence[Path], folders: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Yield name and path of each picture that is where one would look for it."""
    given: dict[str, list[Path]] = {}  # the folder that a collection gives -> where that may be
    usual = [place / folder for place in places for folder in FOLDERS if (place / folder).is_dir()]
    for name, folder in folders.items():
        if folder not in given:
            given[folder] = [*_given(places, folder), *usual]
        for place in given[folder]:
            if is_file(place, name):
                yield name, str((place / name).absolute())
                break


def _given(places: Sequence[Path], folder: str) -> list[Path]:
    """Return the folders of that name in which pictures may be; one that leads out is none."""
    path = PurePosixPath(folder.replace("\\", "/"))
    if not folder or "\0" in folder or path.is_absolute() or ".." in path.parts:
        return []
    candidates = [within / path for place in places for within in (place, place / "images")]
    return [candidate for candidate in candidates if _is_folder(candidate)]


def _is_folder(path: Path) -> bool:
    try:
        return path.is_dir()
    except OSError:  # such as a name that is too long to be one
        return False


def _anywhere(places: Sequence[Path], names: Sequence[str]) -> dict[str, list[str]]:
    """Return where files of these names are below the places: name -> absolute paths, those of the first place."""
    found: dict[str, list[str]] = {}
    wanted = set(names)
    for place in places:
        here: dict[str, list[str]] = {}
        for file in files_under(place):
            name = file.rpartition("/")[2]
            if name in wanted:
                here.setdefault(name, []).append(str((place / file).absolute()))
        found |= here
        wanted -= here.keys()
    return found
