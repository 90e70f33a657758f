"""Going through a grid: what is there is kept, what is missing is trained, and the table grows row by row."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from ntcir.ablation.draws import draws_of
from ntcir.ablation.folds import open_folds
from ntcir.ablation.grid import Cell, Plan, Unit, of_length, read_plan
from ntcir.ablation.quiet import saying_once
from ntcir.ablation.repeat import CONFIGS, save_configs
from ntcir.ablation.results import Result, digest_of, load_result
from ntcir.ablation.rows import Row, Table, make_row, random_mrr
from ntcir.ablation.stores import Stores
from ntcir.ablation.training import is_prefix, train_and_answer
from ntcir.config import Config
from ntcir.model.split_ranks import mean_of
from ntcir.system.claims import claimed
from ntcir.system.errors import Interrupted, UserError
from ntcir.system.progress import progress, say
from ntcir.workspace import RUNS

Write = Callable[[Table], None]


def run_ablation(path: Path, data: Path | None, out: Path | None, write: Write) -> Path:
    """Train and measure what is missing of a grid.

    Args:
        path: the grid's file.
        data: the corpus folder; if None, as everywhere.
        out: where everything goes; ``runs/ablate-NAME`` if None.
        write: given the table whenever there are new rows in it.

    Returns:
        the folder.

    Raises:
        UserError: if anything in the file, the data or the weights is wrong, or another command fills the folder,
            before anything is trained; or if a training fails: what was computed is kept.
        Interrupted: if somebody presses Ctrl-C; likewise.
    """
    plan = read_plan(path, data)
    folder = out or RUNS / f"ablate-{plan.name}"
    ablation: Ablation | None = None
    try:
        with claimed(folder):
            ablation = Ablation(plan, folder)
            return ablation.run(write)
    except (KeyboardInterrupt, Interrupted):
        done = f"{ablation.done} of {len(ablation.paths)} trainings are done, and " if ablation else ""
        raise Interrupted(f"Interrupted: {done}nothing is lost; run the same command to continue ({folder}).") from None


class Ablation:
    """A grid under way.

    Args:
        plan: resolved.
        folder: gets ``cells/`` (a result a training), ``configs/`` (one a row), ``topics/`` and the table.

    Raises:
        UserError: if the data lack what the grid asks for, or a network's weights cannot be loaded.

    Attributes:
        paths: where the result of each training lies or will lie.
    """

    def __init__(self, plan: Plan, folder: Path) -> None:
        self.plan, self.folder = plan, folder
        self._seen: set[str] = {"Training", "Solving"}  # the progress of each: there is one bar for all
        with saying_once(self._seen):
            self._folds = {fold.name: fold for fold in open_folds(plan, folder)}
            for (method, _, fold), config in plan.configs.items():
                self._folds[fold].check(of_length(config, plan.iterations[0]), method)
            self._stores = Stores(plan, list(self._folds.values()))
        self._draws = draws_of(self._folds)
        units = [unit for cell in plan.cells for unit in plan.units(cell)]
        self._configs = {unit: plan.config(unit) for unit in units}
        self.paths = {unit: self._cells / f"{self._digest(unit, self._configs[unit])}.json" for unit in units}
        found = {unit: load_result(path, self._folds[unit.fold]) for unit, path in self.paths.items()}
        self._results = {unit: result for unit, result in found.items() if result}
        self._rows: dict[Cell, Row] = {}
        self._costs = self._steps_to_take()
        self._started, self._steps = time.monotonic(), 0

    @property
    def done(self) -> int:
        """Trainings whose result is there."""
        return len(self._results)

    @property
    def _cells(self) -> Path:
        return self.folder / "cells"

    def run(self, write: Write) -> Path:
        """Train what is missing; see ``run_ablation``."""
        for note in self._draws.notes:
            say(f"Note: {note}")
        if self._costs:
            if self.done:
                say(f"{self.done} of {len(self.paths)} trainings are done already.")
            self._stores.fill()
        save_configs(self.plan, self._folds, self.folder)
        self._measure_all()
        self._started = time.monotonic()
        with _steps(sum(self._costs.values())) as advance:
            for weights in self.plan.grid.weights:
                for method in self.plan.grid.methods:
                    there = len(self._rows)
                    self._train_all(weights, method, advance)
                    self._measure_all()
                    if len(self._rows) > there:
                        write(self._table())
        write(self._table())
        for leftover in self._cells.glob("training-*"):  # of a training that another grid began here
            shutil.rmtree(leftover, ignore_errors=True)
        return self.folder

    def _steps_to_take(self) -> dict[Unit, int]:
        """Return the steps that each missing training takes beyond the shorter one that it goes on from."""
        costs: dict[Unit, int] = {}
        ends: dict[Path, int] = {}
        for cell in sorted(self.plan.cells, key=lambda cell: cell.iterations):
            for unit in self.plan.units(cell):
                if unit not in self._results:
                    folder = self._model_folder(unit)
                    steps = self._configs[unit].training.iters
                    costs[unit] = steps - ends.get(folder, 0)
                    ends[folder] = steps
        return costs

    def _train_all(self, weights: str, method: str, advance: Callable[[int], None]) -> None:
        """Train a method on every fold with every seed, for all counts of iterations."""
        cells = [Cell(weights, iterations, method) for iterations in self.plan.iterations]
        for units in zip(*(self.plan.units(cell) for cell in cells), strict=True):
            before: Result | None = None
            for unit in units:
                prefix = is_prefix(self._configs[unit])
                if unit not in self._results:
                    # Unless a method of another name, but with the same configuration, has just been measured.
                    result = load_result(self.paths[unit], self._folds[unit.fold])
                    self._results[unit] = result or self._train(unit, before if prefix else None)
                    self._steps += self._costs[unit]
                    advance(self._costs[unit])
                    self._measure(unit.cell, aloud=True)
                if prefix:
                    before = self._results[unit]
            for place in {self._model_folder(unit) for unit in units}:
                shutil.rmtree(place, ignore_errors=True)  # answered: only figures are kept

    def _model_folder(self, unit: Unit) -> Path:
        """Return where a training's model lies while it is needed; longer trainings go on where shorter ones ended."""
        config = self._configs[unit]
        any_length = config.changed({"training.iters": 1}) if is_prefix(config) else config
        return self._cells / f"training-{self._digest(unit, any_length)}"

    def _digest(self, unit: Unit, config: Config) -> str:
        return digest_of(config, self._folds[unit.fold], self._stores.fingerprints(config))

    def _train(self, unit: Unit, before: Result | None) -> Result:
        cell = unit.cell
        what = {
            "weights": cell.weights, "method": cell.method, "iterations": cell.iterations, "fold": unit.fold,
            "seed": unit.seed,
        }  # fmt: skip
        fold = self._folds[unit.fold]
        try:
            with saying_once(self._seen):
                result = train_and_answer(self._configs[unit], fold, self._model_folder(unit), before, what)
        except Interrupted:
            raise
        except UserError as error:
            raise UserError(f"{unit}: {error}") from error
        result.save(self.paths[unit])
        return result

    def _measure(self, cell: Cell, *, aloud: bool = False) -> None:
        """Work out the row of a cell that has its last result, and is compared with one that has; say it."""
        first = Cell(cell.weights, cell.iterations, next(iter(self.plan.grid.methods)))
        results, baseline = self._complete(cell), self._complete(first)
        if results is None or baseline is None:
            return
        baseline = None if cell == first else baseline
        self._rows[cell] = row = make_row(cell, results, baseline, f"{CONFIGS}/{self.plan.file(cell)}", self._draws)
        if aloud:
            figures = ", ".join(
                f"{direction} {mrr.value:.4f} [{mrr.low:.3f}, {mrr.high:.3f}]" for direction, mrr in row.mrr.items()
            )
            pace = (time.monotonic() - self._started) / max(self._steps, 1)
            left = _time_left(pace * (sum(self._costs.values()) - self._steps))
            say(f"{cell}: {figures}; {self.done} of {len(self.paths)} trainings{left}")

    def _measure_all(self) -> None:
        for cell in self.plan.cells:
            if cell not in self._rows:
                self._measure(cell)

    def _complete(self, cell: Cell) -> dict[str, list[Result]] | None:
        """Return a cell's results by fold, None where some are missing."""
        units = self.plan.units(cell)
        if not all(unit in self._results for unit in units):
            return None
        return {fold: [self._results[unit] for unit in units if unit.fold == fold] for fold in self.plan.folds}

    def _table(self) -> Table:
        plan, fold = self.plan, next(iter(self._folds.values()))
        return Table(
            plan.name, fold.corpus.name, [self._rows[cell] for cell in plan.cells if cell in self._rows],
            list(plan.grid.weights), list(plan.grid.methods), plan.iterations, plan.grid.seeds,
            [name for name in plan.folds if name], plan.pool, random_mrr(list(self._folds.values())),
            len(plan.cells), self.folder, not fold.topics.pools, self._draws, mean_of(fold.corpus) == "best",
        )  # fmt: skip


def _time_left(seconds: float) -> str:
    if seconds < 1:
        return ""
    return f", about {seconds / 60:.0f} min left" if seconds >= 90 else f", about {seconds:.0f} s left"


@contextmanager
def _steps(total: int) -> Iterator[Callable[[int], None]]:
    """Show a bar of the training steps to take, if there are any."""
    if not total:
        yield lambda steps: None
        return
    with progress("Steps of training", total, unit=" steps/s") as advance:
        yield advance
