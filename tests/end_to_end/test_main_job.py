"""The commands as a person types them, in one folder, from nothing to a score."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from PIL import Image

from ntcir.cli import main

DAYS, PER_DAY = 5, 24
COMMANDS = [
    "demo",
    "build-topics",
    "features",
    "train",
    "run",
    "predict",
    "score",
    "compare",
    "show",
    "bundle",
    "ablate",
]


def ntcir(*words: str, cwd: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Type a command in a folder."""
    clean = {name: value for name, value in os.environ.items() if name != "NTCIR_DATA"}
    return subprocess.run(
        [sys.executable, "-m", "ntcir", *words], cwd=cwd, env=clean | environment, capture_output=True, text=True
    )


def typed(*words: str, cwd: Path) -> str:
    """Type a command that succeeds, in a process of its own; return what it wrote to standard output."""
    result = ntcir(*words, cwd=cwd)
    assert result.returncode == 0, result.stderr
    return result.stdout


def called(*words: str, cwd: Path, **environment: str | None) -> Result:
    """Call a command in a folder and in this process, which saves the seconds that importing torch takes."""
    with contextlib.chdir(cwd):
        return CliRunner().invoke(main, words, env={"NTCIR_DATA": None} | environment)


def done(*words: str, cwd: Path, **environment: str | None) -> str:
    """Call a command that succeeds; return what it wrote to standard output."""
    result = called(*words, cwd=cwd, **environment)
    assert result.exit_code == 0, (result.output, result.exception)
    return result.stdout


def refused(*words: str, cwd: Path, **environment: str | None) -> str:
    """Call a command that is refused in one sentence with exit code 2; return the sentence."""
    result = called(*words, cwd=cwd, **environment)
    assert result.exit_code == 2, (result.exit_code, result.output, result.exception)
    assert result.stdout == ""
    assert "Traceback" not in result.stderr
    errors = [line for line in result.stderr.splitlines() if line.startswith("Error: ")]
    assert len(errors) == 1
    assert errors[0].endswith((".", ")")), errors[0]
    return errors[0]


