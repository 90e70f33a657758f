"""A trained model as a folder that ``docker build`` takes as it is, with all that it needs inside."""

from __future__ import annotations

import json
import platform
from collections.abc import Mapping, Sequence
from importlib import metadata
from pathlib import Path

from ntcir import __version__
from ntcir.config import Config
from ntcir.config.places import OPEN_CLIP, OPEN_CLIP_FOLDER, handed_on
from ntcir.formats.official import check_ids
from ntcir.model.hubness import settle_bias
from ntcir.model.model import Model
from ntcir.model.trained import is_finished
from ntcir.submission.accepted import photographs, readings
from ntcir.submission.accepted import self_contained as networks_inside
from ntcir.submission.example import write_example
from ntcir.submission.rehearsal import rehearse
from ntcir.submission.requirements import closure, installed_bytes, pins, roots_of, torch_pins
from ntcir.submission.sums import SUMS, write_sums
from ntcir.submission.wheel import write_wheel
from ntcir.submission.write import LOCATION_COLUMNS, SENSOR_COLUMNS
from ntcir.system.claims import claimed_name
from ntcir.system.errors import UserError, some
from ntcir.system.files import atomic_write, disk_errors
from ntcir.system.interruption import deferred
from ntcir.system.plain_json import parse_object
from ntcir.system.progress import say
from ntcir.system.regular import read_regular
from ntcir.system.temporaries import TemporaryFolder, abandoned

LIMIT = 10 * 2**30  # bytes, gzipped: the organisers' rule
BASE = 150 * 10**6  # bytes of the image that ours is built on, about
MARK = "bundle.json"  # in every bundle: what is in it, and that the folder may be replaced by a newer one
_BOX = Path(__file__).parent / "box"
_MADE_BY = "ntcir bundle"
_EARLIER = "earlier"  # in the temporary folder of a new bundle: the one that it replaces


def make_bundle(model: Path, out: Path, *, group: str, run: str, rehearsal: bool = True) -> list[str]:
    """Make ``out/GROUP-RUN``, replacing an earlier bundle of that name, and rehearse it.

    Args:
        model: a folder that ``ntcir train`` wrote.
        out: made if it is not there.
        group: the group id.
        run: the run id.
        rehearsal: whether to try the bundle before it is left there.

    Returns:
        What was made and what to type next, in lines.

    Raises:
        UserError: if an id is not valid, another command makes the same bundle, there is no model, its networks cannot
            be loaded, the folder holds something else, there is no room, the image would be too large, or the rehearsal
            fails. Then nothing is left behind, and an earlier bundle stays.
    """
    check_ids(group, run)
    target = out / f"{group}-{run}"
    with claimed_name(target, "choose another --out or --run"):
        return _make(target, model, group, run, rehearsal)


def _make(target: Path, model: Path, group: str, run: str, rehearsal: bool) -> list[str]:
    with disk_errors(target):
        _recover(target)
    _check_place(target)
    trained = Model.load(model)
    if not is_finished(model):
        say(f"WARNING: the training in {model} was interrupted; its best model so far is bundled.")
    settle_bias(trained, model)
    if not trained.config.hubness.beta:
        trained.training_queries = {}  # predicting has no other bias than the model's: what it does not ask stays here
    filled = self_contained(trained)
    if others := [name for name in readings(filled).names if name not in {*SENSOR_COLUMNS, *LOCATION_COLUMNS}]:
        say(f"WARNING: the model needs readings that the organisers' input does not have: {some(others)}.")
    _check_size(sum(value.nbytes for value in filled.state().values()))
    _check_networks(filled.config)
    roots = roots_of(filled.config)
    needed = closure(roots)
    with disk_errors(target), TemporaryFolder(f".{target.name}.", target.parent) as room:
        folder = room / target.name
        folder.mkdir()
        _fill(folder, filled, needed, group, run)
        tried = "NOT REHEARSED (--no-rehearsal): test it before you hand it in"
        if rehearsal:
            say(f"Rehearsing {target}: running its submission.sh on a small input in a clean environment")
            cut = rehearse(folder, model, group, run, roots)
            tried = (
                "rehearsed without network" if cut else "rehearsed, but WITH network access: it cannot be cut off here"
            )
        size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
        _replace(target, folder, room / _EARLIER)
    return [f"{target}: {_amount(size)}, {tried}.", _image_size(size, needed), *_commands(target, group, run)]


def self_contained(model: Model) -> Model:
    """Make a loaded model one that needs nothing else: its networks inside, no path of this machine in its settings.

    Raises:
        UserError: if the networks cannot be loaded, or are not those the model was trained with.
    """
    networks_inside(model)
    model.forget_instances()
    model.config = portable(model.config)
    return model


def portable(config: Config) -> Config:
    """Return a copy without paths of this machine: no corpus, files by their names alone, the usual stores."""
    return config.changed({**handed_on(config), "data.outside": False})


