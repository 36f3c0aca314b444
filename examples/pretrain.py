r"""Blend-then-predict on QM9's DFT geometries; then how well each relation is recovered from each other."""

import argparse
from pathlib import Path

import torch

from pyg_moleblend.datasets import QM9
from pyg_moleblend.inference import RecoveryReport
from pyg_moleblend.models import MoleBlendConfig, MoleBlendForPretraining, default_objectives
from pyg_moleblend.nn import DistanceRecovery, PairBlending
from pyg_moleblend.training import Schedule, pretrain
from pyg_moleblend.transforms import AddRelations

if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("runs/example"))
    parser.add_argument("--molecules", type=int, default=20_000)
    parser.add_argument("--epochs", type=int, default=10)
    args = parser.parse_args()

    qm9 = QM9("data/qm9", max_molecules=args.molecules, pre_transform=AddRelations())
    num_valid = len(qm9) // 20
    config = MoleBlendConfig(channels=128, num_layers=4, heads=8, ffn_channels=128)
    torch.manual_seed(0)  # weights are drawn from here on
    objectives = default_objectives(config)
    objectives["distance"] = DistanceRecovery(config.channels)  # unlike displacements, the same in every orientation
    del objectives["displacement"]
    # Where nothing enters for a pair, the atoms alone must do: the control of the report below.
    model = MoleBlendForPretraining(config, objectives=objectives, blending=PairBlending(none=0.1))
    schedule = Schedule(epochs=args.epochs, batch_size=128, learning_rate=1e-3, warmup=0.05)
    run = pretrain(qm9[num_valid:], args.out, valid=qm9[:num_valid], model=model, schedule=schedule)
    print(RecoveryReport(**run.metrics["recovery"]))
    print(f"the model is in {run.model_folder}")
