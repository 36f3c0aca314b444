from __future__ import annotations

from typing import Literal

import torch.nn.functional as F
from torch import Tensor

from pyg_moleblend.components import register
from pyg_moleblend.fields import MAX_PATH_LENGTH, BondVocabulary, bond_class_targets
from pyg_moleblend.losses import displacement_sums, distance_sums, spd_target
from pyg_moleblend.nn.objectives.base import RecoveryState
from pyg_moleblend.nn.objectives.pair_recovery import (
    ClassRecovery,
    GeometryRecovery,
    RowSums,
    displacements,
    known_atoms,
)
from pyg_moleblend.nn.pair_head import PairHead
from pyg_moleblend.nn.sizes import check_sizes

_ALL = slice(None)


@register
class SPDRecovery(ClassRecovery):
    r"""Recovers the shortest-path distance of every pair, as a class.

    Args:
        channels: C.
        num_classes: 1 hop, 2 hops, ... and the last for that many hops and more.
        pair_channels: Width of the pair head's row and column feature.
        num_pairs: Pairs of a molecule that training looks at; all by default. See
            :class:`~pyg_moleblend.nn.objectives.pair_recovery.PairRecovery`.

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
        max_path_length: P.
        vocabulary: ``"ogb"``, all 60 bond classes; ``"release"``, the 24 of the authors' release, hops outside it not
            being counted; or the number of categories of bonds that have one.
        pair_channels: Width of the pair head's row and column feature.
        num_pairs: Pairs of a molecule that training looks at; all by default. See
            :class:`~pyg_moleblend.nn.objectives.pair_recovery.PairRecovery`.

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
class DisplacementRecovery(GeometryRecovery):
    r"""Recovers the direction of the displacement of every pair: the release's 3D objective.

    The prediction is made of invariant features, so it cannot follow a rotation of the molecule;
    :class:`DistanceRecovery` is the sound form.

    Args:
        channels: C.
        pair_channels: Width of the pair head's row and column feature.
        num_pairs: Pairs of a molecule that training looks at; all by default. See
            :class:`~pyg_moleblend.nn.objectives.pair_recovery.PairRecovery`.

    Shapes:
        - **output:** ``[B, N, N, 3]``
    """

    quality_name = "cosine"

    def __init__(self, channels: int, pair_channels: int = 32, num_pairs: int | None = None) -> None:
        super().__init__(PairHead(channels, 3, pair_channels), num_pairs)

    def sums(self, prediction: Tensor, state: RecoveryState, rows: slice) -> RowSums:
        sums = displacement_sums(prediction, state.molecules.pos, known_atoms(state), rows)
        return RowSums(sums, sums.weight - sums.total.detach())

    def counted(self, state: RecoveryState) -> Tensor:
        pos = state.molecules.pos
        apart = (pos[:, None, :, :] != pos[:, :, None, :]).any(-1)
        return super().counted(state) * apart  # fragments may be laid on one point

    def at_pairs(self, prediction: Tensor, state: RecoveryState, chosen: Tensor) -> tuple[Tensor, Tensor]:
        target = displacements(state, chosen)
        losses = 1 - F.cosine_similarity(prediction.to(target.dtype), target, dim=-1)
        return losses, 1 - losses.detach()


@register
class DistanceRecovery(GeometryRecovery):
    r"""Recovers the distance of every pair in Å: the rotation-invariant 3D objective.

    Args:
        channels: C.
        pair_channels: Width of the pair head's row and column feature.
        num_pairs: Pairs of a molecule that training looks at; all by default. See
            :class:`~pyg_moleblend.nn.objectives.pair_recovery.PairRecovery`.

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

    def at_pairs(self, prediction: Tensor, state: RecoveryState, chosen: Tensor) -> tuple[Tensor, Tensor]:
        target = displacements(state, chosen).norm(dim=-1)
        losses = (prediction.to(target.dtype) - target).abs()
        return losses, losses.detach()