def _check_place(target: Path) -> None:
    """Refuse a folder that is neither empty nor an earlier bundle."""
    if not target.exists():
        return
    try:
        ours = parse_object(read_regular(target / MARK))["made_by"] == _MADE_BY
    except (OSError, ValueError, LookupError, TypeError):
        ours = target.is_dir() and not any(target.iterdir())
    if not ours:
        raise UserError(f"{target} is not an earlier bundle: remove it, or choose another place with --out.")
    kept = {MARK, SUMS, "model", "example", "requirements.txt", "torch-requirements.txt"}
    kept |= set(map(_box_name, _BOX.iterdir()))
    others = [path.name for path in sorted(target.iterdir()) if path.name not in kept and path.suffix != ".whl"]
    if others:
        raise UserError(f"{target} holds {some(others)} besides an earlier bundle: move that away first.")


def _check_size(weights: int) -> None:
    if weights > LIMIT:
        raise UserError(
            f"The model's weights alone take {_amount(weights)}, and an image may have at most {_amount(LIMIT)} "
            "gzipped: train with fewer or smaller networks."
        )


def _check_networks(config: Config) -> None:
    """Refuse a network whose settings lie in a folder of this machine."""
    for backbone in config.features.backbones:
        if backbone.arch.startswith(OPEN_CLIP_FOLDER):
            raise UserError(
                f"The image network {backbone.arch} has its settings in a folder, which the image would lack: train "
                f"with a model that open_clip knows by name ({OPEN_CLIP}NAME)."
            )


def _fill(folder: Path, model: Model, needed: Sequence[metadata.Distribution], group: str, run: str) -> None:
    """Write everything except the rehearsal's answer."""
    model.save(folder / "model")
    wheel = write_wheel(folder)
    atomic_write(folder / "requirements.txt", pins(needed))
    atomic_write(folder / "torch-requirements.txt", torch_pins(needed))
    write_example(folder / "example" / "input.json", readings(model))
    words = {
        "GROUP": group, "RUN": run, "WHEEL": wheel.name, "VERSION": __version__, "IMAGE": _image(group, run),
        "PYTHON": ".".join(platform.python_version_tuple()[:2]),
    }  # fmt: skip
    for template in sorted(_BOX.iterdir()):
        if template.is_file():
            atomic_write(folder / _box_name(template), _spelled(template.read_text(encoding="utf-8"), words))
    for script in ("submission.sh", "entrypoint.sh"):
        (folder / script).chmod(0o755)
    _readable_by_all(folder / "model")
    facts = {
        "made_by": _MADE_BY, "ntcir": __version__, "group": group, "run": run, "name": model.config.name,
        "fingerprints": photographs(model).fingerprints, "python": words["PYTHON"], "torch": metadata.version("torch"),
    }  # fmt: skip
    atomic_write(folder / MARK, json.dumps(facts, indent=1) + "\n")
    write_sums(folder)


def _readable_by_all(folder: Path) -> None:
    """Let others read a folder, whatever the umask: an image keeps the modes, and may run as any user."""
    folder.chmod(folder.stat().st_mode | 0o555)
    for path in folder.iterdir():
        path.chmod(path.stat().st_mode | 0o444)


def _box_name(template: Path) -> str:
    """Return the name in the bundle; packages leave out what is hidden."""
    return ".dockerignore" if template.name == "dockerignore" else template.name


def _spelled(text: str, words: Mapping[str, str]) -> str:
    for name, word in words.items():
        text = text.replace(f"@{name}@", word)
    return text


def _replace(target: Path, folder: Path, aside: Path) -> None:
    """Put a folder in the place of another, which goes aside; if that fails, it comes back.

    Ctrl-C waits until it is done. What only ``kill -9`` can leave aside is brought back by ``_recover``.
    """
    with deferred():
        try:
            if target.exists():
                target.rename(aside)
            folder.rename(target)
        except BaseException:
            if aside.exists() and not target.exists():
                aside.rename(target)
            raise


def _recover(target: Path) -> None:
    """Bring back an earlier bundle that a command had put aside when it was killed."""
    for room, claim in abandoned(f".{target.name}.", target.parent):
        aside = room / _EARLIER
        if aside.is_dir() and not target.exists():
            aside.rename(target)
            say(f"{target}: the earlier bundle, which a killed command had set aside as {aside}, has been restored.")
        claim.give()


def _image(group: str, run: str) -> str:
    """Return the image's name; Docker knows no capitals."""
    return f"{group}-{run}".lower()


def _image_size(bundle: int, needed: Sequence[metadata.Distribution]) -> str:
    """Return a sentence about the image's size, from what is installed here."""
    installed, torch = installed_bytes(needed)
    rest, whole = BASE + bundle + installed - torch, BASE + bundle + installed
    warning = (
        ""
        if whole <= LIMIT
        else f" WARNING: with that torch, the gzipped image may exceed the {_amount(LIMIT)} allowed."
    )
    return (
        f"The image: about {_amount(rest)} before gzip, plus torch, which takes {_amount(torch)} here; the CPU "
        f"build, which the Dockerfile installs by default, is far smaller than one with CUDA.{warning}"
    )


def _amount(size: int) -> str:
    return f"{size / 2**30:.2f} GiB" if size >= 2**30 else f"{size / 2**20:.1f} MiB"


def _commands(target: Path, group: str, run: str) -> list[str]:
    image = _image(group, run)
    return [
        f"  docker build -t {image} {target}",
        f'  docker run --rm -v "<folder>:/app/" {image} bash ./submission.sh input/<input>.json output/<output>.csv',
        f"  docker save {image} | gzip > {group}-{run}-run.tar.gz",
    ]
