r"""Makes the packaged weights of one size from a corpus that ``moleblend corpus`` built.

The same command goes on where it was interrupted.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import lightning.pytorch as pl
import torch

from benchmarks.weights.molecules import PARTS, make_shards
from benchmarks.weights.package import package
from benchmarks.weights.recipe import SIZES, model_to_train
from pyg_moleblend.datasets import MoleculeShards
from pyg_moleblend.training import Machine, Schedule, pretrain

LABELS = Path(__file__).parents[1] / "quantum_labels" / "gfn2-small-000.parquet"

parser = argparse.ArgumentParser(prog="python -m benchmarks.weights", description=__doc__)
parser.add_argument("--name", choices=SIZES, default="moleblend-tiny")
parser.add_argument("--corpus", type=Path, required=True, help="folder that `moleblend corpus` made")
parser.add_argument("--out", type=Path, required=True, help="folder of shards, of the run and of the weights")
parser.add_argument("--labels", type=Path, default=LABELS, help="file of quantum labels")
parser.add_argument("--num-workers", type=int, default=1, help="processes that compute descriptors")
parser.add_argument("--epochs", type=int, default=8)
parser.add_argument("--batch-size", type=int, default=64)
parser.add_argument("--learning-rate", type=float, default=1e-3)


def main() -> None:
    args = parser.parse_args()
    torch.set_num_threads(1)
    make_shards(args.corpus, args.labels, args.out, args.num_workers)
    train, valid = (MoleculeShards(args.out / part) for part in PARTS)
    run = args.out / args.name
    pl.seed_everything(0, verbose=False)
    schedule = Schedule(args.epochs, batch_size=args.batch_size, learning_rate=args.learning_rate, warmup=300)
    machine = Machine(accelerator="cpu", checkpoint_minutes=5)
    resume = any((run / "checkpoints").glob("*.ckpt"))
    done = pretrain(train, run, valid, model_to_train(args.name), schedule, machine, seed=0, resume=resume)
    data = f"{len(train)} molecules of QM9, PCQM4Mv2 (DFT geometry), ChEMBL and MOSES; GFN2-xTB labels of some"
    modality = {"modality": "2d"}  # of drug-sized molecules it has seen nothing else
    print(package(done.model.encoder, args.out / "weights" / args.name, data, modality))


if __name__ == "__main__":  # worker processes import this file
    main()
