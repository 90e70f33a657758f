"""What comes with data or a model is no word of the user's: it chooses no pictures and no folders of this machine."""

from __future__ import annotations

from pathlib import Path

import pytest
from helpers import command_line, one_thread, write_pictures  # noqa: F401
from PIL import Image

from ntcir.config import Config, load_config

pytestmark = pytest.mark.usefixtures("one_thread")
PER_SESSION = 6
ALLOWED = ("--set", "data.outside=true")
SECRET = (201, 7, 103)  # a colour that no other picture has


@pytest.fixture
def here(tmp_path, monkeypatch) -> Path:
    """A folder with a corpus, `data`, whose table names two pictures outside it in place of its own."""
    monkeypatch.delenv("NTCIR_DATA", raising=False)
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    data = write_pictures(Path("data"), per_session=PER_SESSION)
    for name in ("one", "two"):
        Image.new("RGB", (32, 32), SECRET).save(tmp_path / f"{name}.png")
    table = (data / "records.csv").read_text(encoding="utf-8")
    for old, new in (("s4_000.png", str(tmp_path / "one.png")), ("s4_001.png", "../../../two.png")):
        table = table.replace(old, new)
        (data / "images" / old).unlink()
    (data / "records.csv").write_text(table, encoding="utf-8")
    return Path.cwd()


def official(*arguments: str) -> tuple[int, str]:
    """Return how often the secret pixels are in the organisers' input, and what was said."""
    done = command_line("build-topics", "--data", "data", "--format", "official", "--pool", "4", *arguments)
    assert done.exit_code == 0, done.output
    row = ",".join(["[" + ",".join(["201"] * 32) + "]"] * 32)
    return Path("topics/input.json").read_text(encoding="utf-8").replace(" ", "").count(row), done.stderr


def test_pixels_of_pictures_outside_enter_the_input_only_if_the_user_says_so(here):
    found, said = official("--topics-per-day", "4")
    assert found == 0
    assert "left out 2: photograph is outside images/ (allow that with --set data.outside=true)" in said
    found, said = official("--topics-per-day", "6", "--pool", "6", *ALLOWED)
    assert found >= 2
    assert "left out" not in said
    Path("mine.yaml").write_text("data: {outside: true}\n", encoding="utf-8")
    assert official("--topics-per-day", "6", "--pool", "6", "--config", "mine.yaml")[0] >= 2


def test_the_data_cannot_say_so(here):
    with Path("data/ntcir.yaml").open("a", encoding="utf-8") as file:
        file.write("data: {outside: true}\n")
    done = command_line("build-topics", "--data", "data", "--pool", "4")
    assert done.exit_code == 2
    assert "data/ntcir.yaml says data.outside = True, but it came with the data" in done.stderr
    assert command_line("build-topics", "--data", "data", "--pool", "4", *ALLOWED).exit_code == 0


def test_a_table_of_nothing_but_pictures_outside_says_what_to_type(here):
    table = Path("data/records.csv")
    lines = table.read_text(encoding="utf-8").splitlines()
    table.write_text("\n".join([lines[0], *(line for line in lines if "one.png" in line or "two.png" in line)]) + "\n")
    done = command_line("train", "--data", "data")
    assert done.exit_code == 2
    assert "2 left out: photograph is outside images/ (allow that with --set data.outside=true)" in done.stderr


def train(*arguments: str) -> None:
    done = command_line("train", "--data", "data", "--iters", "1", "--out", "runs/m", *arguments)
    assert done.exit_code == 0, done.output


def run(*arguments: str) -> tuple[int, str, str]:
    done = command_line("run", "topics.tsv", "--model", "runs/m", *arguments)
    return done.exit_code, done.stdout, done.stderr


