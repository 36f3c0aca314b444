r"""Transform that gives a molecule a 3D structure by RDKit."""

from typing import Literal, get_args

import torch
from torch_geometric.data import Data
from torch_geometric.data.datapipes import functional_transform
from torch_geometric.transforms import BaseTransform

from pyg_moleblend.chem import (
    ConformerResult,
    Conformers,
    Hydrogens,
    MoleculeError,
    generate_conformers,
    parse_smiles,
)
from pyg_moleblend.chem.match import order_in_smiles

OnFailure = Literal["raise", "nan"]


@functional_transform("add_moleblend_conformer")
class AddConformer(BaseTransform):
    r"""Sets ``pos`` to a conformer by ETKDGv3, generated from ``smiles``
    (functional name: :obj:`add_moleblend_conformer`).

    A ``pos`` that is there already is replaced. With ``count`` above 1 there are also ``conformers`` ``[N, K, 3]``,
    whose first is ``pos``. They depend on the molecule and ``seed``, not on the order of molecules or the number of
    workers; see :func:`~pyg_moleblend.chem.generate_conformers`, which also says how salts are laid out. Where the
    SMILES has the atoms in another order than the graph, as after :func:`~pyg_moleblend.chem.from_mol`, they are
    matched.

    Args:
        seed: Seed of the user; every molecule derives its own from it. (default: :obj:`0`)
        hydrogens: Which hydrogens are atoms of the graph: the policy that the graph was made with.
            (default: :obj:`Hydrogens.REMOVE`)
        on_failure: What to do with a molecule that RDKit finds no conformer for. ``"raise"`` stops with the reason;
            ``"nan"`` makes it a 2D molecule, ``pos`` NaN, with the reason in ``conformer_error`` (a string on
            every molecule, empty where all went well, and the cause also where a conformer was found otherwise than by
            what was asked for). (default: :obj:`"raise"`)
        deadline: Seconds that each attempt at each fragment may take. (default: :obj:`10.0`)
        count: Conformers, K. (default: :obj:`1`)
        optimize: Whether they are relaxed by MMFF94. (default: :obj:`False`)
    """

    def __init__(
        self,
        seed: int = 0,
        hydrogens: Hydrogens | str = Hydrogens.REMOVE,
        on_failure: OnFailure = "raise",
        deadline: float = 10.0,
        count: int = 1,
        optimize: bool = False,
    ) -> None:
        if on_failure not in get_args(OnFailure):
            raise ValueError(f"on_failure must be one of {get_args(OnFailure)}, got {on_failure!r}")
        self.conformers = Conformers(seed, count, optimize, deadline)
        self.hydrogens = Hydrogens(hydrogens)
        self.on_failure = on_failure

    def forward(self, data: Data) -> Data:
        r"""Adds the conformers.

        Args:
            data: Molecule with ``x``, ``edge_index`` and ``edge_attr`` in OGB's vocabulary, and ``smiles``.

        Returns:
            The molecule with ``pos`` ``[N, 3]`` float32 in Å, rows in the order of ``x``.

        Raises:
            ValueError: If ``smiles`` is missing, or is not the molecule of ``x`` and ``edge_index``.
            MoleculeError: If the SMILES cannot be read, or with ``on_failure="raise"`` there is no conformer.
        """
        found = self.generate(data)
        if self.on_failure == "raise" and found.method == "none":
            raise MoleculeError(
                data.smiles, found.cause, "use the molecule as 2D only, or give it coordinates of your own"
            )
        positions = torch.from_numpy(found.positions).to(data.x.device)  # [K, N, 3]
        data.pos = positions[0].clone()
        if self.conformers.count > 1:
            data.conformers = positions.transpose(0, 1).contiguous()
        if self.on_failure == "nan":
            data.conformer_error = found.cause
        return data

    def generate(self, data: Data, rung: int = 0) -> ConformerResult:
        r"""The conformers of a molecule, their atoms in the order of ``x``; ``data`` stays as it is.

        Args:
            data: As for :meth:`forward`.
            rung: The method to begin with, see :func:`~pyg_moleblend.chem.generate_conformers`.
        """
        if not isinstance(data.get("smiles"), str):
            raise ValueError(
                "AddConformer reads `smiles` of a single molecule, and data has none; "
                "build it with pyg_moleblend.chem.from_smiles, and transform before batching"
            )
        mol = parse_smiles(data.smiles, self.hydrogens)
        order = order_in_smiles(data, mol, self.hydrogens)
        found = generate_conformers(mol, self.conformers, rung)
        return found._replace(positions=found.positions[:, order.numpy()])

    def __repr__(self) -> str:
        wanted = self.conformers
        return (
            f"{type(self).__name__}(seed={wanted.seed}, hydrogens={self.hydrogens.value!r}, "
            f"on_failure={self.on_failure!r}, deadline={wanted.deadline}, count={wanted.count}, "
            f"optimize={wanted.optimize})"
        )
