from __future__ import annotations

import gc
import hashlib
import shutil
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import torch
import yaml
from filelock import FileLock
from torch import nn
from torch.distributed import is_torchelastic_launched
from torch_geometric.data import Data

from pyg_moleblend.components import describe
from pyg_moleblend.metrics import TaskType
from pyg_moleblend.metrics.results import METRICS_FILE, plain, write_metrics
from pyg_moleblend.models import MoleBlend, MoleBlendConfig
from pyg_moleblend.models.config import DROPOUTS
from pyg_moleblend.nn import Blending, Criterion, Readout
from pyg_moleblend.runtime.files import atomic_write
from pyg_moleblend.runtime.free_memory import is_out_of_memory
from pyg_moleblend.runtime.open_file import content_named, read_json
from pyg_moleblend.splits import Split
from pyg_moleblend.training.finetune import finetune, load_encoder
from pyg_moleblend.training.folder import LAST, has_checkpoint
from pyg_moleblend.training.module import DivergedError
from pyg_moleblend.training.problem import Problem, pose
from pyg_moleblend.training.repeats import repeat, seed_names
from pyg_moleblend.training.run import MODEL_FOLDER
from pyg_moleblend.training.search_space import DEFAULT_SPACE, SearchSpace, encoder_with, schedule_with
from pyg_moleblend.training.settings import ENCODER, FINE_TUNING, PATIENCE, Machine, Schedule
from pyg_moleblend.training.stop import TIME_IS_UP
from pyg_moleblend.training.study import Claim, Study, TrialRow, Watch, check_same_study
from pyg_moleblend.utils import Modality

BEST_FOLDER = "best"
BEST_FILE = "best.yaml"

_LOCK = ".best"
_WAIT = 1.0  # seconds between two looks at what other processes do


@dataclass(frozen=True)
class Tuned:
    r"""A search that has ended.

    Attributes:
        settings: The best settings.
        metrics: What ``metrics.json`` holds, ``None`` for NaN.
        folder: The folder of the study; ``folder / "best"`` holds the runs with the best settings.
    """

    settings: dict[str, float]
    metrics: dict[str, Any]
    folder: Path


