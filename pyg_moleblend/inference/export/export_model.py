from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor
from torch_geometric.data import Batch

from pyg_moleblend.checkpoints.model_folder import model_digests
from pyg_moleblend.datasets import MoleculeDataset
from pyg_moleblend.datasets.conformers import add_missing_conformers
from pyg_moleblend.inference.export.dense_model import DenseModel
from pyg_moleblend.inference.export.formats import FORMATS, Inputs, Run, dims_of
from pyg_moleblend.inference.intervals import LEVEL, common_widths, same_inputs
from pyg_moleblend.inference.loaded_model import MAX_ATOMS, conformer_settings, table_of, target_columns
from pyg_moleblend.inference.predict import predict
from pyg_moleblend.inference.property_model import PropertyModel, load_property_models
from pyg_moleblend.runtime.files import atomic_write

FORMAT = 1
_log = logging.getLogger(__name__)
TOLERANCE = 1e-4
r"""How far an exported model's value may be from the model's: in probability, or in standard deviations of the training
labels."""

CHECKED = (
    *("C", "CCO", "Oc1ccccc1Cl", "CC(=O)Oc1ccccc1C(=O)O", "C[C@H](N)C(=O)O", "C/C=C/C#N", "C[N+](C)(C)C.[Cl-]"),
    *("Cn1cnc2c1c(=O)n(C)c(=O)n2C", "OC(=O)CCCCCCCCCCC"),
)
r"""Molecules on which the two are compared before a file is written."""


def export_model(source: str | Path, out: str | Path) -> dict[str, Any]:
    r"""Writes a fine-tuned model as one file that needs none of this package, and ``OUT.json`` that says what goes in
    and what comes out.

    Batches and molecules of any size go in, as dense tensors: :class:`~pyg_moleblend.inference.export.DenseModel` is
    what is traced. Before anything is written, what the file holds is run on a few molecules, together and one by one,
    and compared with :func:`~pyg_moleblend.inference.predict`.

    Args:
        source: A folder that :func:`~pyg_moleblend.training.finetune` wrote, or a hub repository. The models of several
            seeds become one file that gives their mean.
        out: ``.onnx`` (extra: export), or ``.pt2`` for ``torch.export.load``.

    Returns:
        What ``OUT.json`` holds.

    Raises:
        ImportError: If a package for ONNX is not installed.
        ValueError: If the file's name has neither suffix, the model predicts no properties, it cannot be traced, or the
            two disagree.
    """
    out = Path(out)
    form = FORMATS.get(out.suffix)
    if form is None:
        raise ValueError(f"a model is exported as {' or '.join(FORMATS)}, got {out}")
    form.require()
    members = load_property_models(source)
    if not _has_one_width(members):
        _log.warning(
            "the file gives predictions alone: standard deviations and intervals of %s are not exported",
            members[0].model.criterion,
        )
    model = DenseModel(members).eval()
    task = members[0].task
    inputs = _inputs(model, members, CHECKED)
    content = form.write(model, inputs)
    expected = predict(source, list(CHECKED), device="cpu")[target_columns(task.names)].to_numpy(np.float64)
    difference = _difference(form.run(content), model, inputs, expected, np.array(task.std))
    if not difference <= TOLERANCE:
        unit = "in probability" if task.kind == "classification" else "standard deviations of the labels"
        raise ValueError(
            f"what would be in {out} is {difference:.1e} ({unit}) from the model's own predictions, more than "
            f"{TOLERANCE:g}: it is not written; components of your own that do not trace (docs/extending.md)?"
        )
    description = {
        "format": FORMAT,
        "file": out.name,
        "sha256": hashlib.sha256(content).hexdigest(),
        **_description(model, members, inputs),
        "largest_difference": difference,
        "model": model_digests(source),
        "versions": {name: version(name) for name in ("pyg-moleblend", "torch", "rdkit")},
    }
    with atomic_write(out) as file:
        file.write(content)
    with atomic_write(out.with_name(f"{out.name}.json"), "w") as file:
        json.dump(description, file, indent=2)
        file.write("\n")
    return description


