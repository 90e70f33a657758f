"""The verb ``run``: what it reads, and with which model it answers."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ntcir.formats.manifest import check_set, reading_set
from ntcir.formats.runs import read_pools
from ntcir.formats.tags import run_tag
from ntcir.formats.topics import read_topics
from ntcir.model.model import Model
from ntcir.retrieval.asking import check_split, corpus_to_ask, warn_if_interrupted
from ntcir.retrieval.retriever import Retriever
from ntcir.system.progress import say
from ntcir.workspace import find_file, newest_model, pool_file


def answer(
    topics: Path,
    model: Path | None,
    data: Path | None,
    *,
    tag: str | None,
    pools: str | None,
    depth: int,
    split: str | None,
    settings: Sequence[str] = (),
) -> list[str]:
    """Return the whole run for a topic file, one text a topic.

    Args:
        topics: as typed, or under ``topics/``.
        model: the model's folder; the newest under ``runs/`` if None.
        data: the corpus folder; the one the model was trained on if None.
        tag: the run's name; made from the model's folder if None.
        pools: a file, ``none`` to rank a whole split, or None for the file beside the topics, if there is one.
        depth: documents a topic, without pools.
        split: what is ranked without pools; if None, the test split of the model's own corpus or the whole of another.
        settings: of ``data.split``, ``data.outside``, ``data.pictures``, ``features.store`` and ``hubness.beta``, in
            place of the model's.

    Raises:
        UserError: for anything missing or wrong.
    """
    check_split(split, settings)
    place = find_file(topics)
    check_set(place)  # before the model is loaded, which takes longer
    folder = model or newest_model()
    if tag is not None:  # before the work, not after it
        tag = run_tag(tag, folder)
    trained = Model.load(folder)  # which says of what modalities the topics must be
    with reading_set(place):
        asked = read_topics(place, trained.config.pair)
        candidate_file = pool_file(pools, place)
        candidates = read_pools(candidate_file) if candidate_file else None
    warn_if_interrupted(folder)
    say(f"Answering {len(asked)} topics of {place} with {folder} on {data or trained.config.data.path}")
    pooled = candidates is not None
    corpus, ranked = corpus_to_ask(trained, folder, data, pooled=pooled, split=split, settings=settings)
    tag = run_tag(tag, folder)
    return list(Retriever(trained, corpus).run(asked, candidates, tag=tag, depth=depth, split=ranked))
