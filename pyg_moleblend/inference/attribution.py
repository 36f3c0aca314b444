r"""Predictions of a saved model, split into what comes of the atoms and what of each relation."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import torch
from rdkit import Chem
from torch import Tensor
from torch_geometric.data import Data

from pyg_moleblend.checkpoints.model_folder import QUICK, component_name
from pyg_moleblend.chem import Conformers, Hydrogens, MoleculeError, parse_smiles
from pyg_moleblend.chem.match import order_in_smiles
from pyg_moleblend.datasets import MoleculeDataset, MoleculeTable
from pyg_moleblend.datasets.conformers import add_missing_conformers
from pyg_moleblend.datasets.io.reading import Reading
from pyg_moleblend.datasets.recipe import Recipe, check_recipe
from pyg_moleblend.inference.loaded_model import (
    MAX_ATOMS,
    NOT_FINITE,
    OK,
    ReadMolecules,
    conformer_settings,
    free_names,
    say_added,
    table_of,
)
from pyg_moleblend.inference.property_model import PropertyModel, load_property_model
from pyg_moleblend.inference.run_batches import pick_device
from pyg_moleblend.loader import molecule_loader, molecule_sizes
from pyg_moleblend.models.integrated_gradients import IntegratedGradients, integrated_gradients
from pyg_moleblend.runtime.devices import move
from pyg_moleblend.runtime.sizes import check_sizes
from pyg_moleblend.runtime.worker_pool import in_chunks
from pyg_moleblend.utils.molecules import Modality

ATOMS = "atoms"
LOGIT = "logit"
COLUMNS = ("id", "smiles", "target", "unit", "prediction", "baseline", ATOMS, "gap", "status", "drawing")
r"""What a table of attributions has beside a column for each relation, so that no part is called like it."""

STEPS = 64
MAX_PAIRS = 2**14
r"""Most padded pairs of atoms of a batch, or those of the largest molecule: its gradients are kept."""

_CHUNK = 32  # molecules whose pairs are held at a time


class Attribution(NamedTuple):
    r"""Of what a prediction is made: the parts add up to ``prediction - baseline``, but for :attr:`gap`.

    Attributes:
        id: Identifier of the molecule.
        smiles: Its SMILES.
        target: Name of the target.
        unit: Unit of all numbers here: the target's, or ``"logit"`` of a classification, whose probability is the
            logistic function of the logit; ``""`` where it is not known.
        prediction: The prediction; NaN where there is none, and ``status`` says why.
        baseline: What the model predicts for as many blank atoms without relations; NaN likewise.
        atoms: Part of each atom, ``[N]`` float64; no atoms where there is no prediction.
        pairs: Part of each pair's bias by relation, ``[N, N]`` float64; row i, column j is what atom i takes from atom
            j. A relation that is called as another column is ``NAME_relation``.
        mol: The molecule, its atoms in the order of ``atoms``; without atoms where there is no prediction, or the
            SMILES does not tell which atom is which.
        status: ``"ok"``, or what went wrong.
    """

    id: str
    smiles: str
    target: str
    unit: str
    prediction: float
    baseline: float
    atoms: Tensor
    pairs: dict[str, Tensor]
    mol: Chem.Mol
    status: str

    @property
    def totals(self) -> dict[str, float]:
        r"""The sum over the atoms (``"atoms"``), and over the pairs of each relation; NaN where there is no
        prediction."""
        parts = {ATOMS: self.atoms, **self.pairs}
        return {name: float(part.sum()) if len(part) else float("nan") for name, part in parts.items()}

    @property
    def gap(self) -> float:
        r"""What is missing from the sum of the parts: the error of the quadrature, and rounding."""
        return self.prediction - self.baseline - sum(self.totals.values())


def attribute(
    source: str | Path,
    molecules: MoleculeTable | Sequence[str],
    targets: Sequence[str] | None = None,
    steps: int = STEPS,
    modality: Modality | None = None,
    batch_size: int = 16,
    device: str = "auto",
    seed: int | None = None,
    num_workers: int = 0,
    components: Iterable[type] = (),
    max_atoms: int | None = MAX_ATOMS,
) -> list[Attribution]:
    r"""Splits predictions into what comes of each atom, and of each pair's attention bias of each relation, by
    integrated gradients (Sundararajan et al. 2017, arXiv 1703.01365).

    The baseline, at which every part is 0, and the path to the molecule are those of
    :func:`~pyg_moleblend.models.integrated_gradients`, which does the same for a model and a batch.

    Args:
        source: A folder that :func:`~pyg_moleblend.training.finetune` wrote, or a hub repository.
        molecules: As for :func:`predict`.
        targets: Names of the targets; all by default.
        steps: Nodes of the quadrature; take more where a gap is not small. (default: :obj:`64`)
        modality: Which inputs to use; those of the fine-tuning by default. If 3D is among them, molecules without
            coordinates get one conformer.
        batch_size: Molecules of a batch. (default: :obj:`16`)
        device: ``"auto"`` is a GPU where there is one. (default: :obj:`"auto"`)
        seed: Seed of the conformers; that of the training molecules' by default, or 0.
        num_workers: As for :func:`predict`. (default: :obj:`0`)
        components: As for :func:`predict`. (default: :obj:`()`)
        max_atoms: As for :func:`predict`. (default: :obj:`1000`)

    Returns:
        For each molecule in the order given, one for each target; those of rows that are no molecule have no numbers,
        and say why.

    Raises:
        ValueError: If the model is a quick one, predicts no properties or not these, or has another encoder than a
            :class:`~pyg_moleblend.models.MoleBlend`; or as for :func:`predict`.
    """
    attributor = load_attributor(source, targets, steps, modality, batch_size, device, seed, components)
    return list(attributor.of_table(table_of(molecules, attributor.recipe, max_atoms), num_workers))


def load_attributor(
    source: str | Path,
    targets: Sequence[str] | None = None,
    steps: int = STEPS,
    modality: Modality | None = None,
    batch_size: int = 16,
    device: str = "auto",
    seed: int | None = None,
    components: Iterable[type] = (),
) -> Attributor:
    r"""What :func:`attribute` attributes with; its arguments are those of that function."""
    if component_name(source) == QUICK:
        raise ValueError(
            f"{source} holds a quick model, kernels and forests on fingerprints, which has no atoms and relations to "
            "split its predictions into: explain a model of moleblend finetune"
        )
    loaded = load_property_model(source, modality, components)
    settings = conformer_settings(1, seed, loaded.recipe)
    return Attributor(loaded, targets, steps, batch_size, device, settings)


class Attributor:
    r"""What splits predictions, loaded once and used on as many molecules as there are.

    Args:
        loaded: The model.
        targets: Names of the targets; all by default.
        steps: Nodes of the quadrature.
        batch_size: Molecules of a batch.
        device: ``"auto"`` is a GPU where there is one.
        conformers: What molecules without coordinates get, if 3D is among the inputs; one each.

    Raises:
        ValueError: If a target is none of the model's, or there is no such device.
    """

    def __init__(
        self,
        loaded: PropertyModel,
        targets: Sequence[str] | None,
        steps: int,
        batch_size: int,
        device: str,
        conformers: Conformers,
    ) -> None:
        check_sizes(steps=steps, batch_size=batch_size)
        names = loaded.task.names
        wanted = names if targets is None else tuple(targets)
        if unknown := [name for name in wanted if name not in names]:
            raise ValueError(f"the model predicts no {unknown[0]!r}, only {list(names)}")
        self.model, self.task, self.recipe, self.modality = loaded[:4]
        self.targets = [names.index(name) for name in wanted]
        self.steps = steps
        self.batch_size = batch_size
        self.conformers = conformers if "3d" in loaded.modality else None
        self.device = pick_device(device)
        self.model.to(self.device).eval()
        relations = list(self.model.modalities)
        self.parts = dict(zip(relations, free_names(relations, "_relation", set(COLUMNS)), strict=True))

    @property
    def hydrogens(self) -> Hydrogens:
        r"""Which hydrogens are atoms of the molecules that the model has learnt from."""
        return (self.recipe or Recipe()).hydrogens

    def of_table(self, table: MoleculeTable, num_workers: int = 0) -> Iterator[Attribution]:
        r"""The attributions of a table, in its rows' order, those of a row in the order of the targets.

        Args:
            table: Molecules with the training's hydrogens.
            num_workers: Processes that find conformers; 0 is this one, without a hard deadline.

        Raises:
            ValueError: If they have other hydrogens.
        """
        check_recipe(self.recipe, table)
        rows = table.output_rows.tolist()
        return self._of_rows(table, rows, [table.ids[row] for row in rows], num_workers)

    def of_reading(self, reading: Reading, ids: Sequence[str], num_workers: int = 0) -> Iterator[Attribution]:
        r"""The attributions of the rows of a reading with the training's hydrogens, all of them, in their order.

        Args:
            reading: Molecules and failures.
            ids: Identifiers of the rows.
            num_workers: As for :meth:`of_table`.
        """
        return self._of_rows(ReadMolecules(reading), range(len(ids)), ids, num_workers)

    def _of_rows(
        self, molecules: MoleculeDataset, rows: Sequence[int], ids: Sequence[str], num_workers: int
    ) -> Iterator[Attribution]:
        if num_workers < 0:
            raise ValueError(f"`num_workers` must not be negative, got {num_workers}")
        flat: Mapping[int, str] = {}
        if self.conformers is not None and len(molecules):
            molecules, added, flat, _ = add_missing_conformers(
                molecules, hydrogens=self.hydrogens, conformers=self.conformers, num_workers=num_workers
            )
            say_added(added, len(molecules))
        failed = {failure.row: (failure.input, failure.reason) for failure in molecules.failures}
        smiles = dict(zip(molecules.row.tolist(), molecules.smiles, strict=True))
        if self.modality == "3d":
            failed.update({row: (smiles[row], cause) for row, cause in flat.items()})
        places = {row: place for place, row in enumerate(molecules.row.tolist())}
        for chunk in in_chunks(zip(rows, ids, strict=True), _CHUNK):
            usable = [row for row, _ in chunk if row not in failed]
            split = self._split(molecules[torch.tensor([places[row] for row in usable])]) if usable else []
            found = dict(zip(usable, split, strict=True))
            for row, name in chunk:
                if row in failed:
                    given, reason = failed[row]
                    yield from self._without_numbers(name, given, reason)
                    continue
                status = f"2D only: {flat[row]}" if row in flat else OK
                for attribution in found[row]:
                    finite = attribution.status == OK
                    yield attribution._replace(id=name, status=status if finite else attribution.status)

    def _split(self, molecules: MoleculeDataset) -> list[list[Attribution]]:
        r"""The attributions of each molecule, in their order."""
        largest = int(molecule_sizes(molecules).max())
        loader = molecule_loader(molecules, self.batch_size, max_pairs=max(MAX_PAIRS, largest**2))
        positions = [position for batch in loader.batch_sampler or () for position in batch]
        found: list[list[Attribution]] = []
        for batch in loader:
            on_device = move(batch, self.device)
            split = integrated_gradients(self.model, on_device, self.modality, self.steps, self.targets)
            for number in range(len(split.mask)):
                found.append(self._named(molecules[positions[len(found)]], split, number))
        return [attributions for _, attributions in sorted(zip(positions, found, strict=True), key=lambda one: one[0])]

    def _named(self, data: Data, split: IntegratedGradients, number: int) -> list[Attribution]:
        r"""The attributions of one molecule of a batch, in the targets' units."""
        size, mol, named = data.num_nodes, self._mol(data), []
        for place, target in enumerate(self.targets):
            scale, mean = self.task.std[target], self.task.mean[target]
            prediction, baseline = (scale * float(v[number, place]) + mean for v in (split.output, split.baseline))
            atoms = scale * split.atoms[number, place, :size].cpu().double()
            pairs = {
                self.parts[name]: scale * part[number, place, :size, :size].cpu().double()
                for name, part in split.pairs.items()
            }
            title, unit = self.task.names[target], self._unit(target)
            one = Attribution("", data.smiles, title, unit, prediction, baseline, atoms, pairs, mol, OK)
            named.append(one if math.isfinite(one.gap) else self._nothing(target, "", data.smiles, NOT_FINITE))
        return named

    def _without_numbers(self, name: str, smiles: str, reason: str) -> list[Attribution]:
        return [self._nothing(target, name, smiles, reason) for target in self.targets]

    def _nothing(self, target: int, name: str, smiles: str, reason: str) -> Attribution:
        nan, none = float("nan"), torch.zeros(0, dtype=torch.double)
        pairs = {part: none.view(0, 0) for part in self.parts.values()}
        title, unit = self.task.names[target], self._unit(target)
        return Attribution(name, smiles, title, unit, nan, nan, none, pairs, Chem.Mol(), reason)

    def _unit(self, target: int) -> str:
        return LOGIT if self.task.kind == "classification" else self.task.units[target]

    def _mol(self, data: Data) -> Chem.Mol:
        try:
            mol = parse_smiles(data.smiles, self.hydrogens)
            order = order_in_smiles(data, mol, self.hydrogens).tolist()
        except (MoleculeError, ValueError):  # the SMILES of a record need not be of its very graph
            return Chem.Mol()
        return Chem.RenumberAtoms(mol, order)