def python(code: str, cwd: Path | None = None) -> str:
    """Run a line of Python in a process of its own; return what it printed."""
    result = subprocess.run([sys.executable, "-c", code], cwd=cwd, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    return result.stdout


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which the four commands were typed, one after the other."""
    place = tmp_path_factory.mktemp("work")
    typed("demo", "--days", str(DAYS), "--per-day", str(PER_DAY), cwd=place)
    typed("build-topics", cwd=place)
    typed("train", "--iters", "60", cwd=place)
    (place / "run.txt").write_text(typed("run", "topics.tsv", cwd=place))
    return place


def test_the_four_commands_work_in_a_row_without_options(folder: Path) -> None:
    printed = typed("score", cwd=folder)
    assert "img2sen" in printed
    assert "sen2img" in printed
    assert {"topics.tsv", "pools.tsv", "qrels.txt"} <= {path.name for path in (folder / "topics").iterdir()}
    model = next((folder / "runs").iterdir())
    names = {path.name for path in model.iterdir()}
    assert {
        "model.safetensors",
        "config.yaml",
        "encoders.json",
        "model.json",
        "metrics.jsonl",
        "curve.png",
        "dropped.csv",
    } <= names
    assert not {name for name in names if name.endswith((".pkl", ".pt", ".pth"))}


def test_the_run_is_six_columns_with_ranks_from_one_and_scores_that_fall(folder: Path) -> None:
    topics: dict[str, list[tuple[int, float]]] = {}
    for line in (folder / "run.txt").read_text().splitlines():
        topic, literal, _, rank, score, tag = line.split(" ")
        assert (literal, tag) == ("Q0", "demo-60")
        topics.setdefault(topic, []).append((int(rank), float(score)))
    pools = (folder / "topics" / "pools.tsv").read_text().splitlines()[1:]
    for topic, ranked in topics.items():
        assert [rank for rank, _ in ranked] == list(range(1, len(ranked) + 1))
        assert sorted((score for _, score in ranked), reverse=True) == [score for _, score in ranked]
        assert len(ranked) == sum(line.startswith(f"{topic}\t") for line in pools)


def test_the_same_commands_give_the_same_bytes(folder: Path, tmp_path: Path) -> None:
    # The folder's were typed in three other processes.
    for name in ("data", "features"):
        (tmp_path / name).symlink_to(folder / name)
    done("build-topics", cwd=tmp_path)
    done("train", "--iters", "60", cwd=tmp_path)
    assert done("run", "topics.tsv", cwd=tmp_path) == (folder / "run.txt").read_text()


def test_the_official_way_has_the_mrr_of_the_trec_way(folder: Path, tmp_path: Path) -> None:
    drawn = ["--data", str(folder / "data" / "demo"), "--pool", "6", "--topics-per-day", "2", "--to", "2020-03-17"]
    drawn += ["--from", "2020-03-17", "--out", "topics"]
    model = ["--model", str(folder / "runs" / "demo-60")]
    (tmp_path / "features").symlink_to(folder / "features")
    done("build-topics", *drawn, cwd=tmp_path)
    done("build-topics", *drawn, "--format", "official", cwd=tmp_path)
    (tmp_path / "run.txt").write_text(done("run", "topics.tsv", *model, cwd=tmp_path))
    done("predict", "topics/input.json", "scores.csv", *model, cwd=tmp_path)
    trec = json.loads(done("score", "--json", cwd=tmp_path))
    official = json.loads(done("score", "scores.csv", "--json", cwd=tmp_path))
    for group in ("all", "img2sen", "sen2img"):
        assert official[group]["topics"] == trec[group]["topics"] > 0
        assert official[group]["MRR"] == pytest.approx(trec[group]["MRR"], abs=1e-6)
    done("score", "scores.csv", "--write-run", "again.txt", "--write-qrels", "again.qrels", cwd=tmp_path)
    again = ["score", "again.txt", "--qrels", "again.qrels", "--topics", "topics/input.topics.tsv", "--json"]
    assert json.loads(done(*again, cwd=tmp_path)) == official


def test_topics_are_named_and_written_as_in_the_poster(folder: Path) -> None:
    header, *rows = (folder / "topics" / "topics.tsv").read_text().splitlines()
    assert header == "topic_id\ttimestamp\tquery"
    queries = {row.split("\t")[0]: row.split("\t")[2] for row in rows}
    assert "sen2img_0317" in queries
    assert json.loads(queries["sen2img_0317"])["new_lat"] > 0
    assert queries["img2sen_0317"].startswith("20200317_")


def test_a_hand_written_sensor_query_ranks_the_whole_split_to_a_depth(folder: Path) -> None:
    query = json.dumps({"heart_rate(bpm)": 120, "new_lat": 53.35, "new_lng": -6.26})
    (folder / "mine.tsv").write_text(f"topic_id\ttimestamp\tquery\nq\t\t{query}\n")
    lines = done("run", "mine.tsv", "--pools", "none", "--depth", "7", cwd=folder).splitlines()
    assert [line.split()[3] for line in lines] == [str(rank) for rank in range(1, 8)]


def test_scores_come_as_json_by_topic_and_by_other_measures(folder: Path) -> None:
    printed = json.loads(done("score", "--json", "--measures", "RR@10 nDCG@10", cwd=folder))
    keys = {"topics", "MRR", "MRR@10", "R@1", "R@5", "R@10", "MedR", "random_MRR"}
    for group in ("all", "img2sen", "sen2img"):
        assert keys <= set(printed[group])
    assert printed["measures"]["RR@10"] == pytest.approx(printed["all"]["MRR@10"], abs=0.05)
    assert "sen2img_0317" in done("score", "--per-topic", cwd=folder)


def test_show_draws_a_topic_of_each_direction(folder: Path) -> None:
    for topic in ("sen2img_0317", "img2sen_0317"):
        done("show", topic, cwd=folder)
        with Image.open(folder / f"show-{topic}.png") as picture:
            assert picture.width > 1000


def test_the_data_is_found_in_the_order_typed_environment_demo(folder: Path, tmp_path: Path) -> None:
    assert "ntcir demo" in refused("build-topics", cwd=tmp_path)
    assert "NTCIR_DATA" in refused("build-topics", cwd=tmp_path, NTCIR_DATA="nowhere")
    demo = str(folder / "data" / "demo")
    assert "--data" in refused("build-topics", "--data", "elsewhere", cwd=tmp_path, NTCIR_DATA=demo)
    done("build-topics", cwd=tmp_path, NTCIR_DATA=demo)


def test_a_pool_larger_than_a_day_is_refused_and_leaves_the_topics_alone(folder: Path) -> None:
    before = (folder / "topics" / "topics.tsv").read_text()
    assert "2020-03-17" in refused("build-topics", "--pool", "200", cwd=folder)
    assert (folder / "topics" / "topics.tsv").read_text() == before


@pytest.mark.parametrize(
    ("words", "named"),
    [
        (["train", "--set", "training.itres=3"], "training.itres"),
        (["train", "--set", "training.temperature=-1"], "training.temperature"),
        (["train", "--config", "nowhere.yaml"], "nowhere.yaml"),
        (["train", "--set", "sensors.numeric=[pulse]"], "pulse"),
        (["train", "--set", "features.backbones=[{arch: resnet51}]"], "resnet50"),
        (["train", "--set", "features.backbones=[{arch: resnet18, weights: w.pth}]"], "w.pth"),
        (["train", "--out", "runs/demo-60"], "runs/demo-60"),
        (["run", "nowhere.tsv"], "nowhere.tsv"),
        (["run", "topics.tsv", "--model", "runs/none"], "runs/none"),
        (["run", "topics.tsv", "--split", "tset"], "tset"),
        (["score", "nowhere.txt"], "nowhere.txt"),
        (["score", "--measures", "MMR"], "MMR"),
        (["show", "sen2img_0318x"], "sen2img_0318"),
        (["build-topics", "--from", "2021-01-01"], "2021-01-01"),
        (["demo", "--days", "1"], "day"),
        (["build-topics", "--out", "/proc/topics"], "/proc/topics"),
    ],
)
def test_mistakes_are_said_in_one_sentence(folder: Path, words: list[str], named: str) -> None:
    assert named in refused(*words, cwd=folder)


def test_a_mistake_ends_the_command_itself_with_code_2_and_no_traceback(folder: Path) -> None:
    result = ntcir("score", "nowhere.txt", cwd=folder)
    assert (result.returncode, result.stdout) == (2, "")
    assert result.stderr.startswith("Error: nowhere.txt")
    assert result.stderr.count("\n") == 1


def test_days_too_short_for_the_pool_can_be_left_out(folder: Path, tmp_path: Path) -> None:
    rows = (folder / "data" / "demo" / "vaisl_gps.csv").read_text().splitlines()
    # Of the first topic day only its first photographs are left.
    day = [row for row in rows if row.startswith("20200317")]
    shorter = tmp_path / "life"
    shorter.mkdir()
    (shorter / "images").symlink_to(folder / "data" / "demo" / "images")
    (shorter / "lsc22_metadata.csv").symlink_to(folder / "data" / "demo" / "lsc22_metadata.csv")
    (shorter / "vaisl_gps.csv").write_text("\n".join(row for row in rows if row not in day[5:]) + "\n")
    data = ["--data", str(shorter), "--from", "2020-03-16", "--to", "2020-03-17", "--pool", "20"]
    assert "--skip-short-days" in refused("build-topics", *data, cwd=tmp_path)
    done("build-topics", *data, "--skip-short-days", cwd=tmp_path)
    topics = (tmp_path / "topics" / "topics.tsv").read_text()
    assert "sen2img_0316" in topics
    assert "0317" not in topics


def test_missing_topics_are_named_beside_json_too(folder: Path, tmp_path: Path) -> None:
    lines = (folder / "run.txt").read_text().splitlines(keepends=True)
    (tmp_path / "part.txt").write_text("".join(line for line in lines if line.startswith("img2sen")))
    result = called("score", str(tmp_path / "part.txt"), "--json", cwd=folder)
    assert json.loads(result.stdout)["sen2img"]["MRR"] == 0
    assert "sen2img_0317" in result.stderr


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_no_room_for_standard_output_is_one_sentence(folder: Path) -> None:
    with Path("/dev/full").open("w") as full:
        words = [sys.executable, "-m", "ntcir", "score"]
        result = subprocess.run(words, cwd=folder, stdout=full, stderr=subprocess.PIPE, text=True)
    assert result.returncode == 2
    assert result.stderr.startswith("Error: No space left")
    assert "Traceback" not in result.stderr


def test_a_run_with_a_nan_is_refused_with_its_line(folder: Path, tmp_path: Path) -> None:
    lines = (folder / "run.txt").read_text().splitlines()
    lines[4] = " ".join([*lines[4].split()[:4], "nan", "x"])
    broken = tmp_path / "broken.txt"
    broken.write_text("\n".join(lines))
    assert "line 5" in refused("score", str(broken), cwd=folder)


def test_topics_that_ask_for_unknown_images_are_refused(folder: Path) -> None:
    (folder / "unknown.tsv").write_text("topic_id\ttimestamp\tquery\nq\t\t20200317_999999_000.jpg\n")
    assert "20200317_999999_000.jpg" in refused("run", "unknown.tsv", "--pools", "none", cwd=folder)


def test_unreachable_weights_say_where_to_put_the_file(folder: Path, tmp_path: Path) -> None:
    # A proxy at a closed port stands for a machine without network.
    closed = dict.fromkeys(("http_proxy", "https_proxy"), "http://127.0.0.1:9")
    setting = "features.backbones=[{arch: resnet50, weights: places365}]"
    message = refused("train", "--set", setting, cwd=folder, TORCH_HOME=str(tmp_path), **closed)
    assert "resnet50_places365.pth.tar" in message
    assert str(tmp_path) in message


def test_help_names_the_verbs_and_imports_nothing_heavy() -> None:
    code = "import sys, ntcir.cli; print(*[name for name in ('torch', 'pandas', 'numpy') if name in sys.modules])"
    assert python(code).strip() == ""
    printed = subprocess.run([sys.executable, "-m", "ntcir", "--help"], capture_output=True, text=True).stdout
    assert all(verb in printed for verb in COMMANDS)


def test_scoring_never_imports_torch_or_pandas(folder: Path) -> None:
    code = (
        "import sys; from ntcir.cli import main; import ntcir.report.comparison_files; "  # all that a comparison needs
        "main(['score'], standalone_mode=False); print(sorted(sys.modules))"
    )
    modules = python(code, cwd=folder).splitlines()[-1]
    assert "'ntcir.scoring'" in modules
    assert "'torch'" not in modules
    assert "'pandas'" not in modules


def test_shell_completion_is_offered() -> None:
    environment = os.environ | {"_NTCIR_COMPLETE": "bash_source"}
    code = "from ntcir.cli import main; main(prog_name='ntcir')"
    printed = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True).stdout
    assert "_NTCIR_COMPLETE=bash_complete" in printed
