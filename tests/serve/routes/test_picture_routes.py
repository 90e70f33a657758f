"""Photographs and uploads over HTTP."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path
from types import SimpleNamespace

import pytest
from picturing import blocks
from shown import jpeg, opened, says_nothing, shown
from starlette.testclient import TestClient

import ntcir.serve.routes.pictures as pictures
from ntcir.modalities import TEXT
from ntcir.serve.pictures.thumbnails import Thumbnails
from ntcir.serve.pictures.uploads import MOST_BYTES, Uploads
from ntcir.serve.refusals import add_refusals


@pytest.fixture
def client(tmp_path: Path) -> TestClient:
    (tmp_path / "images").mkdir()
    (tmp_path / "images/a.jpg").write_bytes(jpeg(blocks(640, 480)))
    (tmp_path / "images/broken.jpg").write_bytes(jpeg(blocks(640, 480))[:5000])
    return of(tmp_path)


def of(folder: Path, modality: str = "") -> TestClient:
    from fastapi import FastAPI

    index = shown(folder, ["a.jpg", "gone.jpg", "broken.jpg"], **({"modality": modality} if modality else {}))
    site = SimpleNamespace(
        index=index,
        thumbnails=Thumbnails(index),
        uploads=Uploads(index.folder),
        quality=SimpleNamespace(busy=nullcontext),
    )
    app = FastAPI()
    add_refusals(app)
    app.include_router(pictures.router(site))
    return TestClient(app)


@pytest.mark.parametrize(("address", "size"), [("/thumb", (320, 240)), ("/picture", (640, 480))])
def test_a_photograph_is_sent_once_and_then_known(client, address, size):
    first = client.get(address, params={"id": "a.jpg"})
    assert first.status_code == 200
    assert first.headers["content-type"] == "image/jpeg"
    assert first.headers["cache-control"].startswith("private")
    assert opened(first.content).size == size
    assert says_nothing(first.content)
    again = client.get(
        address, params={"id": "a.jpg"}, headers={"If-None-Match": f'"other", W/{first.headers["etag"]}'}
    )
    assert (again.status_code, again.content) == (304, b"")
    assert client.get(address, params={"id": "a.jpg"}, headers={"If-None-Match": '"other"'}).status_code == 200


@pytest.mark.parametrize("address", ["/thumb", "/picture"])
@pytest.mark.parametrize(
    ("item", "why"),
    [
        ("../../etc/passwd", "There is no photograph '../../etc/passwd' in walk."),
        ("images/a.jpg", "There is no photograph"),
        ("a.jpg\0", "There is no photograph 'a.jpg\\x00' in walk."),
        ("<script>", "There is no photograph '<script>' in walk."),
        ("", "There is no photograph ''"),
        ("gone.jpg", "The photograph 'gone.jpg' cannot be shown: its file is gone."),
        ("broken.jpg", "The photograph 'broken.jpg' cannot be shown: image file is truncated"),
    ],
)
def test_what_is_no_photograph_is_not_found_in_a_sentence(client, address, item, why):
    answer = client.get(address, params={"id": item})
    assert answer.status_code == 404
    assert answer.headers["cache-control"] == "no-store"
    assert why in answer.json()["error"]


def test_captions_are_no_paths(client, tmp_path):
    assert of(tmp_path, TEXT.name).get("/thumb", params={"id": "a.jpg"}).status_code == 404


def ways(content: bytes) -> list[dict]:
    return [{"content": content, "headers": {"Content-Type": "image/jpeg"}}, {"files": {"picture": ("x", content)}}]


@pytest.mark.parametrize("way", [0, 1], ids=["body", "form"])
def test_a_picture_is_uploaded_and_shown(client, way):
    answer = client.post("/upload", **ways(jpeg(blocks(200, 120), 6))[way])
    assert answer.status_code == 200, answer.text
    sent = client.get("/uploaded", params=answer.json())
    assert says_nothing(sent.content)
    assert opened(sent.content).size == (200, 120)


@pytest.mark.parametrize("way", [0, 1], ids=["body", "form"])
def test_what_is_no_picture_is_refused(client, way):
    answer = client.post("/upload", **ways(b"<svg/>")[way])
    assert answer.status_code == 400
    assert "a drawing (SVG)" in answer.json()["error"]


@pytest.mark.parametrize(
    ("asked", "why"),
    [
        ({"data": {"q": "x"}, "files": {}}, "not a picture"),
        ({"files": [("a", ("a", b"1")), ("b", ("b", b"2"))]}, "Too many files"),
        ({"files": {"": ("", b"")}}, "has no picture in it"),
        ({"content": b"nothing", "headers": {"Content-Type": "multipart/form-data"}}, "Missing boundary"),
        ({"content": b"nothing", "headers": {"Content-Type": "multipart/form-data; boundary=x"}}, "cannot be read"),
        ({"content": b"", "headers": {}}, "is empty"),
    ],
)
def test_a_form_without_one_picture_is_refused(client, asked, why):
    answer = client.post("/upload", **asked)
    assert answer.status_code == 400
    assert why in answer.json()["error"]


@pytest.mark.parametrize("form", [False, True])
def test_too_many_bytes_are_refused_while_they_are_read(client, form):
    piece, sent = b"\xff" * 1_000_000, 0
    head = b'--x\r\nContent-Disposition: form-data; name="p"; filename="p"\r\n\r\n' if form else b""

    def endless():
        nonlocal sent
        yield head
        while sent < 3 * MOST_BYTES:  # without a length that would tell before
            sent += len(piece)
            yield piece

    kind = "multipart/form-data; boundary=x" if form else "image/jpeg"
    answer = client.post("/upload", content=endless(), headers={"Content-Type": kind})
    assert answer.status_code == 413
    assert "more than 20 megabytes" in answer.json()["error"]
    told = client.post("/upload", content=b"", headers={"Content-Length": str(2 * MOST_BYTES), "Content-Type": kind})
    assert told.status_code == 413


@pytest.mark.parametrize("digest", ["../quality.npy", "0" * 32, ""])
def test_only_what_was_uploaded_is_sent_back(client, digest):
    answer = client.get("/uploaded", params={"picture": digest})
    assert answer.status_code == 404
    assert answer.json()["error"]
