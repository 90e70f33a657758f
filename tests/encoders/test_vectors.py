"""Vectors that came with the data: every format, whose rows they are, and what is wrong with a file."""

from __future__ import annotations

import pickle
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from ntcir.config import Config, load_config, load_supplied
from ntcir.config.places import handed_on
from ntcir.corpora.corpus import Corpus, ReadingReport
from ntcir.encoders import encoder_class, open_rows
from ntcir.encoders.encoder import Rows
from ntcir.encoders.vectors import VectorsEncoder
from ntcir.system.errors import UserError

ITEMS = ["00001.jpg", "b.jpg", "my%20c.jpg", "d.jpg"]
MATRIX = np.arange(12, dtype=np.float32).reshape(4, 3) / 7


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def corpus(items: list[str] = ITEMS) -> Corpus:
    images = pd.DataFrame({"path": ""}, index=pd.Index(items, name="image"))
    sensors = pd.DataFrame({"a": 1.0}, index=pd.Index([f"m{n}" for n in range(len(items))], name="sensor"))
    pairs = pd.DataFrame({"image": images.index, "sensor": sensors.index, "group": "s", "split": "train"})
    tables = {"image": images, "sensor": sensors}
    return Corpus("toy", Path("toy"), tables, pairs, False, "records", ReadingReport())


def config(path: str | Path, modality: str = "image") -> Config:
    return Config().changed({f"towers.{modality}.encoder": "vectors", f"towers.{modality}.vectors": str(path)})


def opened(path: str | Path, modality: str = "image", *, items: list[str] = ITEMS, encoder: Any = None) -> Rows:
    return open_rows(config(path, modality), corpus(items), modality, encoder)


def refused(path: str | Path, **options: Any) -> str:
    """Return the one sentence with which a file is refused; it names the file."""
    with pytest.raises(UserError) as caught:
        opened(path, **options)
    sentence = str(caught.value)
    assert "\n" not in sentence
    assert sentence.endswith(".")
    assert str(path) in sentence
    return sentence


def save_mat(path: str, **variables: Any) -> None:
    packed = variables.pop("packed", False)
    pytest.importorskip("scipy.io").savemat(path, variables, do_compression=packed)


def save_parquet(path: str, columns: dict[str, Any]) -> None:
    pytest.importorskip("polars").DataFrame(columns).write_parquet(path)


def cells(ids: list[str]) -> np.ndarray:
    return np.array(ids, dtype=object)


def columns(matrix: np.ndarray = MATRIX) -> dict[str, Any]:
    return {f"v{number}": column for number, column in enumerate(matrix.T)}


SHUFFLED = [2, 0, 3, 1]
IN_ORDER: dict[str, Callable[[], Any]] = {
    "a.npy": lambda: np.save("a.npy", MATRIX),
    "fortran.npy": lambda: np.save("fortran.npy", np.asfortranarray(MATRIX)),
    "doubles.npy": lambda: np.save("doubles.npy", MATRIX.astype(">f8")),
    "one.npz": lambda: np.savez("one.npz", MATRIX),
    "others.npz": lambda: np.savez("others.npz", words=np.array(["x"]), flat=np.ones(3), features=MATRIX),
    "named.npz": lambda: np.savez_compressed("named.npz", other=MATRIX + 1, image=MATRIX),
    "a.mat": lambda: save_mat("a.mat", X=MATRIX, note="of 2020"),
    "packed.mat": lambda: save_mat("packed.mat", X=MATRIX.astype(np.float64), packed=True),
    "named.mat": lambda: save_mat("named.mat", other=MATRIX + 1, image=MATRIX),
    "a.parquet": lambda: save_parquet("a.parquet", columns()),
    "list.parquet": lambda: save_parquet("list.parquet", {"v": MATRIX.tolist()}),
    "[1]*.parquet": lambda: save_parquet("[1]*.parquet", columns()),
}
BY_ID: dict[str, Callable[[list[str], np.ndarray], Any]] = {
    "ids.npz": lambda ids, rows: np.savez("ids.npz", ids=np.array(ids), vectors=rows),
    "bytes.npz": lambda ids, rows: np.savez("bytes.npz", ids=np.array([each.encode() for each in ids]), vectors=rows),
    "ids.mat": lambda ids, rows: save_mat("ids.mat", ids=cells(ids), vectors=rows),
    "packed.mat": lambda ids, rows: save_mat("packed.mat", ids=cells(ids), vectors=rows, packed=True),
    "char.mat": lambda ids, rows: save_mat("char.mat", ids=np.array(ids), vectors=rows),
    "id.parquet": lambda ids, rows: save_parquet("id.parquet", {"id": ids} | columns(rows)),
    "image.parquet": lambda ids, rows: save_parquet("image.parquet", columns(rows) | {"image": ids}),
    "list.parquet": lambda ids, rows: save_parquet("list.parquet", {"image": ids, "v": rows.tolist()}),
    "index.parquet": lambda ids, rows: save_parquet("index.parquet", columns(rows) | {"__index_level_0__": ids}),
}


