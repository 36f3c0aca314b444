r"""How well a pretrained model tells a molecule's own 3D from a wrong one, as areas under the ROC curve.

    python benchmarks/geometry.py --root data --table lipo.csv:smiles --out geometry.json

Sound are DFT geometries of QM9's test part, and MMFF conformers of a table's molecules; wrong are the same with another
molecule's geometry of as many atoms, atoms in another order, two atoms exchanged, noise, or stretched by a tenth.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import defaultdict
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch
from sklearn.metrics import roc_auc_score
from torch import Tensor
from torch_geometric.data import Data

if not __package__:  # run as a script: this folder itself would hide the package `ogb`
    sys.path[0] = str(Path(__file__).parents[1])

from benchmarks.speed import readable, tables
from benchmarks.timing import environment, write_json
from pyg_moleblend.checkpoints import from_pretrained, read_metadata
from pyg_moleblend.chem import from_smiles
from pyg_moleblend.datasets import QM9
from pyg_moleblend.inference.geometry import GEOMETRY_MODEL, SOUND_KEY, geometry_mismatch
from pyg_moleblend.transforms import AddConformer

Corrupt = Callable[[Tensor, torch.Generator], Tensor]


def noisy(width: float) -> Corrupt:
    r"""Coordinates ``[N, 3]`` with normal noise of a standard deviation in Å."""
    return lambda pos, draw: pos + width * torch.randn(pos.shape, generator=draw)


def exchanged(pos: Tensor, draw: torch.Generator) -> Tensor:
    r"""Coordinates with two atoms exchanged."""
    order = torch.arange(len(pos))
    first, second = torch.randperm(len(pos), generator=draw)[:2].tolist()
    order[first], order[second] = second, first
    return pos[order]


CORRUPTIONS: dict[str, Corrupt] = {
    "atoms in another order": lambda pos, draw: pos[torch.randperm(len(pos), generator=draw)],
    "two atoms exchanged": exchanged,
    "noise of 0.1 Å": noisy(0.1),
    "noise of 0.2 Å": noisy(0.2),
    "noise of 0.3 Å": noisy(0.3),
    "stretched by a tenth": lambda pos, draw: 1.1 * pos,
}
SWAPPED = "another molecule's"


def swapped(molecules: Sequence[Data]) -> list[Data]:
    r"""Molecules with the geometry of the next one of as many atoms; those that are alone are left out."""
    groups: dict[int, list[Data]] = defaultdict(list)
    for data in molecules:
        groups[int(data.num_nodes or 0)].append(data)
    pairs = [(own, other) for group in groups.values() for own, other in zip(group, group[1:] + group[:1], strict=True)]
    return [with_pos(own, other.pos) for own, other in pairs if own is not other]


def with_pos(data: Data, pos: Tensor) -> Data:
    r"""The molecule at other coordinates."""
    changed = data.clone()
    changed.pos = pos
    return changed


def measure(score: Callable[[Sequence[Data]], Tensor], sound: Sequence[Data], seed: int = 0) -> dict[str, Any]:
    r"""Areas under the ROC curve of sound molecules against each kind of wrong ones, and the shares above 1.

    Args:
        score: Of molecules, ``[M]``.
        sound: Molecules of two atoms or more.
        seed: Of what is drawn.
    """
    draw, own = torch.Generator().manual_seed(seed), score(sound)
    wrong = {name: [with_pos(data, change(data.pos, draw)) for data in sound] for name, change in CORRUPTIONS.items()}
    found = {name: score(molecules) for name, molecules in {SWAPPED: swapped(sound), **wrong}.items()}
    areas = {
        name: float(roc_auc_score([0] * len(own) + [1] * len(other), torch.cat([own, other]).tolist()))
        for name, other in found.items()
    }
    told = {"sound": own, **found}
    return {
        "molecules": len(sound),
        "roc_auc": areas,
        "told": {name: float((values > 1).float().mean()) for name, values in told.items()},
    }


def main(argv: Sequence[str] | None = None) -> dict[str, Any]:
    r"""Measures, prints and writes the result."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--root", type=Path, default=Path("data"), help="folder of QM9")
    parser.add_argument("--table", action="append", metavar="FILE:COLUMN", required=True, help="CSV file and column")
    parser.add_argument("--molecules", type=int, default=2000, help="of each kind, at most")
    parser.add_argument("--source", default=GEOMETRY_MODEL, help="folder or name of the model")
    parser.add_argument("--out", type=Path, help="JSON file")
    args = parser.parse_args(argv)
    torch.set_num_threads(1)
    model, sound = from_pretrained(args.source), read_metadata(args.source)[SOUND_KEY]

    def score(molecules: Sequence[Data]) -> Tensor:
        return geometry_mismatch(model, molecules).score(sound)

    qm9 = QM9(args.root / "qm9", progress=False)
    dft = [qm9[place] for place in qm9.get_split().test[: args.molecules].tolist()]
    add = AddConformer()
    mmff = [add(from_smiles(text)) for text in readable(tables(args.table), args.molecules)]
    sets = {"QM9, test part, DFT": dft, "drug-sized, MMFF conformers": mmff}
    usable = {
        name: [data for data in molecules if int(data.num_nodes or 0) > 2 and bool(data.pos.isfinite().all())]
        for name, molecules in sets.items()
    }
    result = {"environment": environment(), "model": str(args.source), "limits": sound}
    result["sets"] = {name: measure(score, molecules) for name, molecules in usable.items()}
    print(json.dumps(result, indent=2, ensure_ascii=False))
    if args.out is not None:
        write_json(args.out, result)
    return result


if __name__ == "__main__":
    main()
