r"""Trials of settings that are kept in a folder, so that several processes share them and any may be interrupted."""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

import lightning.pytorch as pl
from filelock import FileLock
from lightning.pytorch.callbacks import Callback

from pyg_moleblend.metrics.results import METRICS_FILE
from pyg_moleblend.runtime.files import atomic_write
from pyg_moleblend.runtime.open_file import read_json
from pyg_moleblend.runtime.seeds import derived_seed
from pyg_moleblend.training.folder import RUN_FILE, changes_between, has_checkpoint, one_run
from pyg_moleblend.training.repeats import SUMMARY_FILE
from pyg_moleblend.training.search_space import SearchSpace

STUDY_FILE = "study.json"
r"""What the study is: everything that its trials depend on."""
JOURNAL_FILE = "journal.log"
TRIALS_FILE = "trials.csv"
STATES = {"COMPLETE": "complete", "PRUNED": "pruned", "FAIL": "failed", "RUNNING": "running"}

_LOCK = ".study"
_REASON = "reason"
_STARTUP = 5  # trials that come to an end before any is pruned


class Claim(NamedTuple):
    r"""A trial that this process works on.

    Attributes:
        trial: Optuna's trial.
        settings: Its settings.
        folder: Folder of its training.
        held: Closed when the work has ended.
    """

    trial: Any
    settings: dict[str, float]
    folder: Path
    held: ExitStack


class TrialRow(NamedTuple):
    r"""What is known of a trial.

    Attributes:
        number: Its number, from 0.
        state: A value of :data:`STATES`.
        value: The best validation of its epochs, NaN where there is none.
        epochs: Epochs that were validated.
        seconds: Time from its beginning to its end.
        settings: Its settings.
        reason: Why it has failed, or nothing.
    """

    number: int
    state: str
    value: float
    epochs: int
    seconds: float
    settings: dict[str, float]
    reason: str


class Study:
    r"""Optuna's study in a folder: settings by TPE (Bergstra et al., NeurIPS 2011), and trials pruned that are worse
    than the median of those before (Golovin et al., KDD 2017, section 3.2).

    What is drawn for a trial follows from the seed, its number and what is known of the trials before, so a search in
    one process can be replayed.

    Args:
        out: The folder.
        space: From what settings are drawn.
        mode: Whether the validation is to be low, ``"min"``, or high, ``"max"``.
        seed: Everything random follows from it.
        spared: Epochs in which no trial is pruned.

    Raises:
        ImportError: If Optuna is not installed.
    """

    def __init__(self, out: Path, space: SearchSpace, mode: str, seed: int, spared: int) -> None:
        self.optuna = require_optuna()
        self.out, self.space, self.seed = out, space, seed
        self.better = min if mode == "min" else max
        self._lock = FileLock(out / _LOCK)
        journal = self.optuna.storages.journal
        path = str(out / JOURNAL_FILE)
        alone = journal.JournalFileOpenLock(path)
        with self._lock:
            _mend(Path(path), alone)
            verbosity = self.optuna.logging.get_verbosity()
            self.optuna.logging.set_verbosity(self.optuna.logging.WARNING)
            try:
                self._study = self.optuna.create_study(
                    storage=self.optuna.storages.JournalStorage(journal.JournalFileBackend(path, alone)),
                    pruner=self.optuna.pruners.MedianPruner(_STARTUP, n_warmup_steps=spared),
                    study_name=out.name,
                    direction="minimize" if mode == "min" else "maximize",
                    load_if_exists=True,
                )
            finally:
                self.optuna.logging.set_verbosity(verbosity)

    def claim(self, trials: int) -> Claim | None:
        r"""A trial to work on: one that was interrupted, or else a new one; ``None`` where there are enough.

        Args:
            trials: How many there are to be.
        """
        optuna = self.optuna
        with self._lock:
            known = self._study.get_trials(deepcopy=False)
            self._study.sampler = self._sampler(len(known))
            for found in known:
                held = self._hold(found.number) if found.state == optuna.trial.TrialState.RUNNING else None
                if held is not None:
                    trial = optuna.trial.Trial(self._study, found._trial_id)
                    return Claim(trial, self.space.draw(trial), self.folder(found.number), held)
            if len(known) >= trials:
                return None
            trial = self._study.ask()
            settings = self.space.draw(trial)
            held = self._hold(trial.number)
            if held is None:
                raise ValueError(f"{self.folder(trial.number)} is held by another run: name another folder")
            return Claim(trial, settings, self.folder(trial.number), held)

    def tell(self, claim: Claim, state: str, reason: str = "") -> TrialRow:
        r"""Keeps how a trial has ended, and writes ``trials.csv``.

        Args:
            claim: The trial.
            state: ``"COMPLETE"``, ``"PRUNED"`` or ``"FAIL"``.
            reason: Why it has failed.
        """
        value = self.rows()[claim.trial.number].value
        if state == "COMPLETE" and not math.isfinite(value):
            state, reason = "FAIL", "no epoch has a finite validation"
        with self._lock:
            if reason:
                claim.trial.set_user_attr(_REASON, reason)
            told = self.optuna.trial.TrialState[state]
            self._study.tell(claim.trial.number, value if state == "COMPLETE" else None, told)
            rows = self.rows()
            self._write(rows)
        return rows[claim.trial.number]

    def rows(self) -> list[TrialRow]:
        r"""All trials, by number."""
        rows = []
        for trial in self._study.get_trials(deepcopy=False):
            values = [value for value in trial.intermediate_values.values() if math.isfinite(value)]
            seconds = trial.duration.total_seconds() if trial.duration is not None else math.nan
            rows.append(
                TrialRow(
                    trial.number,
                    STATES[trial.state.name],
                    self.better(values) if values else math.nan,
                    len(trial.intermediate_values),
                    seconds,
                    {name: trial.params[name] for name in self.space.names if name in trial.params},
                    str(trial.user_attrs.get(_REASON, "")),
                )
            )
        return rows

    def best(self) -> TrialRow:
        r"""The trial with the best validation of those that came to an end, the first of equal ones.

        Raises:
            ValueError: If none did.
        """
        rows = self.rows()
        complete = [row for row in rows if row.state == "complete"]
        if not complete:
            reason = next((row.reason for row in rows if row.reason), "none was begun")
            raise ValueError(f"none of the {len(rows)} trials in {self.out} came to an end: {reason}")
        return self.better(complete, key=lambda row: row.value)

    def folder(self, number: int) -> Path:
        r"""Folder of a trial's training."""
        return self.out / "trials" / f"{number:04d}"

    def _sampler(self, number: int) -> Any:
        return self.optuna.samplers.TPESampler(seed=derived_seed(self.seed, number) % 2**32)

    def _hold(self, number: int) -> ExitStack | None:
        held = ExitStack()
        try:
            held.enter_context(one_run(self.folder(number)))
        except ValueError:  # another process is at work on it
            return None
        return held

    def _write(self, rows: list[TrialRow]) -> None:
        with atomic_write(self.out / TRIALS_FILE, "w") as file:
            table = csv.writer(file, lineterminator="\n")
            table.writerow(["trial", "state", "validation", "epochs", "seconds", *self.space.names, _REASON])
            for row in rows:
                numbers = ["" if math.isnan(value) else value for value in (row.value, row.epochs, row.seconds)]
                settings = [row.settings.get(name, "") for name in self.space.names]
                table.writerow([row.number, row.state, *numbers, *settings, row.reason])