def tune(
    molecules: Sequence[Data] | Any,
    split: Split,
    out: str | Path,
    encoder: nn.Module | MoleBlendConfig | None = None,
    space: Mapping[str, Any] | None = None,
    trials: int = 20,
    targets: Sequence[str] | None = None,
    kind: TaskType | None = None,
    metric: str | None = None,
    modality: Modality = "2d+3d",
    schedule: Schedule | None = None,
    machine: Machine | None = None,
    patience: int | None = PATIENCE,
    seed: int = 0,
    seeds: int = 1,
    readout: Readout | None = None,
    blending: Blending | None = None,
    criterion: Criterion | None = None,
) -> Tuned:
    r"""Searches settings of fine-tuning by validation, then trains with the best ones and tests once.

    Settings are drawn by TPE ("Algorithms for Hyper-Parameter Optimization", Bergstra et al., NeurIPS 2011). A trial
    whose best epoch so far is worse than the median of the others at the same epoch is pruned ("Google Vizier", Golovin
    et al., KDD 2017, section 3.2); one that diverges or runs out of memory is kept as failed. All are trained on a
    split without test molecules.

    A search that was interrupted goes on when it is called again. Several processes with the same folder share it; one
    of them trains with the best settings, and the others wait. In one process the same seed gives the same trials.

    Args:
        molecules: As for :func:`~pyg_moleblend.training.finetune`.
        split: Which of them are for training, for choosing the settings and the epoch, and for the test.
        out: Folder of the study: ``trials.csv``, ``best.yaml`` for ``moleblend finetune --config``, ``metrics.json``,
            ``best/seed-<seed>/`` with the runs of the best settings, and ``trials/``, what is left of the trials.
        encoder: The encoder to start from, which is not changed, or the configuration of a fresh one; the packaged
            ``moleblend-tiny`` by default.
        space: What is searched: ``{name: [low, high]}``, or three or more choices, or ``{"choices": [...]}``; names are
            ``learning_rate``, ``head_ratio`` (the head's learning rate by the encoder's), ``layer_decay``,
            ``weight_decay``, ``warmup``, ``clip_norm``, ``batch_size``, ``accumulate``, ``dropout``,
            ``attention_dropout``, ``activation_dropout`` and ``drop_path``. By default the first four, ``batch_size``
            and ``dropout``.
        trials: How many trials there are to be, with those that are in the folder. (default: :obj:`20`)
        targets: Targets to learn, by name; all by default.
        kind: ``"classification"`` or ``"regression"``; by default classification if all labels are 0 or 1.
        metric: What is to be good on the validation molecules; by default the usual metric of the kind.
        modality: Which inputs to use, ``"2d"``, ``"3d"`` or ``"2d+3d"``. (default: :obj:`"2d+3d"`)
        schedule: How long each trial is, and the settings that are not searched;
            :data:`~pyg_moleblend.training.settings.FINE_TUNING` by default.
        machine: What to use of the machine, one device; ``max_minutes`` are those of the call.
            (default: :obj:`None`)
        patience: Epochs without a better validation before a training stops. (default: :obj:`10`)
        seed: Everything random follows from it. (default: :obj:`0`)
        seeds: How often to train with the best settings, with ``seed``, ``seed + 1``, ... (default: :obj:`1`)
        readout: As for :func:`~pyg_moleblend.training.finetune`; the graph token by default.
        blending: Likewise. (default: :obj:`None`)
        criterion: Likewise; squared errors or cross entropy by default.

    Raises:
        ImportError: If Optuna is not installed.
        ValueError: If the arguments do not fit each other, the folder holds another run or study, its search has ended
            with fewer trials or other seeds, or no trial came to an end.
    """
    out, schedule = Path(out), schedule or FINE_TUNING
    encoder = load_encoder(ENCODER, drop_path=0.0) if encoder is None else encoder
    machine = one_device(machine or Machine())
    end = None if machine.max_minutes is None else time.monotonic() + 60 * machine.max_minutes
    counts = {"trials": trials, "seeds": seeds, "patience": 1 if patience is None else patience}
    if few := [f"`{name}` must be at least 1, got {count}" for name, count in counts.items() if count < 1]:
        raise ValueError(few[0])
    searched = SearchSpace.of(DEFAULT_SPACE if space is None else space)
    encoder_with(encoder, dict.fromkeys(searched.names, 0.0))  # refuses dropouts that are fixed
    problem = pose(molecules, split, targets, kind, metric, modality)
    if not len(split.valid):
        raise ValueError(f"settings are chosen by validation molecules, and the split {split} has none")
    facts = {
        **problem.facts(),
        "space": searched.facts(),
        "schedule": asdict(schedule),
        "patience": patience,
        "seed": seed,
        "encoder": {**describe(encoder), "weights": _weights(encoder)},
        "readout": None if readout is None else {**describe(readout), "weights": _weights(readout)},
        "blending": None if blending is None else describe(blending),
        "criterion": None if criterion is None else describe(criterion),
    }
    spared = schedule.epochs // 5 if schedule.steps is None else 1
    check_same_study(out, facts)
    if (found := _ended(out, trials, seeds)) is not None:
        return found
    study = Study(out, searched, problem.mode, seed, spared)

    def train(settings: Mapping[str, float], split: Split, folder: Path, seed: int, *watch: Watch) -> dict[str, Any]:
        done = finetune(
            molecules,
            split,
            folder,
            encoder_with(encoder, settings),
            targets,
            problem.task.kind,
            None if problem.metric == "loss" else problem.metric,
            problem.modality,
            schedule_with(schedule, settings),
            _until(end, machine),
            patience,
            seed,
            has_checkpoint(folder),
            readout,
            blending,
            criterion,
            callbacks=watch,
        )
        return done.metrics

    hidden = Split(split.name, split.train, split.valid, split.test[:0])  # no trial can look at the test molecules
    while True:
        _until(end, machine)
        if (claim := study.claim(trials)) is not None:
            row = _try(study, claim, lambda watch: train(claim.settings, hidden, claim.folder, seed, watch), problem)
            if machine.progress:
                print(_line(row, problem.metric), file=sys.stderr)
        elif any(row.state == "running" for row in study.rows()):
            time.sleep(_WAIT)  # for another process, or to take over what it leaves
        else:
            break

    with FileLock(out / _LOCK):
        if (found := _ended(out, trials, seeds)) is not None:  # by another process
            return found
        best, rows = study.best(), study.rows()
        parts = {"readout": readout, "blending": blending, "criterion": criterion}
        _write_best(out, best.settings, problem, targets, schedule, encoder, patience, seed, seeds, parts)
        runs = dict(zip(seed_names(seed, seeds), range(seed, seed + seeds), strict=True))
        summary = repeat(
            lambda name, folder, resume: train(best.settings, split, folder, runs[name]),
            list(runs),
            out / BEST_FOLDER,
            resume=True,
        )
        states = {state: sum(row.state == state for row in rows) for state in ("complete", "pruned", "failed")}
        metrics: dict[str, Any] = {
            "trials": {"looked_at": len(rows), **states},
            "metric": problem.metric,
            "modality": problem.modality,
            "best_trial": {"trial": best.number, "validation": best.value},
            "settings": best.settings,
            "split": str(split),
            "split_hash": split.hash,
            "seeds": list(runs.values()),
            **{part: summary[part] for part in ("valid", "test") if part in summary},
        }
        write_metrics(out, metrics)
    return Tuned(best.settings, plain(metrics), out)


