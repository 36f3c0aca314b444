from __future__ import annotations

from abc import abstractmethod
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor

from pyg_moleblend.components import register
from pyg_moleblend.fields import MAX_PATH_LENGTH, BondVocabulary, bond_class_targets
from pyg_moleblend.losses import (
    classification_losses,
    classification_sums,
    displacement_sums,
    distance_sums,
    pairs_of,
    spd_target,
)
from pyg_moleblend.nn.objectives.base import Outcome, Quality, RecoveryState
from pyg_moleblend.nn.objectives.pair_recovery import GeometryRecovery, RowSums, known_atoms
from pyg_moleblend.nn.objectives.pair_sampling import PairSample, PairSampling
from pyg_moleblend.nn.pair_head import PairHead
from pyg_moleblend.runtime.sizes import check_sizes

_ALL = slice(None)


class ClassRecovery(PairSampling):
    r"""Recovers a relation as one of some classes: cross entropy, and the accuracy."""

    quality_name = "accuracy"
    is_likelihood = True

    @abstractmethod
    def target(self, state: RecoveryState, rows: slice = _ALL) -> Tensor:
        r"""Classes ``[B, n, N, ...]`` int64 of the pairs of some first atoms, -1 where not counted."""

    def sums(self, prediction: Tensor, state: RecoveryState, rows: slice) -> RowSums:
        target = self.target(state, rows)
        with torch.no_grad():
            hits = ((prediction.argmax(-1) == target) & (target >= 0)).sum().float()
        return RowSums(classification_sums(prediction, target), hits)

    def outcome(self, sums: RowSums) -> Outcome:
        return Outcome(sums.loss.mean(), Quality(sums.quality, sums.loss.weight))

    def entries(self, state: RecoveryState) -> Tensor:
        return (self.target(state) >= 0).unsqueeze(-1).flatten(3).sum(-1)

    def at_pairs(self, prediction: Tensor, state: RecoveryState, sample: PairSample) -> tuple[Tensor, Tensor]:
        target = sample.of(self.target(state))  # [B, r, k, ...]
        losses = classification_losses(prediction, target)
        with torch.no_grad():
            hits = ((prediction.argmax(-1) == target) & (target >= 0)).float()
        return losses.unsqueeze(-1).flatten(3).sum(-1), hits.unsqueeze(-1).flatten(3).sum(-1)


@register
class SPDRecovery(ClassRecovery):
    r"""Recovers the shortest-path distance of every pair, as a class.

    Args:
        channels: C.
        num_classes: 1 hop, 2 hops, ... and the last for that many hops and more. (default: :obj:`11`)
        pair_channels: Width of the pair head's row and column feature. (default: :obj:`32`)
        num_pairs: Pairs of a molecule that training looks at, about; all by default. See
            :class:`~pyg_moleblend.nn.objectives.pair_sampling.PairSampling`.

    Shapes:
        - **output:** logits ``[B, N, N, num_classes]``
    """

    pair_fields = ("spd",)

    def __init__(
        self, channels: int, num_classes: int = 11, pair_channels: int = 32, num_pairs: int | None = None
    ) -> None:
        check_sizes(num_classes=num_classes)
        super().__init__(PairHead(channels, num_classes, pair_channels), num_pairs)
        self.num_classes = num_classes

    def target(self, state: RecoveryState, rows: slice = _ALL) -> Tensor:
        molecules = state.molecules
        return spd_target(molecules.pairs["spd"][:, rows], molecules.pair_mask[:, rows], self.num_classes)


@register
class BondPathRecovery(ClassRecovery):
    r"""Recovers the bonds along the shortest path of every pair, a class a hop.

    Args:
        channels: C.
        max_path_length: P. (default: :obj:`5`)
        vocabulary: ``"ogb"``, all 60 bond classes; ``"release"``, the 24 of the authors' release, hops outside it not
            being counted; or the number of categories of bonds that have one. (default: :obj:`"ogb"`)
        pair_channels: Width of the pair head's row and column feature. (default: :obj:`32`)
        num_pairs: Pairs of a molecule that training looks at, about; all by default. See
            :class:`~pyg_moleblend.nn.objectives.pair_sampling.PairSampling`.

    Shapes:
        - **output:** logits ``[B, N, N, P, classes]``
    """

    pair_fields = ("bond_path",)

    def __init__(
        self,
        channels: int,
        max_path_length: int = MAX_PATH_LENGTH,
        vocabulary: BondVocabulary | Literal["release"] = "ogb",
        pair_channels: int = 32,
        num_pairs: int | None = None,
    ) -> None:
        check_sizes(max_path_length=max_path_length)
        targets = bond_class_targets(vocabulary)
        num_classes = int(targets.max()) + 1
        super().__init__(PairHead(channels, max_path_length * num_classes, pair_channels), num_pairs)
        self.max_path_length = max_path_length
        self.bond_vocabulary: BondVocabulary = vocabulary if isinstance(vocabulary, int) else "ogb"
        self.num_classes = num_classes
        self.register_buffer("targets", targets, persistent=False)  # [61]
        self.targets: Tensor

    def shape(self, prediction: Tensor) -> Tensor:
        return prediction.unflatten(-1, (self.max_path_length, self.num_classes))

    def target(self, state: RecoveryState, rows: slice = _ALL) -> Tensor:
        path = state.molecules.pairs["bond_path"][:, rows, :, : self.max_path_length]
        return self.targets[path.long()]