# Reading


@pytest.mark.parametrize("name", IN_ORDER)
def test_rows_without_ids_belong_to_the_items_in_their_order(name):
    IN_ORDER[name]()
    rows = opened(name)
    assert rows.dim == 3
    assert rows.ensure(ITEMS).all()
    found = rows.load(["d.jpg", "00001.jpg", "d.jpg"])
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found, MATRIX[[3, 0, 3]])


@pytest.mark.parametrize("name", BY_ID)
def test_rows_with_ids_belong_to_the_items_of_these_ids(name, capsys):
    BY_ID[name]([ITEMS[row] for row in SHUFFLED], MATRIX[SHUFFLED])
    rows = opened(name)
    assert rows.ensure(ITEMS).all()
    np.testing.assert_array_equal(rows.load(ITEMS), MATRIX)
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("dtype", [bool, np.int8, np.uint64, np.float16, np.float64])
@pytest.mark.parametrize("suffix", ["npy", "mat", "parquet"])
def test_numbers_of_any_real_type_become_single_precision(dtype, suffix):
    matrix = np.array([[0, 1], [1, 0], [1, 1], [0, 0]], dtype=dtype)
    if suffix == "npy":
        np.save("n.npy", matrix)
    elif dtype is np.float16:
        pytest.skip("neither format has it")
    elif suffix == "mat":
        save_mat("n.mat", X=matrix)
    else:
        save_parquet("n.parquet", columns(matrix))
    np.testing.assert_array_equal(opened(f"n.{suffix}").load(ITEMS), matrix.astype(np.float32))


def test_polars_own_types_are_read():
    polars = pytest.importorskip("polars")
    ids = polars.Series("image", ITEMS, dtype=polars.Categorical)
    rows = polars.Series("v", MATRIX.tolist(), dtype=polars.Array(polars.Float32, 3))
    polars.DataFrame([ids, rows]).write_parquet("a.parquet")
    np.testing.assert_array_equal(opened("a.parquet").load(ITEMS), MATRIX)


def test_the_content_tells_the_format_and_not_the_name():
    np.save("a.npy", MATRIX)
    Path("a.npy").rename("vectors.mat")
    np.testing.assert_array_equal(opened("vectors.mat").load(ITEMS), MATRIX)


def test_letters_beyond_ascii_in_ids_of_matlab_are_read():
    save_mat("a.mat", ids=cells(["ü.jpg", "大.jpg", "x.jpg"]), vectors=MATRIX[:3])
    rows = opened("a.mat", items=["x.jpg", "ü.jpg", "大.jpg"])
    np.testing.assert_array_equal(rows.load(["x.jpg", "ü.jpg", "大.jpg"]), MATRIX[[2, 0, 1]])


def test_only_the_rows_that_are_asked_for_are_copied_from_a_mapped_file():
    np.save("a.npy", MATRIX)
    rows: Any = opened("a.npy")
    assert isinstance(rows._file.matrix, np.memmap)
    found = rows.load(["b.jpg"])
    assert found.flags.owndata or not np.shares_memory(found, rows._file.matrix)
    found[:] = 0
    np.testing.assert_array_equal(rows.load(["b.jpg"]), MATRIX[1:2])


def test_the_other_modality_has_vectors_in_the_same_way():
    np.save("a.npy", MATRIX)
    rows = opened("a.npy", "sensor")
    np.testing.assert_array_equal(rows.load(["m2"]), MATRIX[2:3])


# Whose rows they are


