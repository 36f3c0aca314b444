r"""The main job, end to end, on real molecules: pretrain on QM9's DFT geometries, fine-tune with few labels on the
HOMO-LUMO gap and on hydration free energies, and compare with the same models trained from random weights.

Run with `make demo`, or `python examples/demo.py --help` for its settings. Results go to the folder `demo/`.
"""

import argparse
import json
import shutil
import time
from pathlib import Path
from typing import Any

import torch
from rich.console import Console
from rich.table import Table

from pyg_moleblend.datasets import QM9, MoleculeDataset, MoleculeNet
from pyg_moleblend.inference import RecoveryReport
from pyg_moleblend.models import MoleBlendConfig, MoleBlendForPretraining
from pyg_moleblend.nn import (
    BondPathRecovery,
    Denoising,
    DistanceRecovery,
    PairBlending,
    SPDRecovery,
    constant_blend,
)
from pyg_moleblend.splits import Split, scaffold_split
from pyg_moleblend.training import Schedule, finetune, load_encoder, pretrain
from pyg_moleblend.transforms import AddRelations
from pyg_moleblend.viz import plot_distance_maps, plot_learning_curves

parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
parser.add_argument(
    "--out", type=Path, default=Path("demo"), help="folder of all results; its `runs` are made from scratch"
)
parser.add_argument("--pretrain-molecules", type=int, default=20_000)
parser.add_argument("--pretrain-epochs", type=int, default=10)
parser.add_argument("--labels", type=int, default=5_000, help="molecules with a known gap to fine-tune on")
parser.add_argument("--finetune-epochs", type=int, default=15)
parser.add_argument("--seeds", type=int, default=1, help="how often each model is fine-tuned")
args = parser.parse_args()
console, start = Console(), time.time()
runs = args.out / "runs"
shutil.rmtree(runs, ignore_errors=True)
LEARNING_RATE = 1e-3


def say(text: str) -> None:
    console.rule(f"[bold]{time.time() - start:5.0f} s · {text}")


# 1. Molecules: heavy-atom graphs with DFT coordinates. Pretraining sees other molecules than fine-tuning.
say("QM9")
held_out = (args.labels + 4) // 5
sizes = [args.pretrain_molecules, args.labels, held_out, 2 * held_out]
qm9 = QM9(args.out / "data" / "qm9", max_molecules=sum(sizes), pre_transform=AddRelations())
order = torch.randperm(len(qm9), generator=torch.Generator().manual_seed(0))
unlabelled, train, valid, test = order.split([*sizes[:3], len(order) - sum(sizes[:3])])

# 2. Blend-then-predict. QM9's bonds are all within the release's vocabulary, which makes a smaller head.
say(f"pretraining on {len(unlabelled)} molecules")
config = MoleBlendConfig(
    channels=128, num_layers=4, heads=8, ffn_channels=128, attention_dropout=0.0, activation_dropout=0.0
)
objectives = {
    "spd": SPDRecovery(config.channels),
    "bond_path": BondPathRecovery(config.channels, config.max_path_length, "release", pair_channels=16),
    "distance": DistanceRecovery(config.channels),
    "denoising": Denoising(config.channels, config.heads),
}
torch.manual_seed(0)
# Where nothing enters for a pair, its atoms alone must do: the control of the recovery report.
model = MoleBlendForPretraining(config, objectives=objectives, blending=PairBlending(none=0.1))
schedule = Schedule(epochs=args.pretrain_epochs, batch_size=128, learning_rate=LEARNING_RATE, warmup=0.05)
pretrained = pretrain(qm9[unlabelled], runs / "pretrain", valid=qm9[valid], model=model, schedule=schedule)
console.print(str(RecoveryReport(**pretrained.metrics["recovery"])))


# 3. Fine-tuning, from the pretrained and from random weights: the same in everything else.
def compare(name: str, dataset: MoleculeDataset, split: Split, epochs: int, batch_size: int, **settings: Any) -> None:
    """Fills `results[name]` with the test errors of all seeds."""
    schedule = Schedule(epochs=epochs, batch_size=batch_size, learning_rate=LEARNING_RATE)
    for seed in range(args.seeds):
        for weights in ("pretrained", "random"):
            say(f"{name}: {weights} weights, seed {seed}, {len(split.train)} labels")
            encoder = load_encoder(pretrained.model_folder) if weights == "pretrained" else config
            folder = runs / name / f"{weights}-{seed}"
            run = finetune(dataset, split, folder, encoder, schedule=schedule, seed=seed, **settings)
            error = run.metrics["test"][settings["metric"]]
            results.setdefault(name, {}).setdefault(weights, []).append(error)


results: dict[str, dict[str, list[float]]] = {}
gap_split = Split(f"random {len(train)}/{len(valid)}/{len(test)}", train, valid, test)
compare("gap", qm9, gap_split, args.finetune_epochs, 64, targets=["gap"], metric="mae")
freesolv = MoleculeNet(args.out / "data", "freesolv", pre_transform=AddRelations())
compare(
    "freesolv", freesolv, scaffold_split(freesolv.smiles), 2 * args.finetune_epochs, 32, modality="2d", metric="rmse"
)

# 4. What came out.
say("results")
molecule = qm9[int(test[0])]
packed = pretrained.model.pack(molecule)
with torch.no_grad():  # distances from shortest paths alone: nothing of the 3D structure goes in
    recovered = pretrained.model.recover(packed, constant_blend(packed, relation=0, atom_feature=0))
true = (molecule.pos[:, None] - molecule.pos).norm(dim=-1)
maps = plot_distance_maps(true, recovered.predictions["distance"][0], molecule.smiles)
maps.savefig(args.out / "distance_map.png")
curves = {weights: runs / "gap" / f"{weights}-0" for weights in results["gap"]}
plot_learning_curves(curves, "valid/mae", "validation error of the gap [eV]").savefig(args.out / "learning_curves.png")

table = Table(title=f"Test error, mean of {args.seeds} seed{'s' if args.seeds > 1 else ''}")
for column in ("task", "pretrained", "random weights"):
    table.add_column(column)
for name, title in (("gap", "HOMO-LUMO gap, MAE in eV"), ("freesolv", "FreeSolv, scaffold split, RMSE in kcal/mol")):
    table.add_row(title, *(f"{sum(errors) / len(errors):.4f}" for errors in results[name].values()))
console.print(table)
metrics = {"test": results, "pretraining": pretrained.metrics, "seconds": round(time.time() - start)}
(args.out / "metrics.json").write_text(json.dumps(metrics, indent=2) + "\n")
console.print(f"All of it in {args.out}/: metrics.json, distance_map.png, learning_curves.png, and the models.")