@register
class DisplacementRecovery(PairSampling, GeometryRecovery):
    r"""Recovers the direction of the displacement of every pair: the release's 3D objective.

    The prediction is made of invariant features, so it cannot follow a rotation of the molecule;
    :class:`DistanceRecovery` is the sound form.

    Args:
        channels: C.
        pair_channels: Width of the pair head's row and column feature. (default: :obj:`32`)
        num_pairs: Pairs of a molecule that training looks at, about; all by default. See
            :class:`~pyg_moleblend.nn.objectives.pair_sampling.PairSampling`.

    Shapes:
        - **output:** ``[B, N, N, 3]``
    """

    quality_name = "cosine"

    def __init__(self, channels: int, pair_channels: int = 32, num_pairs: int | None = None) -> None:
        super().__init__(PairHead(channels, 3, pair_channels), num_pairs)

    def sums(self, prediction: Tensor, state: RecoveryState, rows: slice) -> RowSums:
        sums = displacement_sums(prediction, state.molecules.pos, known_atoms(state), rows)
        return RowSums(sums, sums.weight - sums.total.detach())

    def entries(self, state: RecoveryState) -> Tensor:
        pos = state.molecules.pos
        apart = (pos[:, None, :, :] != pos[:, :, None, :]).any(-1)  # fragments may be laid on one point
        return (pairs_of(known_atoms(state)) & apart).long()

    def at_pairs(self, prediction: Tensor, state: RecoveryState, sample: PairSample) -> tuple[Tensor, Tensor]:
        target = displacements(state, sample)
        losses = 1 - F.cosine_similarity(prediction.to(target.dtype), target, dim=-1)
        return losses, 1 - losses.detach()


@register
class DistanceRecovery(PairSampling, GeometryRecovery):
    r"""Recovers the distance of every pair in Å: the rotation-invariant 3D objective.

    Args:
        channels: C.
        pair_channels: Width of the pair head's row and column feature. (default: :obj:`32`)
        num_pairs: Pairs of a molecule that training looks at, about; all by default. See
            :class:`~pyg_moleblend.nn.objectives.pair_sampling.PairSampling`.

    Shapes:
        - **output:** ``[B, N, N]`` in Å
    """

    quality_name = "mae"

    def __init__(self, channels: int, pair_channels: int = 32, num_pairs: int | None = None) -> None:
        super().__init__(PairHead(channels, 1, pair_channels), num_pairs)

    def shape(self, prediction: Tensor) -> Tensor:
        return prediction.squeeze(-1)

    def sums(self, prediction: Tensor, state: RecoveryState, rows: slice) -> RowSums:
        sums = distance_sums(prediction, state.molecules.pos, known_atoms(state), rows)
        return RowSums(sums, sums.total.detach())

    def entries(self, state: RecoveryState) -> Tensor:
        return pairs_of(known_atoms(state)).long()

    def at_pairs(self, prediction: Tensor, state: RecoveryState, sample: PairSample) -> tuple[Tensor, Tensor]:
        target = displacements(state, sample).norm(dim=-1)
        losses = (prediction.to(target.dtype) - target).abs()
        return losses, losses.detach()


def displacements(state: RecoveryState, sample: PairSample) -> Tensor:
    r"""``pos[second] - pos[first]`` of some pairs, in Å, ``[B, r, k, 3]``."""
    pos = state.molecules.pos
    batch = torch.arange(len(pos), device=pos.device)[:, None]
    return pos[batch[..., None], sample.second] - pos[batch, sample.first][:, :, None]