def test_items_without_a_vector_are_counted_and_named(capsys):
    np.savez("a.npz", ids=np.array(ITEMS[:1] + ITEMS[3:]), vectors=MATRIX[[0, 3]])
    rows = opened("a.npz")
    assert rows.ensure(ITEMS).tolist() == [True, False, False, True]
    assert "WARNING: 2 of 4 photographs of toy have no vector in a.npz" in (said := capsys.readouterr().err)
    assert "first: b.jpg" in said
    with pytest.raises(KeyError):
        rows.load(["b.jpg"])


def test_rows_of_no_item_are_counted_and_named(capsys):
    np.savez("a.npz", ids=np.array([*ITEMS, "x.jpg"]), vectors=np.concatenate([MATRIX, MATRIX[:1]]))
    assert opened("a.npz").ensure(ITEMS).all()
    assert capsys.readouterr().err == "a.npz: 1 of 5 rows belong to no photograph of toy (first: x.jpg).\n"


def test_of_rows_with_one_id_the_first_counts_and_the_others_are_counted(capsys):
    np.savez("a.npz", ids=np.array([*ITEMS, "b.jpg"]), vectors=np.concatenate([MATRIX, MATRIX[:1]]))
    np.testing.assert_array_equal(opened("a.npz").load(ITEMS), MATRIX)
    assert "1 rows repeat the id of an earlier row and are left out (b.jpg)" in capsys.readouterr().err


def test_a_file_name_stands_for_the_id_that_is_made_of_it(capsys):
    np.savez("a.npz", ids=np.array(["00001.jpg", "b.jpg", "my c.jpg", "d.jpg"]), vectors=MATRIX)
    np.testing.assert_array_equal(opened("a.npz").load(ITEMS), MATRIX)
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(
    ("matrix", "words"),
    [
        (MATRIX[:3], "has 3 rows without ids, but toy has 4 photographs: give a row for each"),
        (np.vstack([MATRIX, MATRIX]), "has 8 rows without ids, but toy has 4 photographs"),
        (MATRIX.T, "transpose it"),
    ],
)
def test_another_number_of_rows_than_items_is_refused_with_both(matrix, words):
    np.save("a.npy", matrix)
    assert words in refused("a.npy")


def test_ids_of_another_corpus_are_refused():
    np.savez("a.npz", ids=np.array(["1", "2"]), vectors=MATRIX[:2])
    sentence = refused("a.npz")
    assert "None of the 2 ids" in sentence
    assert "(first: 1; an id of the corpus: 00001.jpg)" in sentence


# What is wrong with a file


@pytest.mark.parametrize("suffix", ["npy", "npz", "mat", "parquet"])
@pytest.mark.parametrize(
    ("value", "words"),
    [
        (np.nan, "is nan, which is not a finite number"),
        (-np.inf, "is -inf, which is not a finite number"),
        (1e300, "is 1e+300, which is too large for single precision"),
    ],
)
def test_a_number_that_is_not_finite_is_refused_with_its_row_id_and_column(suffix, value, words):
    matrix = MATRIX.astype(np.float64)
    matrix[2, 1], matrix[3, 0] = value, np.nan
    path = f"a.{suffix}"
    if suffix == "npy":
        np.save(path, matrix)
    elif suffix == "npz":
        np.savez(path, ids=np.array(ITEMS), vectors=matrix)
    elif suffix == "mat":
        save_mat(path, X=matrix)
    else:
        save_parquet(path, columns(matrix))
    assert refused(path).startswith(f"{path}: row 3 (my%20c.jpg), column 2 {words}")


def test_a_number_that_is_not_finite_is_found_beyond_the_first_block(monkeypatch):
    monkeypatch.setattr("ntcir.encoders.vector_files._BLOCK", 4)
    monkeypatch.setattr("ntcir.encoders.vector_files._LONG", 1)
    matrix = MATRIX.copy()
    matrix[3, 2] = np.inf
    np.save("a.npy", matrix)
    assert "row 4 (d.jpg), column 3 is inf" in refused("a.npy")


def test_an_empty_cell_of_a_table_is_not_a_number():
    save_parquet("a.parquet", {"x": [1.0, None, 2.0, 3.0], "y": [1, 2, 3, 4]})
    assert "row 2 (b.jpg), column 1 is nan" in refused("a.parquet")


