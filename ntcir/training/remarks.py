"""Settings that have no effect on a training, reported before it begins."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from ntcir.config import Config, Section, Training
from ntcir.modalities import pictured
from ntcir.system.errors import some
from ntcir.training.text_remarks import idle_texts
from ntcir.training.tower_remarks import idle_towers


def idle_settings(config: Config, group_sizes: np.ndarray, *, grouped: bool = True) -> Iterator[str]:
    """Yield a sentence for each setting that has no effect.

    Args:
        config: resolved.
        group_sizes: pairs of each group (day, session) of the training split.
        grouped: whether the corpus has days or sessions; without, all pairs are one group.
    """
    yield from _of_mirror(config)
    if config.solved is not None:
        yield from _of_solved(config, config.solved.kind)
        yield from _of_bias(config)
        yield from idle_texts(config)
        return
    yield from _of_batches(config, group_sizes) if grouped else _without_groups(config, int(group_sizes.sum()))
    yield from _switched_off(config)
    yield from _of_bias(config)
    yield from idle_texts(config)
    yield from _of_rates(config.training)
    yield from idle_towers(config)
    yield from _of_shares(config)
    yield from _of_mining(config, int(group_sizes.sum()))
    yield from _without_negatives(config, grouped=grouped)
    yield from _of_objectives(config)


def _of_mirror(config: Config) -> Iterator[str]:
    kinds = [config.towers.of(name).encoder for name in config.pair]
    if config.features.mirror and "frozen" not in kinds:
        yield (
            "features.mirror is set but not used: it applies to pictures that the encoder frozen encodes, and the "
            f"encoders are {' and '.join(map(str, kinds))}."
        )


def _of_solved(config: Config, kind: str) -> Iterator[str]:
    """Yield what is set of training where there is none."""
    changed = [f"training.{key}" for key in _changed(config.training) if key != "iters"]
    changed += ["towers.rectify"] if config.towers.rectify == "training" else []
    for name in config.pair:
        tower = config.towers.of(name)
        changed += [f"towers.{name}.{key}" for key in ("input_dropout", "dropout") if getattr(tower, key)]
    for name, section in (
        ("augment", config.augment), ("positives", config.positives), ("negatives", config.negatives),
        ("encoder", config.encoder),
    ):  # fmt: skip
        changed += [f"{name}.{key}" for key in _changed(section)]
    if changed:
        verb = "is" if len(changed) == 1 else "are"
        yield f"{some(changed, 4)} {verb} set but not used: {kind} is solved, not trained."


def _of_batches(config: Config, sizes: np.ndarray) -> Iterator[str]:
    batch, pairs = config.training.batch, int(sizes.sum())
    if config.training.batches == "all":
        if batch > pairs:
            yield f"training.batch = {batch} is more than the {pairs} training pairs: a batch has all of them."
        return
    alone, most = int((sizes == 1).sum()), int(sizes.max(initial=0))
    if alone == len(sizes):
        yield "training.batches = day has no effect: no day (session) has two pairs; batches are drawn from all."
        return
    if alone:
        yield f"{alone} training pairs are alone in their day (session): training.batches = day never shows them."
    if batch > most:
        yield f"training.batch = {batch} is more than the {most} pairs of the largest day (session): it is cut."


def _without_groups(config: Config, pairs: int) -> Iterator[str]:
    """Yield what is set of days, sessions and times where there are none."""
    training, usual = config.training, Training()
    if training.batch > pairs:
        yield f"training.batch = {training.batch} is more than the {pairs} training pairs: a batch has all of them."
    idle = {
        "training.batches = day": training.batches == "day",
        f"training.near_seconds = {training.near_seconds:g}": training.near_seconds not in {0, usual.near_seconds},
        "positives.within_seconds": config.positives.objects and config.positives.within_seconds is not None,
    }
    for setting, is_set in idle.items():
        if is_set:
            yield f"{setting} has no effect: the pairs have no days, sessions or times."


def _switched_off(config: Config) -> Iterator[str]:
    """Yield what is set of parts that are off."""
    mined = config.negatives.objects or config.negatives.model
    switches: list[tuple[str, Section, bool, str]] = [
        ("positives", config.positives, config.needs_objects, "positives.objects is false"),
        ("augment", config.augment, config.augment.views > 0, "augment.views is 0"),
        ("negatives", config.negatives, mined, "negatives.objects and negatives.model are false"),
        ("encoder", config.encoder, config.encoder.finetune, "encoder.finetune is false"),
    ]
    for name, section, on, why in switches:
        yield from _idle(name, section, on, why)


def _of_bias(config: Config) -> Iterator[str]:
    return _idle("hubness", config.hubness, config.hubness.beta > 0, "hubness.beta is 0")


def _idle(name: str, section: Section, on: bool, why: str) -> Iterator[str]:
    changed = [] if on else _changed(section)
    if changed:
        keys = some([f"{name}.{key}" for key in changed], 3)
        yield f"{keys} {'is' if len(changed) == 1 else 'are'} set but not used: {why}."


def _changed(section: Section) -> list[str]:
    """Return the keys of a section that are not as they are by default."""
    usual = type(section)()
    return [key for key in type(section).model_fields if getattr(section, key) != getattr(usual, key)]


def _of_rates(training: Training) -> Iterator[str]:
    if training.optimizer != "sgd" and "momentum" in _changed(training):
        yield f"training.momentum is set but not used: training.optimizer is {training.optimizer}."
    late = [str(step) for step in training.milestones if step >= training.iters]
    if late:
        yield (
            f"training.milestones: {some(late, 4)} {'is' if len(late) == 1 else 'are'} beyond training.iters = "
            f"{training.iters}, so that rates do not fall there: lower {'it' if len(late) == 1 else 'them'}, or raise "
            "training.iters."
        )


def _of_shares(config: Config) -> Iterator[str]:
    """Yield what is computed and then not used, because its share of a batch rounds to nothing."""
    batch, negatives = config.training.batch, config.negatives
    found = pictured(config.pair)
    pictures = "pictures" if found is None else found.plural
    kinds = negatives.objects + negatives.model
    shown = {
        ("positives.share", f"matched {pictures}"): (config.positives.objects, config.positives.share, 1),
        ("augment.share", f"altered {pictures}"): (config.augment.views > 0, config.augment.share, 1),
        ("negatives.share", "hard negatives"): (kinds > 0, negatives.share, kinds),
    }
    for (key, what), (on, share, parts) in shown.items():
        if on and round(share * batch) < parts:
            yield f"{key} = {share:g} of a batch of {batch} gives no {what}: raise it."


def _of_mining(config: Config, pairs: int) -> Iterator[str]:
    negatives, iters = config.negatives, config.training.iters
    if negatives.model and negatives.every >= iters:
        yield (
            f"negatives.every = {negatives.every} is not less than training.iters = {iters}: the model never mines; "
            "lower it."
        )
    if negatives.model and negatives.range_min >= pairs - 1:
        yield (
            f"negatives.range_min = {negatives.range_min} is beyond the {pairs - 1} other training pairs: the model "
            "mines nothing; lower it."
        )
    elif negatives.model and negatives.range_min >= negatives.sample - 1:
        yield (
            f"negatives.range_min = {negatives.range_min} is beyond the pairs that are searched (negatives.sample = "
            f"{negatives.sample}): the model may mine nothing; lower one or raise the other."
        )
    if negatives.objects and not negatives.near_seconds and not negatives.similar:
        yield "negatives.near_seconds and negatives.similar are both 0: nothing is mined by objects; raise one of them."


def _without_negatives(config: Config, *, grouped: bool) -> Iterator[str]:
    """Yield what is set of negatives where no objective learns from them."""
    if any(objective.contrasts for objective in config.losses):
        return
    for key in _changed(config.training):
        if key == "mask_equal_readings" or (key == "near_seconds" and grouped):  # else that is said already
            yield f"training.{key} is set but not used: no objective learns from negatives."
    for key in ("objects", "model"):
        if getattr(config.negatives, key):
            yield (
                f"negatives.{key} is true, and no objective learns from negatives: what is mined is only more of what "
                "batches have."
            )


def _of_objectives(config: Config) -> Iterator[str]:
    alone = len(config.losses) == 1
    for place, objective in enumerate(config.losses):
        for remark in objective.remarks(config.training.iters, alone=alone):
            yield f"objectives.{place}.{remark}."


def of_validation(pool_sizes: np.ndarray, *, trained: bool = True) -> Iterator[str]:
    """Yield what keeps a validation from telling good weights from bad ones.

    Args:
        pool_sizes: candidates of each pool.
        trained: whether there are weights to choose from: those of many steps.
    """
    pairs, alone = int(pool_sizes.sum()), int((pool_sizes == 1).sum())
    if pairs < 2:
        found = "no pair" if pairs == 0 else "a single pair"
        if trained:
            yield f"The validation split has {found} (data.split): the last weights are kept, not the best."
    elif alone == len(pool_sizes):
        kept = "the first weights measured are kept; " if trained else ""
        yield (
            "WARNING: every validation pair is alone in its day (session) and so ranked first (MRR 1) whatever the "
            f"model: {kept}give a validation split with longer days (data.split)."
        )
    elif alone:
        yield (
            f"WARNING: {alone} of {pairs} validation pairs are alone in their day (session) and so ranked first "
            "whatever the model: the validation MRR is too high."
        )
