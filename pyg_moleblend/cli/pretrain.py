from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from pyg_moleblend.models import MoleBlendConfig
from pyg_moleblend.training import Machine, Schedule

_MODEL, _SCHEDULE, _MACHINE = MoleBlendConfig(), Schedule(), Machine()


def run(
    data: str,
    out: str,
    root: str = "data",
    smiles_column: str | None = None,
    max_molecules: int | None = None,
    conformers: int = 0,
    valid_fraction: float = 0.05,
    model: MoleBlendConfig = _MODEL,
    relations: dict[str, Any] | None = None,
    objectives: dict[str, Any] | None = None,
    blending: dict[str, Any] | str | None = None,
    loss_weights: dict[str, float] | None = None,
    schedule: Schedule = _SCHEDULE,
    machine: Machine = _MACHINE,
    seed: int = 0,
    resume: bool = False,
    keep_config: Callable[[Path, bool], None] = lambda folder, resume: None,
) -> None:
    """Train a model by blend-then-predict. The model after the last update is kept, not the best in validation.

    Args:
        data: Molecules: qm9, moleculenet:NAME, ogb:NAME, pcqm4mv2, a folder that moleblend prepare made, or the path of
            a table (.csv, .tsv, .parquet, .sdf, .smi, ...).
        out: Folder of the run: model, metrics, checkpoints, logs, and the configuration.
        root: Folder of the published datasets; they are downloaded into it.
        smiles_column: Column of a table's SMILES; the one that is called so by default.
        max_molecules: Take only so many molecules.
        conformers: Conformers to give to each molecule without coordinates; 0 is none. Of several, training draws
            another one in every epoch.
        valid_fraction: Share of the molecules to validate on; 0 is none.
        model: The encoder's shape.
        relations: Relations to blend beside the paper's three, by name: a component, {component: NAME, arguments:
            {...}}, or null to take one away.
        objectives: What to predict beside the paper's objectives, likewise.
        blending: How relations are drawn, a component; the paper's by default.
        loss_weights: Weight of each objective by name; that of the authors' release by default, or 1.
        schedule: How long and how fast.
        machine: What to use of the machine.
        seed: Everything random follows from it.
        resume: Go on with the run that is in the folder.
    """
    import lightning.pytorch as pl

    from pyg_moleblend.cli.component_options import make_pretraining
    from pyg_moleblend.cli.data import load_data, say, tell
    from pyg_moleblend.datasets.targets import has_coordinates, take
    from pyg_moleblend.inference import RecoveryReport
    from pyg_moleblend.runtime.files import refuse_overwriting
    from pyg_moleblend.splits import random_split
    from pyg_moleblend.training import pretrain
    from pyg_moleblend.training.folder import check_folder, one_run
    from pyg_moleblend.training.strategy import settle_rank

    settle_rank(machine)
    refuse_overwriting(out, data)
    check_folder(Path(out), resume)
    pl.seed_everything(seed, verbose=False)  # the model's weights are drawn here
    made = make_pretraining(model, relations, objectives, blending, loss_weights)
    if not 0 <= valid_fraction < 1:
        raise ValueError(f"valid_fraction must lie in [0, 1), got {valid_fraction}")
    molecules = load_data(
        data,
        root,
        smiles_column,
        (),
        max_molecules,
        conformers,
        seed,
        machine.progress,
        num_workers=machine.num_workers,
    )
    if not has_coordinates(molecules):
        say("no molecule has coordinates, so only 2D relations are learnt; --conformers 1 gives each a 3D structure")
    split = random_split(molecules, (1 - valid_fraction, valid_fraction, 0), seed)
    train, valid = take(molecules, split.train), take(molecules, split.valid)
    with one_run(Path(out)):
        keep_config(Path(out), resume)
        done = pretrain(train, out, valid, made, schedule, machine, seed, resume)
    say(f"{split}")
    if "recovery" in done.metrics:
        tell(RecoveryReport(**done.metrics["recovery"]))
    say(f"model in {done.model_folder}, metrics in {done.folder / 'metrics.json'}")