class Watch(Callback):
    r"""Tells a study what each epoch's validation has found, and ends the training of a trial that is to be pruned.

    Args:
        trial: Optuna's trial.
        monitor: The logged value.
    """

    def __init__(self, trial: Any, monitor: str) -> None:
        self.trial = trial
        self.monitor = monitor

    def on_validation_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        r"""Raises ``optuna.TrialPruned`` if the trial is to be pruned."""
        # An epoch that was interrupted between its validation and its checkpoint is told once.
        known = self.trial.study.get_trials(deepcopy=False)[self.trial.number].intermediate_values
        if trainer.current_epoch not in known:
            self.trial.report(float(trainer.callback_metrics[self.monitor]), trainer.current_epoch)
        if self.trial.should_prune():
            raise require_optuna().TrialPruned(f"worse than the median after epoch {trainer.current_epoch + 1}")


def is_study(out: Path) -> bool:
    r"""Whether a folder holds a study."""
    return (out / STUDY_FILE).is_file()


def check_study_folder(out: Path) -> None:
    r"""Raises ``ValueError`` if a folder holds a run that is no study."""
    files = (METRICS_FILE, SUMMARY_FILE, RUN_FILE)
    if has_checkpoint(out) or (not is_study(out) and any((out / name).is_file() for name in files)):
        raise ValueError(f"{out} holds a run already, which is no study: name another folder")


def check_same_study(out: Path, facts: Mapping[str, Any]) -> None:
    r"""Keeps what a study is when it begins, and compares it when it goes on or another process joins.

    Args:
        out: Folder of the study.
        facts: Everything that its trials depend on, as JSON.

    Raises:
        ValueError: If a run is in the folder, or a study of other things; they are named with both values.
    """
    check_study_folder(out)
    out.mkdir(parents=True, exist_ok=True)
    path, wanted = out / STUDY_FILE, json.loads(json.dumps(facts))
    with FileLock(out / _LOCK):
        if not path.is_file():
            with atomic_write(path, "w") as file:
                json.dump(wanted, file, indent=1)
        elif differing := list(changes_between(read_json(path), wanted)):
            more = f"; and {len(differing) - 4} more" if len(differing) > 4 else ""
            raise ValueError(
                f"the study in {out} was begun with other things: {'; '.join(differing[:4])}{more}. Go on with those "
                "that it was begun with, or start another in another folder"
            )


def require_optuna() -> ModuleType:
    r"""``optuna``.

    Raises:
        ImportError: If it is not installed, with what to do.
    """
    try:
        import optuna
        import optuna.storages.journal
    except ImportError as error:
        raise ImportError("tuning needs the package optuna: pip install 'pyg-moleblend[tune]'") from error
    return optuna


def _mend(journal: Path, lock: Any) -> None:
    r"""Takes the last line of a journal away that a killed process has written in part: no line could follow it."""
    if not journal.is_file():
        return
    lock.acquire()
    try:
        with open(journal, "rb+") as file:
            content = file.read()
            if content and not content.endswith(b"\n"):
                file.truncate(content.rfind(b"\n") + 1)
    finally:
        lock.release()
