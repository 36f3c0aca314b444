r"""Whether the 3D of a molecule is that of its graph, as a pretrained model sees it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import torch
import torch.nn.functional as F
from torch import Tensor
from torch_geometric.data import Data

from pyg_moleblend.checkpoints import from_pretrained, read_metadata
from pyg_moleblend.datasets.recipe import Recipe, check_recipe
from pyg_moleblend.datasets.targets import rows_of
from pyg_moleblend.inference.run_batches import run_batches
from pyg_moleblend.losses import pairs_of, spd_target
from pyg_moleblend.models import MoleBlendForPretraining
from pyg_moleblend.nn import DistanceRecovery, Objective, SPDRecovery, constant_blend
from pyg_moleblend.nn.blending.blend import ALL
from pyg_moleblend.utils import DenseMolecules

SOUND_KEY = "sound_geometry"
r"""What the metadata of a model call the limits of :class:`GeometryMismatch`."""

GEOMETRY_MODEL = "moleblend-tiny-geometry"
r"""The packaged model that tells sound geometries."""

NEAR = 3
r"""Hops over which distances are compared: a torsion is 3, and beyond it a molecule is free to bend."""

AnyObjective = TypeVar("AnyObjective", bound=Objective)


class GeometryMismatch(NamedTuple):
    r"""How far M molecules' 3D is from what their graphs say, and their graphs from what their 3D says.

    Attributes:
        distance_error: Mean difference in Å of the distances of atoms up to three hops apart to those that the model
            recovers from the 2D relations alone, ``[M]``; NaN where there is no 3D, or no such pair.
        path_surprise: Cross entropy in nats of the shortest-path distances, as the model recovers them from the 3D
            alone, ``[M]``; NaN likewise.
    """

    distance_error: Tensor
    path_surprise: Tensor

    def score(self, sound: dict[str, float]) -> Tensor:
        r"""The larger of the two, each as a multiple of its limit, ``[M]``: above 1, the 3D hardly matches the graph.

        Args:
            sound: The limits, what 99 of 100 sound molecules stay below; they stand in a model's metadata under
                :data:`SOUND_KEY`.
        """
        return torch.maximum(self.distance_error / sound["distance_error"], self.path_surprise / sound["path_surprise"])


class OddGeometry(NamedTuple):
    r"""A molecule whose 3D does not match its graph.

    Attributes:
        row: Its row in the source.
        score: See :meth:`GeometryMismatch.score`; above 1.
        distance_error: See :class:`GeometryMismatch`, in Å.
        path_surprise: Likewise, in nats.
    """

    row: int
    score: float
    distance_error: float
    path_surprise: float


def odd_geometries(molecules: Sequence[Data] | Any, source: str | Path = GEOMETRY_MODEL) -> list[OddGeometry]:
    r"""The molecules whose 3D does not match their graphs, the oddest first.

    It may be another molecule's, of atoms in another order, or in another unit of length. Of a hundred sound molecules
    one to five are told, too.

    Args:
        molecules: A PyG dataset or a list of ``Data``.
        source: A pretrained model that :func:`geometry_mismatch` takes, with limits in its metadata.
            (default: :obj:`"moleblend-tiny-geometry"`)

    Raises:
        ValueError: If the model has no limits, or has learnt from molecules with other hydrogens.
    """
    metadata = read_metadata(source)
    if SOUND_KEY not in metadata:
        raise ValueError(f"the model in {source} does not say what sound geometries are: {SOUND_KEY} of its metadata")
    check_recipe(Recipe.from_metadata(metadata) or Recipe(), molecules)
    found = geometry_mismatch(from_pretrained(source), molecules)
    scores = found.score(metadata[SOUND_KEY])
    rows = rows_of(molecules, torch.arange(len(molecules)))
    odd = (scores > 1).nonzero().flatten()
    return [
        OddGeometry(int(rows[i]), *(float(values[i]) for values in (scores, *found)))
        for i in odd[scores[odd].argsort(descending=True, stable=True)].tolist()
    ]


def geometry_mismatch(
    model: MoleBlendForPretraining,
    molecules: Sequence[Data] | Any,
    batch_size: int = 64,
    device: str | torch.device = "cpu",
) -> GeometryMismatch:
    r"""Recovers the 3D of molecules from their graphs, and their graphs from their 3D (arXiv 2307.06235, section 3.2),
    and says how far both are from what is given.

    Args:
        model: A pretrained model with a :class:`~pyg_moleblend.nn.DistanceRecovery` and a
            :class:`~pyg_moleblend.nn.SPDRecovery`, in evaluation mode, on the device.
        molecules: A PyG dataset or a list of ``Data``.
        batch_size: Molecules of a batch. (default: :obj:`64`)
        device: Where the batches go. (default: :obj:`"cpu"`)

    Raises:
        ValueError: If the model does not recover both, or there is no molecule.
    """
    if not len(molecules):
        raise ValueError("there are no molecules to compare with their graphs")
    spd, distance = _objective(model, SPDRecovery), _objective(model, DistanceRecovery)
    judge = MoleBlendForPretraining(model.config, model.encoder, {"spd": spd, "distance": distance}).eval()

    def compute(batch: Any) -> Tensor:
        packed = judge.pack(batch)
        return torch.stack([_distance_errors(judge, packed), _path_surprises(judge, spd, packed)], dim=1)

    return GeometryMismatch(*run_batches(compute, molecules, batch_size, device).T)


def _distance_errors(model: MoleBlendForPretraining, molecules: DenseMolecules) -> Tensor:
    recovered = model.recover(molecules, constant_blend(molecules, ALL["2d"], ALL["2d"])).predictions["distance"]
    hops = molecules.pairs["spd"]
    near = _pairs(molecules) & (hops > 0) & (hops <= NEAR)  # [B, N, N]
    return _means((recovered - torch.cdist(molecules.pos, molecules.pos)).abs(), near)


def _path_surprises(model: MoleBlendForPretraining, spd: SPDRecovery, molecules: DenseMolecules) -> Tensor:
    recovered = model.recover(molecules, constant_blend(molecules, ALL["3d"], ALL["3d"])).predictions["spd"]
    target = spd_target(molecules.pairs["spd"], molecules.pair_mask, spd.num_classes)  # [B, N, N]
    surprise = F.cross_entropy(recovered.flatten(0, 2), target.clamp(min=0).flatten(), reduction="none")
    return _means(surprise.view(target.shape), _pairs(molecules) & (target >= 0))


def _pairs(molecules: DenseMolecules) -> Tensor:
    return pairs_of(molecules.mask & molecules.has_3d[:, None])


def _means(values: Tensor, counted: Tensor) -> Tensor:
    r"""Mean over a molecule's pairs that count, ``[B]``; NaN where none does."""
    return torch.where(counted, values, 0.0).sum((1, 2)) / counted.sum((1, 2))


def _objective(model: MoleBlendForPretraining, kind: type[AnyObjective]) -> AnyObjective:
    found = [objective for _, objective in model.items() if isinstance(objective, kind)]
    if len(found) != 1:
        raise ValueError(f"the model must have one {kind.__name__}, got {len(found)}: it was not pretrained to recover")
    return found[0]