def export_inputs(source: str | Path, molecules: Sequence[str]) -> dict[str, NDArray[Any]]:
    r"""What an exported model takes for molecules, made as in training: ``numpy.savez("inputs.npz",
    **export_inputs("runs/esol", ["CCO"]))``.

    Args:
        source: As for :func:`export_model`.
        molecules: SMILES.

    Returns:
        Arrays by the names of ``OUT.json``.

    Raises:
        ValueError: If one of them is no molecule, or has no conformer where the model looks at 3D alone.
    """
    members = load_property_models(source)
    return {name: value.numpy() for name, value in _inputs(DenseModel(members), members, molecules).items()}


def _inputs(model: DenseModel, members: Sequence[PropertyModel], molecules: Sequence[str]) -> Inputs:
    recipe = members[0].recipe
    table: MoleculeDataset = table_of(molecules, recipe, MAX_ATOMS)
    if table.failures or not len(table):
        reasons = [f"{failure.input!r} ({failure.reason})" for failure in table.failures[:4]]
        raise ValueError(f"these are no molecules: {', '.join(reasons) or 'none given'}; leave them out")
    if "3d" in model.modality:
        table = add_missing_conformers(table, conformers=conformer_settings(1, None, recipe)).molecules
    return model.inputs(Batch.from_data_list(list(table)))


def _description(model: DenseModel, members: Sequence[PropertyModel], inputs: dict[str, Tensor]) -> dict[str, Any]:
    first = members[0]
    widths: dict[int, float] = {}
    if (
        first.task.kind == "regression"
        and _has_one_width(members)
        and same_inputs(first.modality, first.trained_modality, None)
    ):
        widths = common_widths(first.task.names, [of.errors for of in members])
    dtype = "float64" if first.task.kind == "regression" else "float32"
    return {
        "kind": first.task.kind,
        "targets": [
            {"name": name, "unit": unit, "interval_half_width": widths.get(place)}
            for place, (name, unit) in enumerate(zip(first.task.names, first.task.units, strict=True))
        ],
        "interval_level": LEVEL if widths else None,
        "models": len(members),
        "inputs": {name: _shape(model.levels[name], value) for name, value in inputs.items()},
        "outputs": {name: {"dtype": dtype, "shape": ["batch", first.task.num_targets]} for name in model.outputs},
        "modality": model.modality,
        "max_path_length": model.config.max_path_length,
        "recipe": None if first.recipe is None else first.recipe.to_dict(),
    }


def _has_one_width(members: Sequence[PropertyModel]) -> bool:
    r"""Whether intervals are of one width for all molecules."""
    criteria = [of.model.criterion for of in members if of.model.criterion is not None]
    return not any(criterion.knows_std or criterion.knows_interval for criterion in criteria)


def _shape(level: str, value: Tensor) -> dict[str, Any]:
    dims = dims_of(level)
    return {"dtype": str(value.dtype).removeprefix("torch."), "shape": [*dims, *value.shape[len(dims) :]]}


def _difference(
    run: Run, model: DenseModel, inputs: Inputs, expected: NDArray[np.float64], std: NDArray[np.float64]
) -> float:
    r"""How far the values are from those expected ``[B, T]``, of molecules together and of each alone, without padding;
    NaN if one of them is."""
    together = run(inputs)
    alone = np.concatenate([run(_alone(model, inputs, row)) for row in range(len(expected))])
    return float((np.abs(np.stack([together, alone]) - expected) / std).max())


def _alone(model: DenseModel, inputs: Inputs, row: int) -> Inputs:
    r"""The inputs of one molecule of a batch."""
    size = int(inputs["mask"][row].sum())
    cut = {name: (slice(row, row + 1), *[slice(size)] * (len(dims_of(of)) - 1)) for name, of in model.levels.items()}
    return {name: inputs[name][place].contiguous() for name, place in cut.items()}
