r"""What the tests of several processes run in them: a script for torchrun and for Lightning's own launcher.

``python two_processes.py FOLDER JOB...`` runs the jobs one after the other, each in every process.
"""

import json
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import lightning.pytorch as pl
import torch

from pyg_moleblend.chem import parse_smiles
from pyg_moleblend.cli import main
from pyg_moleblend.inference import predict
from pyg_moleblend.models import MoleBlendConfig, MoleBlendForPretraining
from pyg_moleblend.nn import Blend
from pyg_moleblend.nn.denoising_head import DenoisingHead
from pyg_moleblend.training import Machine, MoleculeDataModule, Schedule
from pyg_moleblend.training import trainer as trainers
from pyg_moleblend.utils import DenseMolecules

SMILES = [
    "CCO", "c1ccccc1", "CC(=O)O", "CCN", "C1CCCCC1", "CC#N", "COC", "CCCCO", "c1ccncc1",
    "CC(C)=O", "NCC(=O)O", "C=CC=C", "CCOCC", "OCCO", "CC", "CCCC", "C1CC1", "N#CC#N",
]  # fmt: skip
CONFIG = MoleBlendConfig(
    channels=16, num_layers=2, heads=2, ffn_channels=16, num_gaussians=8,
    attention_dropout=0.0, activation_dropout=0.0,
)  # fmt: skip
SCHEDULE = Schedule(epochs=2, batch_size=2, learning_rate=1e-2, clip_norm=0.5)
MACHINE = Machine(accelerator="cpu", devices=2, progress=False, checkpoint_steps=1)
VALID_FRACTION = 0.25
CHECKPOINTING = ["--machine.activation_checkpointing=true"]  # what it drops is computed when weights are shared out


def write_table(folder: Path) -> Path:
    r"""Molecules with two targets, one of which has gaps."""
    rows = []
    for number, text in enumerate(SMILES):
        atoms = parse_smiles(text).GetNumAtoms()
        rows.append(f"{text},{atoms},{'' if number % 3 == 0 else 2 * atoms + number % 2}")
    path = folder / "molecules.csv"
    path.write_text("smiles,size,gaps\n" + "\n".join(rows) + "\n")
    return path


def draw_by_molecule(model: MoleBlendForPretraining, molecules: DenseMolecules, generator: Any = None) -> Blend:
    r"""A blend that depends on the molecule alone, not on who shares its batch."""
    B, N = molecules.mask.shape
    relation, feature = torch.full((B, N, N), -1), torch.full((B, N), -1)
    noise = torch.zeros(B, N, 3)
    for number, n in enumerate(molecules.mask.sum(1).tolist()):
        key = (molecules.x[number, :n].long().sum(1) * torch.arange(1, n + 1)).sum()
        own = torch.Generator().manual_seed(int(key))
        relation[number, :n, :n] = torch.randint(0, 3, (n, n), generator=own)
        feature[number, :n] = torch.randint(0, 2, (n,), generator=own)
        noise[number, :n] = 0.2 * torch.randn(n, 3, generator=own)
    return Blend(relation, feature, noise)


def leave_nothing_to_chance(replace: Callable[[Any, str, Any], None]) -> None:
    r"""Blends that depend on the molecule alone, and no dropout of the denoising head."""
    replace(MoleBlendForPretraining, "draw_blend", draw_by_molecule)
    replace(DenoisingHead.__init__, "__defaults__", (0.0,))


class KilledAt(pl.Callback):
    r"""Kills the last process in the middle of an epoch, as ``kill -9`` does."""

    def on_train_batch_end(self, trainer: Any, module: Any, outputs: Any, batch: Any, batch_idx: int) -> None:
        if trainer.current_epoch == 1 and batch_idx == 1 and trainer.global_rank == 1:
            os.kill(os.getpid(), signal.SIGKILL)


def valid_data(valid: Any) -> MoleculeDataModule:
    r"""Data that are validated on only."""
    return MoleculeDataModule([], valid, SCHEDULE)


def settings() -> list[str]:
    r"""What differs from the defaults, as the command line has it."""
    words = []
    for name, given in (("model", CONFIG), ("schedule", SCHEDULE), ("machine", MACHINE)):
        default = vars(type(given)())
        words += [f"--{name}.{key}={value}" for key, value in vars(given).items() if value != default[key]]
    return words


def pretraining(folder: Path, out: str, *more: str) -> list[str]:
    r"""The words of a pretraining run."""
    fixed = ["--data", str(folder / "molecules.csv"), "--out", str(folder / out), "--conformers", "1", "--seed", "3"]
    fixed += ["--valid-fraction", str(VALID_FRACTION)]
    return ["pretrain", *fixed, *settings(), *more]


def finetuning(folder: Path, out: str, *more: str) -> list[str]:
    r"""The words of a fine-tuning run from 2D."""
    fixed = ["--data", str(folder / "molecules.csv"), "--out", str(folder / out), "--targets", "size,gaps"]
    fixed += ["--modality", "2d", "--seed", "3"]
    return ["finetune", *fixed, *settings(), *more]


def run_predict(folder: Path) -> int:
    r"""Predictions of a table, and of a single molecule, which leaves a process without."""
    where = ["--out", str(folder / "predicted.csv"), "--batch-size", "4", "--device", "cpu"]
    code = main(["predict", str(folder / "fresh"), str(folder / "molecules.csv"), *where])
    single = predict(folder / "fresh", SMILES[:1], device="cpu")
    single.to_json(folder / f"predicted-{torch.distributed.get_rank()}.json")
    return code


def run_job(folder: Path, job: str) -> int:
    r"""Runs a job by name; 0 if it went well."""
    if job == "killed":
        make = trainers.make_trainer

        def make_mortal(*args: Any, **kwargs: Any) -> pl.Trainer:
            trainer = make(*args, **kwargs)
            trainer.callbacks.append(KilledAt())
            return trainer

        from pyg_moleblend.training import run

        run.make_trainer = make_mortal
        return main(pretraining(folder, "killed"))
    if job == "predict":
        return run_predict(folder)
    return main(
        {
            "resume": pretraining(folder, "killed", "--resume"),
            "ddp": pretraining(folder, "ddp", "--machine.strategy=ddp"),
            "fsdp": pretraining(folder, "fsdp", "--machine.strategy=fsdp", *CHECKPOINTING),
            "finetune": finetuning(folder, "finetuned"),
        }[job]
    )


if __name__ == "__main__":
    torch.set_num_threads(1)
    leave_nothing_to_chance(setattr)
    where, jobs = Path(sys.argv[1]), sys.argv[2:]
    codes = {job: run_job(where, job) for job in jobs}
    if any(codes.values()):
        sys.exit(json.dumps(codes))
