"""Where the features of a corpus that a model is asked about are stored already."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ntcir.config import Features, is_local
from ntcir.corpora.corpus import Corpus
from ntcir.features.corpus_folder import corpus_folder
from ntcir.features.text_features import with_pictures
from ntcir.modalities import pictured
from ntcir.model.model import Model
from ntcir.system.parallel import by_first
from ntcir.system.progress import say
from ntcir.workspace import DEMO


def store_of(model: Model, folder: Path, corpus: Corpus) -> Path:
    """Return where features are kept: where those of the corpus by the model's networks lie already, if they do.

    Args:
        model: trained.
        folder: the model's.
        corpus: that is asked about.
    """
    configured = model.config.features.store
    prints = {name: encoder.fingerprints for name, encoder in model.encoders.items() if encoder.fingerprints}
    if not prints:
        return configured
    shown = pictured(model.config.pair)
    # Where the pictures' features lie: others take minutes at most, and go there as well.
    wanted = prints[shown.name] if shown and shown.name in prints else [each for own in prints.values() for each in own]
    known_by = with_pictures(corpus, model.config.pair)
    return by_first(lambda: _stored_elsewhere(configured, folder, known_by, wanted))


def _stored_elsewhere(store: Path, model: Path, corpus: Corpus, fingerprints: Sequence[str]) -> Path:
    """Return where the features of a corpus are stored already: as configured, or beside the model or the corpus.

    A store that is given by a relative path lies in the folder in which a model was trained, which need not be this
    one. What is taken, or that nothing was found, is said on stderr.

    Nobody can tell whether an absolute path, or one with ``..``, was typed by the user in training or written by
    whoever made the model, which may have come from anywhere. It is written to only if it is such a store already:
    then it has features of these networks, of one corpus or another, or it is given by the user once more.

    Args:
        store: as configured with the model.
        model: the model's folder, usually ``runs/NAME`` in the folder in which it was trained.
        corpus: usually ``NAME`` or ``data/NAME`` there.
        fingerprints: of the networks whose features are wanted.
    """
    home, beside_corpus = model.resolve().parent.parent, corpus.root.resolve().parent
    if not is_local(store):
        for place in dict.fromkeys((store, home / store)):
            if all(any(place.glob(f"*/*-{fingerprint[:10]}/meta.json")) for fingerprint in fingerprints):
                return place
        named, store = store, Features().store
        say(
            f"The model's feature store {named} has no features of its networks: {store} is used instead (to use it "
            f"all the same, add --set features.store={named})."
        )
    if beside_corpus.name == DEMO.parent.name:
        beside_corpus = beside_corpus.parent
    others = dict.fromkeys((home / store, beside_corpus / store))
    others.pop(store.absolute(), None)
    for place in (store, *others):
        folder = corpus_folder(place, corpus)
        if all(any(folder.glob(f"*-{fingerprint[:10]}")) for fingerprint in fingerprints):
            if place != store:
                say(f"The features of {corpus.name} are read from {place}: there are none in {store.absolute()}.")
            return place
    if home != Path.cwd().resolve():  # otherwise the default place is expected
        looked = ", ".join(map(str, others))
        say(f"No features of {corpus.name} by these networks are stored in {store.absolute()}, nor in {looked}.")
    return store