def one_device(machine: Machine) -> Machine:
    r"""The machine with one device.

    Raises:
        ValueError: If more are asked for.
    """
    if str(machine.devices) not in ("auto", "1") or machine.num_nodes > 1 or is_torchelastic_launched():
        raise ValueError(
            f"a search trains each trial on one device, got devices={machine.devices}, num_nodes={machine.num_nodes}: "
            "start it several times with the same folder, each time with another CUDA_VISIBLE_DEVICES, not by torchrun"
        )
    return replace(machine, devices=1)


def _try(study: Study, claim: Claim, train: Callable[[Watch], object], problem: Problem) -> TrialRow:
    r"""Trains a trial that was claimed, and keeps how it has ended; other errors than its own leave it to be gone on
    with."""
    state, reason = "COMPLETE", ""
    with claim.held:
        try:
            train(Watch(claim.trial, f"valid/{problem.metric}"))
        except study.optuna.TrialPruned:
            state = "PRUNED"
        except (DivergedError, MemoryError, RuntimeError) as error:
            if not (isinstance(error, DivergedError) or is_out_of_memory(error)):
                raise
            state, reason = "FAIL", " ".join(str(error).split()) or type(error).__name__
        for part in (Path(LAST).parent, MODEL_FOLDER):
            shutil.rmtree(claim.folder / part, ignore_errors=True)
        row = study.tell(claim, state, reason)
    if reason and torch.cuda.is_available():
        gc.collect()
        torch.cuda.empty_cache()
    return row


def _until(end: float | None, machine: Machine) -> Machine:
    r"""The machine with the minutes that are left; ``SystemExit`` if none are."""
    if end is None:
        return machine
    if (seconds := end - time.monotonic()) <= 0:
        raise SystemExit(TIME_IS_UP)
    return replace(machine, max_minutes=seconds / 60)


def _ended(out: Path, trials: int, seeds: int) -> Tuned | None:
    r"""What came of a search that has ended: its test molecules are not scored another time."""
    path = out / METRICS_FILE
    if not path.is_file():
        return None
    metrics = read_json(path)
    with content_named(path):
        looked_at, trained, settings = metrics["trials"]["looked_at"], len(metrics["seeds"]), metrics["settings"]
    if trials > looked_at or seeds != trained:
        raise ValueError(
            f"the search in {out} has ended, its test molecules were scored after {looked_at} trials with {trained} "
            f"seeds; for {trials} and {seeds} start another in another folder"
        )
    return Tuned(settings, metrics, out)


def _write_best(
    out: Path,
    settings: Mapping[str, float],
    problem: Problem,
    targets: Sequence[str] | None,
    schedule: Schedule,
    encoder: nn.Module | MoleBlendConfig,
    patience: int | None,
    seed: int,
    seeds: int,
    parts: Mapping[str, nn.Module | Blending | None],
) -> None:
    options: dict[str, Any] = {
        "targets": None if targets is None else list(targets),
        "kind": problem.task.kind,
        "metric": None if problem.metric == "loss" else problem.metric,
        "modality": problem.modality,
        "schedule": asdict(schedule_with(schedule, settings)),
        "patience": patience,
        "seed": seed,
        "seeds": seeds,
        **{name: describe(part) for name, part in parts.items() if part is not None},
    }
    changed = encoder_with(encoder, settings)
    if isinstance(changed, MoleBlendConfig):
        options["model"] = changed.to_dict()
    elif isinstance(changed, MoleBlend):
        options["dropouts"] = {name: getattr(changed.config, name) for name in DROPOUTS}
    with atomic_write(out / BEST_FILE, "w") as file:
        yaml.safe_dump(options, file, sort_keys=False)


def _weights(module: nn.Module | MoleBlendConfig) -> str | None:
    if not isinstance(module, nn.Module):
        return None
    found = hashlib.sha256()
    for name, value in sorted(module.state_dict().items()):
        found.update(name.encode())
        found.update(value.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy().tobytes())
    return found.hexdigest()[:16]


def _line(row: TrialRow, metric: str) -> str:
    settings = ", ".join(f"{name} {value:.3g}" for name, value in row.settings.items())
    reason = f"; {row.reason}" if row.reason else ""
    return f"trial {row.number}: {row.state} after {row.epochs} epochs, {metric} {row.value:.4g}; {settings}{reason}"