def two_in_one_file() -> None:
    with Path("a.npy").open("wb") as file:
        np.save(file, MATRIX)
        np.save(file, MATRIX)


def save_zip(name: str, data: bytes) -> None:
    with zipfile.ZipFile("a.npz", "w") as file:
        file.writestr(name, data)


WRONG: list[tuple[str, Callable[[], Any], str]] = [
    ("absent.npy", lambda: None, "no such file"),
    ("a", lambda: Path("a").mkdir(), "is a directory"),
    ("a.npy", lambda: Path("a.npy").touch(), "the file is empty"),
    ("a.npy", lambda: Path("a.npy").write_text("1 2 3\n"), "not an .npy, .npz, .mat or .parquet file"),
    ("a.npy", lambda: Path("a.npy").write_bytes(b"\x1f\x8b" + bytes(20)), "but compressed with gzip"),
    ("a.npy", lambda: Path("a.npy").write_bytes(pickle.dumps(MATRIX)), "but a Python pickle, which may run code"),
    ("a.npy", lambda: np.save("a.npy", np.array([["x", {}]], dtype=object)), "holds Python objects"),
    ("a.npy", lambda: np.save("a.npy", MATRIX.astype(complex)), "of the type complex128, not real numbers"),
    ("a.npy", lambda: np.save("a.npy", np.array([["1", "2"]] * 4)), "of the type <U1, not real numbers"),
    ("a.npy", lambda: np.save("a.npy", np.zeros(4, dtype=[("x", "f4")])), "not real numbers"),
    ("a.npy", lambda: np.save("a.npy", np.array(["2020-01-01"] * 4, dtype="M8[D]")), "not real numbers"),
    ("a.npy", lambda: np.save("a.npy", MATRIX[:, 0]), "has 1 dimensions, not two"),
    ("a.npy", lambda: np.save("a.npy", MATRIX[None]), "has 3 dimensions, not two"),
    ("a.npy", lambda: np.save("a.npy", np.float32(1)), "has 0 dimensions, not two"),
    ("a.npy", lambda: np.save("a.npy", MATRIX[:, :0]), "the array is empty (4 rows, 0 columns)"),
    ("a.npy", lambda: np.save("a.npy", MATRIX[:0]), "the array is empty (0 rows, 3 columns)"),
    ("a.npy", lambda: np.save("a.npy", np.zeros((4, 70_000), dtype=np.int8)), "a row has 70,000 columns"),
    ("a.npy", two_in_one_file, "has data after its array"),
    ("a.npz", lambda: np.savez("a.npz"), "it has no array"),
    ("a.npz", lambda: save_zip("data.pkl", b"x"), "it has no array"),
    ("a.npz", lambda: np.savez("a.npz", a=MATRIX, b=MATRIX), "name the one that is meant 'vectors' or 'image'"),
    ("a.npz", lambda: np.savez("a.npz", a=MATRIX[0], b=MATRIX[1]), "no two-dimensional array of real numbers"),
    ("a.npz", lambda: np.savez("a.npz", vectors=MATRIX, ids=np.array(ITEMS[:3])), "there are 3 ids for 4 rows"),
    ("a.npz", lambda: np.savez("a.npz", vectors=MATRIX, ids=np.arange(4)), "its ids are an array of the type int64"),
    ("a.npz", lambda: np.savez("a.npz", vectors=MATRIX, ids=cells(ITEMS)), "the array ids holds Python objects"),
    ("a.npz", lambda: np.savez("a.npz", cells(ITEMS)), "the array arr_0 holds Python objects"),
    ("a.mat", lambda: Path("a.mat").write_text("1 2 3\n"), "truncated, damaged or older than version 5"),
    ("a.mat", lambda: save_mat("a.mat", X=MATRIX * 1j), "the variable X is complex"),
    ("a.mat", lambda: save_mat("a.mat", a=MATRIX, b=MATRIX), "name the one that is meant 'vectors' or 'image'"),
    ("a.mat", lambda: save_mat("a.mat", X=cells(ITEMS)), "the variable X is cell"),
    ("a.mat", lambda: save_mat("a.mat", X={"y": MATRIX}), "the variable X is struct"),
    ("a.mat", lambda: save_mat("a.mat", X=np.ones((2, 2, 2))), "the array has 3 dimensions"),
    ("a.mat", lambda: save_mat("a.mat", vectors=MATRIX, ids=np.arange(4.0)), "its ids are numeric, not texts"),
    ("a.mat", lambda: save_mat("a.mat", vectors=MATRIX, ids=cells([*ITEMS[:3], 4])), "(cell 4 is numeric, size 1x1)"),
    ("a.parquet", lambda: save_parquet("a.parquet", {"name": ITEMS} | columns()), "if it has the ids, call it 'image'"),
    ("a.parquet", lambda: save_parquet("a.parquet", {"id": [1, 2, 3, 4]} | columns()), "its ids (id) are Int64"),
    ("a.parquet", lambda: save_parquet("a.parquet", {"id": ["a", None]} | columns(MATRIX[:2])), "row 2 has no id"),
    ("a.parquet", lambda: save_parquet("a.parquet", {"id": ITEMS}), "no columns of numbers"),
    ("a.parquet", lambda: save_parquet("a.parquet", {"v": [[1.0], [1.0, 2.0]]}), "row 2 has 2 numbers, and row 1"),
    ("a.parquet", lambda: save_parquet("a.parquet", {"v": [["x"], ["y"]]}), "not lists of numbers"),
    ("a.parquet", lambda: save_parquet("a.parquet", {"v": MATRIX.tolist(), "w": [1] * 4}), "one column of lists"),
    ("a.parquet", lambda: save_parquet("a.parquet", {"v": [[], []]}), "not lists of numbers"),
]  # fmt: skip


