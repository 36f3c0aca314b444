from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import lightning.pytorch as pl
from torch_geometric.data import Data

from pyg_moleblend.checkpoints import save_pretrained
from pyg_moleblend.components import describe
from pyg_moleblend.datasets.recipe import RECIPE_KEY, recipe_of
from pyg_moleblend.datasets.targets import content_of, has_coordinates
from pyg_moleblend.inference.recovery_report import recovery_report
from pyg_moleblend.loader import molecule_loader
from pyg_moleblend.metrics.results import write_metrics
from pyg_moleblend.models import MoleBlendConfig, MoleBlendForPretraining
from pyg_moleblend.runtime.processes import wait_for_all
from pyg_moleblend.training.folder import one_run
from pyg_moleblend.training.pretraining import PretrainingModule
from pyg_moleblend.training.run import MODEL_FOLDER, Run, fit
from pyg_moleblend.training.settings import Machine, Schedule
from pyg_moleblend.training.statistics import fit_statistics
from pyg_moleblend.training.strategy import settle_rank
from pyg_moleblend.training.trainer import quiet_lightning


def pretrain(
    train: Sequence[Data] | Any,
    out: str | Path,
    valid: Sequence[Data] | Any = (),
    model: MoleBlendForPretraining | MoleBlendConfig | None = None,
    schedule: Schedule | None = None,
    machine: Machine | None = None,
    seed: int = 0,
    resume: bool = False,
) -> Run[MoleBlendForPretraining]:
    r"""Pretrains a model by blend-then-predict (arXiv 2307.06235, section 3.2).

    The model that is kept is the one after the last update, as is usual in pretraining, also where an earlier epoch
    was better in validation: that one's weights are in ``checkpoints/best.ckpt``.

    Args:
        train: Molecules to train on: a PyG dataset, a subset of one, or a list of ``Data``, with coordinates or
            without.
        out: Folder of the run: ``model/`` for ``from_pretrained``, ``metrics.json`` (losses and qualities of the
            validation molecules, and how each relation is recovered from each other), ``checkpoints/``, and the
            course of training in ``csv/`` and ``tensorboard/``.
        valid: Molecules to validate on. (default: :obj:`()`)
        model: The model to train, or the configuration of a fresh one. (default: :obj:`None`)
        schedule: How long and how fast. (default: :obj:`None`)
        machine: What to use of the machine. (default: :obj:`None`)
        seed: Everything random follows from it: order, blends, dropout, and the weights of a fresh model. Those of one
            that is passed were drawn when it was built; call ``torch.manual_seed`` before. (default: :obj:`0`)
        resume: Whether to go on from the folder's last checkpoint, with what the run was begun with.
            (default: :obj:`False`)

    Raises:
        FileNotFoundError: If there is nothing to resume.
        ValueError: If a run that is not to be resumed is in the folder, or one that was begun with other things,
            another run is at work in it, or the model could not be saved.
    """
    out, schedule, machine = Path(out), schedule or Schedule(), machine or Machine()
    settle_rank(machine)
    pl.seed_everything(seed, verbose=False)
    if not isinstance(model, MoleBlendForPretraining):
        model = MoleBlendForPretraining(model or MoleBlendConfig())
    facts = {
        "molecules": {"train": content_of(train), "valid": content_of(valid)},
        "model": describe(model),  # what cannot be saved is said before the training
    }
    if not resume:  # the checkpoint has them
        fit_statistics(model, train, seed=seed)
    module = PretrainingModule(model, schedule, seed)
    with one_run(out):
        trainer, data = fit(module, train, valid, out, machine, "valid/loss", "min", facts, resume=resume)
        metrics: dict[str, Any] = {"seed": seed, "steps": trainer.global_step, "train_molecules": len(train)}
        if len(valid):
            with quiet_lightning():
                results = trainer.validate(module, datamodule=data, verbose=False)[0]
            metrics["valid"] = {"molecules": len(valid)}
            metrics["valid"].update({name.removeprefix("valid/"): value for name, value in results.items()})
            model.to(trainer.strategy.root_device)
            report = recovery_report(model, molecule_loader(valid, schedule.batch_size))
            metrics["recovery"] = report.to_dict()
        model.cpu().eval()
        if trainer.is_global_zero:
            modality = "2d+3d" if has_coordinates(train) else "2d"
            recipe = recipe_of(train)
            told = {} if recipe is None else {RECIPE_KEY: recipe.to_dict()}
            save_pretrained(model, out / MODEL_FOLDER, {"modality": modality, "seed": seed, **told})
            write_metrics(out, metrics)
        wait_for_all()
    return Run(model, metrics, out)
