"""A model with networks of timm and open_clip is handed in with all that it needs, and nothing of this machine."""

from __future__ import annotations

import pytest
import torch
from bundling import SMALL, small_config, small_model, write_model
from helpers import embed_networks, one_thread, refusal  # noqa: F401
from tiny_networks import require, timm_net, tiny_clip

from ntcir.model.model import Model
from ntcir.submission.bundle import make_bundle
from ntcir.submission.requirements import ROOTS, closure, roots_of

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.mark.parametrize(
    ("arch", "more"),
    [("resnet18", []), ("timm:test_resnet", ["timm"]), ("open_clip:ViT-B-32", ["open_clip_torch"])],
)
def test_what_its_networks_import_is_asked_for_and_nothing_else(arch, more):
    config = small_config(features__backbones=[SMALL, {**SMALL, "arch": arch}, {**SMALL, "arch": arch}])
    assert roots_of(config) == (*ROOTS, *more)
    if more:
        require({"timm": "timm", "open_clip_torch": "open_clip"}[more[0]])
        extra = {item.metadata["Name"].lower() for item in closure(roots_of(config))}
        assert more[0].replace("-", "_") in {name.replace("-", "_") for name in extra}


@pytest.mark.parametrize("output", ["pooled", "logits"])
def test_a_model_comes_back_with_its_networks_inside(tmp_path, output):
    timm_net()
    model = small_model(small_config({"arch": "timm:test_resnet", "weights": "random", "output": output}))
    embed_networks(model)
    model.save(tmp_path / "m")
    (again,), (network,) = (each.encoders["image"].networks for each in (Model.load(tmp_path / "m"), model))
    assert again.meta == network.meta
    pictures = torch.randint(0, 256, (2, 3, 160, 160), dtype=torch.uint8)
    assert torch.equal(again(pictures), network(pictures))


def test_a_clip_comes_back_without_its_captions_side(tmp_path):
    arch = tiny_clip(tmp_path / "clip")
    model = small_model(small_config({"arch": arch, "weights": "random"}))
    embed_networks(model)
    assert not [name for name in model.state() if "token_embedding" in name]
    model.save(tmp_path / "m")
    assert Model.load(tmp_path / "m").encoders["image"].fingerprints == model.encoders["image"].fingerprints


def test_a_bundle_with_networks_of_two_libraries_passes_its_rehearsal(tmp_path):
    other = timm_net("test_resnet").model_dump(mode="json")
    trained = write_model(tmp_path / "model", small_config(features__backbones=[SMALL, other]))
    lines = make_bundle(trained, tmp_path / "out", group="ORG", run="a")
    assert "rehearsed" in lines[0]
    listed = (tmp_path / "out" / "ORG-a" / "requirements.txt").read_text(encoding="utf-8").splitlines()
    assert any(line.startswith("timm==") for line in listed)
    assert not any(line.startswith("open-clip-torch==") for line in listed)


def test_a_network_whose_settings_lie_in_a_folder_is_not_handed_in(tmp_path):
    import json

    from tiny_networks import TINY_CONFIG

    require("open_clip")
    (tmp_path / "open_clip_config.json").write_text(json.dumps({"model_cfg": TINY_CONFIG}), encoding="utf-8")
    arch = f"open_clip:local-dir:{tmp_path}"
    trained = write_model(tmp_path / "model", small_config({"arch": arch, "weights": "random"}))
    sentence = refusal(make_bundle, trained, tmp_path / "out", group="ORG", run="a")
    assert f"{arch} has its settings in a folder, which the image would lack" in sentence
