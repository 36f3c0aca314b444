r"""Fine-tune on a MoleculeNet set with OGB's scaffold split, from pretrained or from random weights, and predict."""

import argparse
from pathlib import Path

from pyg_moleblend.datasets import MoleculeNet
from pyg_moleblend.inference import predict
from pyg_moleblend.models import MoleBlendConfig
from pyg_moleblend.splits import scaffold_split
from pyg_moleblend.training import Schedule, finetune, load_encoder
from pyg_moleblend.transforms import AddRelations

if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--encoder", type=Path, help="folder of a pretrained model; random weights without it")
    parser.add_argument("--name", default="freesolv")
    parser.add_argument("--out", type=Path, default=Path("runs/finetune"))
    parser.add_argument("--epochs", type=int, default=30)
    args = parser.parse_args()

    dataset = MoleculeNet("data", args.name, pre_transform=AddRelations())
    split = scaffold_split(dataset.smiles)
    fresh = MoleBlendConfig(channels=128, num_layers=4, heads=8, ffn_channels=128)
    run = finetune(
        dataset,
        split,
        args.out,
        load_encoder(args.encoder) if args.encoder else fresh,
        metric=dataset.metric,
        schedule=Schedule(epochs=args.epochs, batch_size=32, learning_rate=5e-4),
    )
    print(f"{split}: test {dataset.metric} {run.metrics['test'][dataset.metric]:.4f}")
    print(predict(run.model_folder, ["CCO", "CC(=O)Oc1ccccc1C(=O)O", "not a molecule"]))