def test_what_was_allowed_in_training_holds_for_the_same_corpus_and_no_other(here, tmp_path):
    assert command_line("build-topics", "--data", "data", "--pool", str(PER_SESSION), *ALLOWED).exit_code == 0
    train(*ALLOWED)
    assert load_config(Path("runs/m/config.yaml")).data.outside
    code, lines, said = run()
    assert (code, "left out" in said) == (0, False)
    assert str(tmp_path / "one.png") in lines
    assert run("--data", "data")[1] == lines
    topic = lines.split()[0]
    for arguments in ((), ("--data", "data")):
        Path("run.txt").write_text(lines, encoding="utf-8")
        drawn = command_line("show", topic, *arguments)
        assert drawn.exit_code == 0, drawn.output
    copy = tmp_path / "copy" / "data"
    copy.parent.mkdir()
    Path("data").rename(copy)
    code, lines, said = run("--data", str(copy))
    assert (code, lines) == (2, "")
    assert "allow that with --set data.outside=true" in said
    assert run("--data", str(copy), *ALLOWED)[0] == 0


def test_a_model_of_before_says_what_to_type(here):
    assert command_line("build-topics", "--data", "data", "--pool", str(PER_SESSION), *ALLOWED).exit_code == 0
    train(*ALLOWED)
    config = Path("runs/m/config.yaml")
    config.write_text(config.read_text(encoding="utf-8").replace("  outside: true\n", ""), encoding="utf-8")
    code, _, said = run()
    assert code == 2
    assert "allow that with --set data.outside=true" in said
    assert run(*ALLOWED)[0] == 0


@pytest.fixture
def model(here) -> Path:
    """A model trained on `data`, and topics."""
    assert command_line("build-topics", "--data", "data", "--pool", "4").exit_code == 0
    train()
    return Path("runs/m/config.yaml")


@pytest.mark.parametrize("store", ["{far}/chosen", "../chosen", "link", "a/../../chosen"])
def test_a_model_chooses_no_folder_to_write_to(model, tmp_path, store):
    (tmp_path / "far").mkdir()
    Path("link").symlink_to(tmp_path / "far")
    store = store.format(far=tmp_path / "far")
    before = sorted(tmp_path.iterdir()), load_config(model)
    before[1].changed({"features.store": store}).save(model)
    Path("features").rename("away")
    code, lines, said = run()
    assert (code, bool(lines)) == (0, True)
    assert f"The model's feature store {store} has no features of its networks: features is used instead" in said
    assert f"--set features.store={store}" in said
    assert list(Path("features/data").glob("*/shard-*"))
    assert (sorted(tmp_path.iterdir()), list((tmp_path / "far").iterdir())) == (before[0], [])
    assert run("--set", f"features.store={store}")[0] == 0
    assert list(Path(store).glob("data/*/shard-*"))


@pytest.mark.parametrize("store", ["{far}/kept", "../kept"])
def test_a_store_that_the_user_chose_in_training_goes_on_being_used(here, tmp_path, store):
    store = store.format(far=tmp_path / "far")
    assert command_line("build-topics", "--data", "data", "--pool", "4").exit_code == 0
    train("--set", f"features.store={store}")
    code, lines, said = run()
    assert (code, bool(lines)) == (0, True)
    assert "instead" not in said
    assert not Path("features").exists()
    # Another corpus goes there too: the folder is a store of features by these networks.
    write_pictures(Path("other"), ("b1", "b2", "b3", "b4"), PER_SESSION)
    assert command_line("build-topics", "--data", "other", "--pool", "4", "--out", "two").exit_code == 0
    done = command_line("run", "two/topics.tsv", "--model", "runs/m", "--data", "other")
    assert done.exit_code == 0, done.output
    assert list(Path(store).glob("other/*/shard-*"))


def test_a_topic_s_id_chooses_no_folder_for_its_picture(model, tmp_path):
    lines = run()[1]
    topic, name = lines.split()[0], "x/../../../out"
    for path, text in ((Path("topics/topics.tsv"), None), (Path("run.txt"), lines)):
        text = path.read_text(encoding="utf-8") if text is None else text
        path.write_text(text.replace(topic, name), encoding="utf-8")
    before = sorted(tmp_path.iterdir())
    done = command_line("show", name)
    assert done.exit_code == 0, done.output
    assert Path("show-x-..-..-..-out.png").is_file()
    assert sorted(tmp_path.iterdir()) == before


def test_a_bundle_says_nothing_of_pictures_outside():
    from ntcir.submission.bundle import portable

    assert not portable(Config().changed({"data.outside": True})).data.outside