@pytest.mark.parametrize(("path", "make", "words"), WRONG, ids=[f"{path}: {words}" for path, _, words in WRONG])
def test_a_file_that_cannot_be_used_is_refused_in_one_sentence(path, make, words):
    make()
    assert words in refused(path)


@pytest.mark.parametrize("suffix", ["npz", "mat", "parquet"])
def test_a_small_file_that_would_fill_the_memory_is_refused_before_it_is_unpacked(suffix, monkeypatch):
    monkeypatch.setattr("ntcir.encoders.vector_arrays.LARGEST", 1 << 20)
    matrix = np.zeros((4, 1 << 16))
    if suffix == "npz":
        np.savez_compressed("a.npz", matrix)
    elif suffix == "mat":
        save_mat("a.mat", X=matrix, packed=True)
    else:
        save_parquet("a.parquet", columns(np.zeros((1 << 16, 4))))
    assert "more than 100 times the file" in refused(f"a.{suffix}")


@pytest.mark.parametrize("head", [b"MATLAB 7.3 MAT-file, Platform: GLNXA64", b"\x89HDF\r\n\x1a\n"])
def test_a_file_of_matlab_7_3_is_told_as_such(head):
    Path("a.mat").write_bytes(head + bytes(600))
    assert "save it with -v7" in refused("a.mat")


def test_a_sparse_matrix_of_matlab_is_told_as_such():
    sparse = pytest.importorskip("scipy.sparse")
    save_mat("a.mat", X=sparse.csc_matrix(MATRIX))
    assert "X is sparse, save full(X)" in refused("a.mat")


@pytest.mark.parametrize("name", [*IN_ORDER, *BY_ID])
def test_a_damaged_file_is_one_sentence_or_numbers(name, capfd):
    if name in BY_ID:
        BY_ID[name](ITEMS, MATRIX)
    else:
        IN_ORDER[name]()
    data, draw = Path(name).read_bytes(), np.random.default_rng(0)
    said = []
    for _ in range(40):
        changed = bytearray(data[: draw.integers(len(data))] if draw.random() < 0.3 else data)
        for at in draw.integers(max(1, len(changed)), size=3):
            changed[at : at + 1] = bytes([draw.integers(256)])
        Path(name).write_bytes(changed)
        try:
            opened(name)
        except UserError as error:
            said.append(str(error))
    assert said
    assert "\n" not in "".join(said)
    assert "panicked" not in capfd.readouterr().err


def test_a_missing_library_is_told_with_what_installs_it(monkeypatch):
    save_parquet("a.parquet", columns())
    monkeypatch.setitem(sys.modules, "polars", None)
    assert "pip install 'ntcir[parquet]'" in refused("a.parquet")


