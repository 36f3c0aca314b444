r"""Makes ``moleblend-tiny-geometry``: moleblend-tiny taught to tell a molecule's 3D from its graph, and its graph from
its 3D, on DFT geometries and on conformers of drug-sized molecules.

    python -m benchmarks.weights.geometry --corpus corpus --out geometry

The same command goes on where it was interrupted.
"""

from __future__ import annotations

import argparse
import copy
from pathlib import Path

import lightning.pytorch as pl
import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import torch
from torch_geometric.data import Data
from torch_geometric.transforms import Compose

from benchmarks.weights.molecules import PARTS, WITH_DFT, AddPositions
from benchmarks.weights.package import package
from benchmarks.weights.recipe import NUM_PAIRS
from pyg_moleblend.checkpoints import encoder_from_pretrained
from pyg_moleblend.chem import Conformers
from pyg_moleblend.datasets import MoleculeShards
from pyg_moleblend.datasets.shards.prepare import prepare
from pyg_moleblend.inference.geometry import SOUND_KEY, geometry_mismatch
from pyg_moleblend.models import MoleBlendForPretraining
from pyg_moleblend.nn import DistanceRecovery, MixedBlending, MoleculeBlending, PairBlending, SPDRecovery
from pyg_moleblend.runtime.files import atomic_write
from pyg_moleblend.training import Machine, Schedule, pretrain
from pyg_moleblend.transforms import AddRelations

NAME = "moleblend-tiny-geometry"
SHARES = {"qm9": 20_000, "pcqm4mv2": 3_000, "chembl": 5_000, "moses": 3_000}
HEAVY_ATOMS = 40
SOUND = 0.99
r"""Share of the validation molecules whose mismatch is below the limit."""

parser = argparse.ArgumentParser(
    prog="python -m benchmarks.weights.geometry",
    description=__doc__,
    formatter_class=argparse.RawDescriptionHelpFormatter,
)
parser.add_argument("--corpus", type=Path, required=True, help="folder that `moleblend corpus` made")
parser.add_argument("--out", type=Path, required=True, help="folder of shards, of the run and of the weights")
parser.add_argument("--num-workers", type=int, default=1, help="processes that find conformers")
parser.add_argument("--epochs", type=int, default=12)


def main() -> None:
    args = parser.parse_args()
    torch.set_num_threads(1)
    train, valid = (placed(args.corpus, args.out, part, args.num_workers) for part in PARTS)
    pl.seed_everything(0, verbose=False)
    run = args.out / "run"
    resume = any((run / "checkpoints").glob("*.ckpt"))
    schedule = Schedule(args.epochs, batch_size=64, learning_rate=5e-4, warmup=300)
    machine = Machine(accelerator="cpu", checkpoint_minutes=5)
    model = pretrain(train, run, valid, model_to_train(), schedule, machine, seed=0, resume=resume).model.eval()
    metadata = {"modality": "2d+3d", SOUND_KEY: sound_geometry(model, valid)}
    data = f"{len(train):,} molecules: at most {SHARES}; {WITH_DFT} at DFT geometry, the others as MMFF conformers"
    print(package(model, args.out / "weights" / NAME, data, metadata))


def placed(corpus: Path, out: Path, part: str, num_workers: int) -> list[Data]:
    r"""Molecules of a part that have 3D: DFT geometries, and conformers of the others."""
    draw, found = np.random.default_rng(0), []
    out.mkdir(parents=True, exist_ok=True)
    for source, count in SHARES.items():
        table = pq.read_table(corpus / f"{source}.parquet", columns=["smiles", "part", "heavy_atoms"]).to_pandas()
        smiles = table.smiles[(table.part == part) & (table.heavy_atoms <= HEAVY_ATOMS)].to_numpy()
        chosen = draw.permutation(smiles)[: count if part == "train" else 500]
        path = out / f"{source}-{part}.csv"
        if not path.exists():
            with atomic_write(path, "w") as file:
                pd.DataFrame({"smiles": chosen}).to_csv(file, index=False)
        dft = (str(corpus / f"{source}.parquet"),) if source in WITH_DFT else ()
        prepare(
            path,
            path.with_suffix(""),
            num_workers=num_workers,
            shard_size=2048,
            progress=True,
            transform=Compose([*([AddPositions(dft)] if dft else []), AddRelations()]),
            conformers=None if dft else Conformers(),
        )
        molecules = list(MoleculeShards(path.with_suffix("")))
        found += (own := [data for data in molecules if data.pos.isfinite().all()])
        print(f"{source}, {part}: {len(molecules) - len(own)} of {len(molecules)} have no 3D and are left out")
    return found


def model_to_train() -> MoleBlendForPretraining:
    r"""moleblend-tiny with fresh heads that recover shortest paths and distances."""
    encoder = encoder_from_pretrained("moleblend-tiny").train()
    channels = encoder.config.channels
    objectives = {
        "spd": SPDRecovery(channels, num_pairs=2 * NUM_PAIRS),
        "distance": DistanceRecovery(channels, num_pairs=2 * NUM_PAIRS),
    }
    pair_by_pair = PairBlending({"spd": 0.3, "bond_path": 0.2, "distance": 0.4}, none=0.1)
    whole = MoleculeBlending({"2d": 0.5, "3d": 0.5}, noise_scale=0.0)  # as mismatches are measured
    blending = MixedBlending([pair_by_pair, whole], [0.2, 0.8])
    return MoleBlendForPretraining(encoder.config, encoder, objectives, blending, {"spd": 1.0, "distance": 1.0})


def sound_geometry(model: MoleBlendForPretraining, valid: list[Data]) -> dict[str, float]:
    r"""Limits that most of the validation molecules stay below, of the weights as half precision rounds them."""
    found = geometry_mismatch(copy.deepcopy(model).half().float(), valid)
    return {name: float(values.nanquantile(SOUND)) for name, values in found._asdict().items()}


if __name__ == "__main__":  # worker processes import this file
    main()
