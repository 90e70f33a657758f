"""What objectives need of a corpus besides its pairs."""

from __future__ import annotations

from collections.abc import Iterator

from ntcir.config import Config
from ntcir.corpora.corpus import Corpus
from ntcir.sampling.relations import instances
from ntcir.system.errors import UserError
from ntcir.system.progress import say
from ntcir.training.categories import needy, require_categories


def require_needs(config: Config, corpus: Corpus) -> None:
    """Check that a corpus has what the objectives need, as far as can be told before objects are detected.

    Raises:
        UserError: naming the first objective that lacks something.
    """
    train, (left, right) = corpus.split("train"), config.pair
    require_categories(config, corpus)
    kind = needy(config, "instances")
    if kind is None:
        return
    count = int(instances(train[left].to_numpy(), train[right].to_numpy()).max()) + 1
    if count < 2:
        raise UserError(
            f"The objective {kind} tells instances apart, and all training pairs of {corpus.root} are linked by "
            "items that they share, which makes them one instance: choose another objective."
        )
    for sentence in of_instances(config, count):
        say(sentence)


def of_instances(config: Config, count: int) -> Iterator[str]:
    """Yield what there is to say about a training on so many instances.

    Raises:
        UserError: if an objective cannot be trained on them.
    """
    training = config.training
    moments = 2 if training.optimizer == "adam" else int(training.momentum > 0)
    for objective in config.losses:
        yield from objective.of_instances(count, config.towers.dim * config.towers.members, moments)
