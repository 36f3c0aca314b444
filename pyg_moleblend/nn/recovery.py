from __future__ import annotations

from torch import Tensor

from pyg_moleblend.losses import (
    classification_loss,
    displacement_loss,
    distance_loss,
    spd_target,
)
from pyg_moleblend.nn.objective import Objective, Quality, RecoveryState
from pyg_moleblend.nn.pair_head import PairHead
from pyg_moleblend.relations import MAX_PATH_LENGTH, BondVocabulary, bond_class_targets


def _accuracy(logits: Tensor, target: Tensor) -> Quality:
    counted = target >= 0
    return Quality(((logits.argmax(-1) == target) & counted).sum().float(), counted.sum())


def _known_atoms(state: RecoveryState) -> Tensor:
    return state.molecules.mask & state.molecules.has_3d[:, None]


class SPDRecovery(Objective):
    r"""Recovers the shortest-path distance of every pair, as a class.

    Args:
        channels: C.
        num_classes: 1 hop, 2 hops, ... and the last for that many hops and more.
        pair_channels: Width of the pair head's row and column feature.

    Shapes:
        - **output:** logits ``[B, N, N, num_classes]``
    """

    pair_fields = ("spd",)
    quality_name = "accuracy"

    def __init__(self, channels: int, num_classes: int = 11, pair_channels: int = 32) -> None:
        super().__init__()
        self.num_classes = num_classes
        self.head = PairHead(channels, num_classes, pair_channels)

    def reset_parameters(self) -> None:
        self.head.reset_parameters()

    def forward(self, state: RecoveryState) -> Tensor:
        return self.head(state.atoms)

    def target(self, state: RecoveryState) -> Tensor:
        r"""Classes ``[B, N, N]`` int64, -1 where not counted."""
        return spd_target(state.molecules.pairs["spd"], state.molecules.pair_mask, self.num_classes)

    def loss(self, prediction: Tensor, state: RecoveryState) -> Tensor:
        return classification_loss(prediction, self.target(state))

    def quality(self, prediction: Tensor, state: RecoveryState) -> Quality:
        return _accuracy(prediction, self.target(state))


class BondPathRecovery(Objective):
    r"""Recovers the bonds along the shortest path of every pair, a class a hop.

    Args:
        channels: C.
        max_path_length: P.
        vocabulary: ``"ogb"``, all 60 bond classes, or ``"release"``, the 24 of the authors' release; hops outside
            the vocabulary are not counted.
        pair_channels: Width of the pair head's row and column feature.

    Shapes:
        - **output:** logits ``[B, N, N, P, classes]``
    """

    pair_fields = ("bond_path",)
    quality_name = "accuracy"

    def __init__(
        self,
        channels: int,
        max_path_length: int = MAX_PATH_LENGTH,
        vocabulary: BondVocabulary = "ogb",
        pair_channels: int = 32,
    ) -> None:
        super().__init__()
        self.max_path_length = max_path_length
        targets = bond_class_targets(vocabulary)
        self.register_buffer("targets", targets, persistent=False)  # [61]
        self.targets: Tensor
        self.num_classes = int(targets.max()) + 1
        self.head = PairHead(channels, max_path_length * self.num_classes, pair_channels)

    def reset_parameters(self) -> None:
        self.head.reset_parameters()

    def forward(self, state: RecoveryState) -> Tensor:
        return self.head(state.atoms).unflatten(-1, (self.max_path_length, self.num_classes))

    def target(self, state: RecoveryState) -> Tensor:
        r"""Classes ``[B, N, N, P]`` int64, -1 where not counted."""
        return self.targets[state.molecules.pairs["bond_path"].long()]

    def loss(self, prediction: Tensor, state: RecoveryState) -> Tensor:
        return classification_loss(prediction, self.target(state))

    def quality(self, prediction: Tensor, state: RecoveryState) -> Quality:
        return _accuracy(prediction, self.target(state))


class DisplacementRecovery(Objective):
    r"""Recovers the direction of the displacement of every pair: the release's 3D objective.

    The prediction is made of invariant features, so it cannot follow a rotation of the molecule;
    :class:`DistanceRecovery` is the sound form.

    Args:
        channels: C.
        pair_channels: Width of the pair head's row and column feature.

    Shapes:
        - **output:** ``[B, N, N, 3]``
    """

    quality_name = "cosine"

    def __init__(self, channels: int, pair_channels: int = 32) -> None:
        super().__init__()
        self.head = PairHead(channels, 3, pair_channels)

    def reset_parameters(self) -> None:
        self.head.reset_parameters()

    def forward(self, state: RecoveryState) -> Tensor:
        return self.head(state.atoms)

    def loss(self, prediction: Tensor, state: RecoveryState) -> Tensor:
        return displacement_loss(prediction, state.molecules.pos, _known_atoms(state))

    def quality(self, prediction: Tensor, state: RecoveryState) -> Quality:
        pos, atoms = state.molecules.pos, _known_atoms(state)
        molecules = ((pos != pos[:, :1]).any(-1) & atoms).any(-1)  # not all atoms on one point
        return Quality((1 - self.loss(prediction, state)) * molecules.sum(), molecules.sum())


class DistanceRecovery(Objective):
    r"""Recovers the distance of every pair in Å: the rotation-invariant 3D objective.

    Args:
        channels: C.
        pair_channels: Width of the pair head's row and column feature.

    Shapes:
        - **output:** ``[B, N, N]`` in Å
    """

    quality_name = "mae"

    def __init__(self, channels: int, pair_channels: int = 32) -> None:
        super().__init__()
        self.head = PairHead(channels, 1, pair_channels)

    def reset_parameters(self) -> None:
        self.head.reset_parameters()

    def forward(self, state: RecoveryState) -> Tensor:
        return self.head(state.atoms).squeeze(-1)

    def loss(self, prediction: Tensor, state: RecoveryState) -> Tensor:
        return distance_loss(prediction, state.molecules.pos, _known_atoms(state))

    def quality(self, prediction: Tensor, state: RecoveryState) -> Quality:
        molecules = _known_atoms(state).sum(-1) > 1
        return Quality(self.loss(prediction, state) * molecules.sum(), molecules.sum())