def test_a_configuration_that_names_no_file_is_refused():
    with pytest.raises(UserError, match=r"give it in towers\.image\.vectors"):
        open_rows(Config().changed({"towers.image.encoder": "vectors"}), corpus(), "image")


# With a model


def test_the_encoder_is_saved_and_read_and_takes_other_vectors_of_its_length():
    np.save("a.npy", MATRIX)
    np.save("other.npy", MATRIX[:2] + 1)
    tree = opened("a.npy").encoder.to_json()
    encoder = encoder_class("vectors").from_json(tree)
    assert encoder.to_json() == tree
    rows = opened("other.npy", items=["x.jpg", "y.jpg"], encoder=encoder)
    np.testing.assert_array_equal(rows.load(["y.jpg"]), MATRIX[1:2] + 1)
    assert rows.encoder is encoder


def test_vectors_of_another_length_than_the_models_are_refused():
    np.save("a.npy", MATRIX)
    assert "have 3 columns, but the model was trained on 5" in refused("a.npy", encoder=VectorsEncoder(5, "0" * 64))


@pytest.mark.parametrize("tree", [{"dim": 0, "fingerprint": "0" * 64}, {"dim": 3, "fingerprint": "x"}, {"dim": 3}])
def test_a_damaged_description_of_an_encoder_is_told(tree):
    with pytest.raises((ValueError, KeyError)):
        VectorsEncoder.from_json(tree)


def test_training_depends_on_the_file_and_on_which_rows_are_taken():
    np.savez("a.npz", ids=np.array(ITEMS), vectors=MATRIX)
    first = opened("a.npz").facts(ITEMS[:2])
    assert first == opened("a.npz").facts(ITEMS[:2])
    assert first != opened("a.npz").facts(ITEMS[1:3])
    np.savez("a.npz", ids=np.array(ITEMS), vectors=MATRIX + 1)
    assert first != opened("a.npz").facts(ITEMS[:2])
    # The same file, but in a corpus whose items stand in another order.
    np.save("b.npy", MATRIX)
    assert opened("b.npy").facts(["b.jpg"]) != opened("b.npy", items=ITEMS[::-1]).facts(["b.jpg"])


def test_a_query_is_the_id_or_the_file_name_of_an_item():
    np.save("a.npy", MATRIX)
    rows = opened("a.npy")
    assert [rows.named(query) for query in ("00001.jpg", "my%20c.jpg", "my c.jpg")] == [ITEMS[0], ITEMS[2], ITEMS[2]]
    with pytest.raises(UserError, match=r"the photograph 'elsewhere\.jpg', which is not in toy, and this model knows"):
        rows.named("elsewhere.jpg")
    assert list(rows.encode({})) == []


def test_a_reading_that_is_given_in_full_cannot_be_asked_with():
    np.save("a.npy", MATRIX)
    with pytest.raises(
        UserError, match=r"a reading that is given in full, but .* towers\.sensor\.encoder=readings can"
    ):
        opened("a.npy", "sensor").named({"a": 1.0})


# Where the file is


def test_a_corpus_names_a_file_of_its_own_folder_and_no_other():
    Path("data").mkdir()
    np.save("data/a.npy", MATRIX)
    path = Path("data/ntcir.yaml")
    path.write_text("towers: {image: {encoder: vectors, vectors: a.npy}}")
    assert load_supplied(path, []).towers.of("image").vectors == Path("data/a.npy").absolute()
    for elsewhere in ("/etc/passwd", "../a.npy", "~/a.npy"):
        path.write_text(f"towers: {{image: {{encoder: vectors, vectors: {elsewhere}}}}}")
        with pytest.raises(UserError, match=r"towers\.image\.vectors = .* outside its folder"):
            load_supplied(path, [])
        assert load_supplied(path, ["towers.image.vectors=b.npy"]).towers.of("image").vectors == Path("b.npy")


def test_a_model_keeps_the_whole_path_and_one_that_is_handed_on_the_name():
    typed = load_config(None, ["towers.image.encoder=vectors", "towers.image.vectors=far/a.npy"])
    kept = typed.anchored()
    assert kept.towers.of("image").vectors == Path("far/a.npy").absolute()
    assert kept.changed(handed_on(kept)).towers.of("image").vectors == Path("a.npy")
