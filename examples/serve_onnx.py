r"""Predictions by an exported model, without pyg_moleblend and without torch: RDKit, NumPy and onnxruntime are enough.

    moleblend export runs/esol --out esol.onnx
    python examples/serve_onnx.py esol.onnx CCO "CC(=O)Oc1ccccc1C(=O)O"

It makes the inputs of 2D models itself, in OGB's vocabulary. A model that reads 3D, or fields of your own, takes them
ready, as pyg_moleblend makes them: numpy.savez("inputs.npz", **export_inputs("runs/esol", smiles)), and then

    python examples/serve_onnx.py esol.onnx inputs.npz
"""

import json
import sys

import numpy as np
import onnxruntime
from rdkit import Chem

ATOM_CLASSES = {  # values that have a class of their own, in order; any other has the class behind them
    Chem.Atom.GetAtomicNum: range(1, 119),
    Chem.Atom.GetChiralTag: ("CHI_UNSPECIFIED", "CHI_TETRAHEDRAL_CW", "CHI_TETRAHEDRAL_CCW", "CHI_OTHER"),
    Chem.Atom.GetTotalDegree: range(11),
    Chem.Atom.GetFormalCharge: range(-5, 6),
    Chem.Atom.GetTotalNumHs: range(9),
    Chem.Atom.GetNumRadicalElectrons: range(5),
    Chem.Atom.GetHybridization: ("SP", "SP2", "SP3", "SP3D", "SP3D2"),
    Chem.Atom.GetIsAromatic: (False, True),
    Chem.Atom.IsInRing: (False, True),
}
BOND_TYPES = ("SINGLE", "DOUBLE", "TRIPLE", "AROMATIC")
BOND_STEREO = ("STEREONONE", "STEREOZ", "STEREOE", "STEREOCIS", "STEREOTRANS", "STEREOANY")
OWN_INPUTS = {"x", "mask", "spd", "bond_path"}


def molecule_of(smiles, hydrogens):
    r"""RDKit's molecule with the hydrogens that were atoms in training; None if it is no SMILES."""
    params = Chem.SmilesParserParams()
    params.removeHs = hydrogens == "remove"
    mol = Chem.MolFromSmiles(smiles, params)
    if mol is None or not mol.GetNumAtoms():
        return None
    return Chem.AddHs(mol) if hydrogens == "add" else mol


def class_of(value, classes):
    value = value if isinstance(value, int) and not hasattr(value, "name") else str(value)
    return classes.index(value) if value in classes else len(classes)


def atom_features(mol):
    r"""OGB's atom features, [N, 9]."""
    rows = [[class_of(getter(atom), classes) for getter, classes in ATOM_CLASSES.items()] for atom in mol.GetAtoms()]
    return np.array(rows, dtype=np.int64)


def bond_classes(mol):
    r"""The class of the bond of each pair of atoms, [N, N]: 0 where there is none."""
    bonds = np.zeros((mol.GetNumAtoms(),) * 2, dtype=np.uint8)
    for bond in mol.GetBonds():
        kind = class_of(bond.GetBondType(), BOND_TYPES)
        stereo = class_of(bond.GetStereo(), BOND_STEREO) % len(BOND_STEREO)  # any other counts as none
        i, j = bond.GetBeginAtomIdx(), bond.GetEndAtomIdx()
        bonds[i, j] = bonds[j, i] = 1 + kind * 12 + stereo * 2 + bond.GetIsConjugated()
    return bonds


def shortest_paths(bonded):
    r"""Bonds between each pair of atoms (inf: no path), and the first atom on the way, by Floyd and Warshall."""
    size = len(bonded)
    distance, hop = np.where(bonded, 1.0, np.inf), np.tile(np.arange(size), (size, 1))
    np.fill_diagonal(distance, 0)
    for k in range(size):
        through = distance[:, [k]] + distance[[k]]
        hop = np.where(through < distance, k, hop)  # an atom on the way, the last that made it shorter
        distance = np.minimum(through, distance)
    for _ in range(size.bit_length()):
        hop = np.take_along_axis(hop, hop, axis=1)
    return distance, hop


def features(mol, path_length):
    r"""What the model reads of one molecule."""
    bonds = bond_classes(mol)
    distance, hop = shortest_paths(bonds > 0)
    hops = [np.take_along_axis(bonds, hop, axis=1)]
    for _ in range(path_length - 1):
        hops.append(np.take_along_axis(hops[-1], hop, axis=0))
    spd = np.where(np.isinf(distance), 255, np.minimum(distance, 254)).astype(np.uint8)
    x = atom_features(mol)
    return {"x": x, "mask": np.ones(len(x), dtype=bool), "spd": spd, "bond_path": np.stack(hops, axis=-1)}


def padded(arrays, atom_axes):
    r"""Arrays of several molecules as one, zeros where there is no atom."""
    most = max(map(len, arrays))
    ends = [[(0, most - len(array) if axis < atom_axes else 0) for axis in range(array.ndim)] for array in arrays]
    return np.stack([np.pad(array, end) for array, end in zip(arrays, ends, strict=True)])


def inputs_of(mols, told):
    if unknown := set(told["inputs"]) - OWN_INPUTS:
        sys.exit(f"the model reads {sorted(unknown)}, too: give a .npz file of inputs, as pyg_moleblend makes them")
    each = [features(mol, told["max_path_length"]) for mol in mols]
    axes = {name: of["shape"].count("atoms") for name, of in told["inputs"].items()}
    return {name: padded([of[name] for of in each], axes[name]) for name in axes}


def predicted(path, molecules):
    r"""A row a molecule: its values by target, or None; `molecules` are SMILES, or arrays that are inputs already."""
    with open(f"{path}.json") as file:
        told = json.load(file)
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    names = [target["name"] for target in told["targets"]]
    if isinstance(molecules, dict):
        return told, [dict(zip(names, row, strict=True)) for row in session.run(["values"], molecules)[0].tolist()]
    hydrogens = (told["recipe"] or {"hydrogens": "remove"})["hydrogens"]
    mols = [molecule_of(smiles, hydrogens) for smiles in molecules]
    known = [mol for mol in mols if mol is not None]
    rows = iter(session.run(["values"], inputs_of(known, told))[0].tolist() if known else [])
    return told, [None if mol is None else dict(zip(names, next(rows), strict=True)) for mol in mols]


def main():
    path, *given = sys.argv[1:] or [""]
    if not given:
        sys.exit(__doc__)
    molecules = dict(np.load(given[0])) if given[0].endswith(".npz") else given
    told, rows = predicted(path, molecules)
    units = {target["name"]: target["unit"] for target in told["targets"]}
    widths = {target["name"]: target["interval_half_width"] for target in told["targets"]}
    for smiles, row in zip(given if len(given) == len(rows) else range(len(rows)), rows, strict=True):
        print(smiles if row is not None else f"{smiles} is no molecule", end="")
        for name, value in (row or {}).items():
            width = f" ± {widths[name]:.4g}" if widths[name] is not None else ""
            print(f" {name} {value:.6g}{width} {units[name]}".rstrip(), end="")
        print()


if __name__ == "__main__":
    main()
