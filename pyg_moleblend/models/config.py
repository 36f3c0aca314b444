from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any, Literal, get_args

from pyg_moleblend.fields import MAX_PATH_LENGTH, BondVocabulary
from pyg_moleblend.nn.blending.blend import BlendScope, check_probabilities

GeometryObjective = Literal["displacement", "distance"]

_MODEL_SIZES = ("channels", "num_layers", "heads", "ffn_channels", "num_gaussians")
_PREDICTION_SIZES = ("max_path_length", "num_spd_classes", "pair_channels")


def _published_loss_weights() -> dict[str, float]:
    return {"spd": 0.1, "bond_path": 0.1, "displacement": 0.5, "distance": 0.5, "denoising": 6.0}


@dataclass(frozen=True)
class MoleBlendConfig:
    r"""Everything that determines a MoleBLEND model's shape, and how it is pretrained.

    Args:
        channels: C, width of the atom states.
        num_layers: L.
        heads: H, a divisor of ``channels``.
        ffn_channels: Width of the feed-forward networks.
        num_gaussians: K, width of the distances' Gaussian basis.
        max_path_length: P, bonds of a shortest path that are looked at.
        dropout: Dropout probability of the embedding, of each branch and of the prediction head.
        attention_dropout: Dropout probability of the attention weights.
        activation_dropout: Dropout probability within the feed-forward networks.
        drop_path: Probability of dropping a branch of the last layer for a molecule; it rises linearly from 0.
        relation_probabilities: Probability with which each relation enters for a pair (spd, bond path, distance,
            then those that are added); they sum to 1.
        atom_feature_probabilities: Probabilities of the degree and of the distance feature for an atom.
        blend_scope: Whether relations are drawn for each ``"molecule"`` (the paper) or once for a ``"batch"``
            (the authors' release).
        noise_scale: Standard deviation of the coordinates' noise in pretraining, in Å.
        geometry_objective: The 3D recovery: ``"displacement"``, its direction (the authors' release), or
            ``"distance"``, which does not change as the molecule is turned.
        bond_vocabulary: Bonds that the bond-path recovery tells apart: ``"ogb"``, all 60, or ``"release"``, 24.
        num_spd_classes: Classes of the shortest-path recovery; the last one is that many hops and more.
        pair_channels: Width of the row and the column feature from which pairs are recovered.
        loss_weights: Weight of each objective by name.

    Raises:
        ValueError: If a value is out of its range; the message gives the value and what was expected.
    """

    channels: int = 256
    num_layers: int = 6
    heads: int = 16
    ffn_channels: int = 256
    num_gaussians: int = 64
    max_path_length: int = MAX_PATH_LENGTH
    dropout: float = 0.0
    attention_dropout: float = 0.1
    activation_dropout: float = 0.1
    drop_path: float = 0.0
    relation_probabilities: tuple[float, ...] = (0.2, 0.2, 0.6)
    atom_feature_probabilities: tuple[float, ...] = (0.4, 0.6)
    blend_scope: BlendScope = "molecule"
    noise_scale: float = 0.2
    geometry_objective: GeometryObjective = "displacement"
    bond_vocabulary: BondVocabulary = "ogb"
    num_spd_classes: int = 11
    pair_channels: int = 32
    loss_weights: dict[str, float] = field(default_factory=_published_loss_weights)

    def __post_init__(self) -> None:
        for name in _MODEL_SIZES + _PREDICTION_SIZES:
            value = getattr(self, name)
            if type(value) is not int or value < 1:
                raise ValueError(f"`{name}` must be an integer of at least 1, got {value!r}")
        if self.channels % self.heads:
            raise ValueError(f"`channels` must be divisible by `heads`, got {self.channels} and {self.heads}")
        for name in ("dropout", "attention_dropout", "activation_dropout", "drop_path"):
            if not 0 <= getattr(self, name) < 1:
                raise ValueError(f"`{name}` must lie in [0, 1), got {getattr(self, name)}")
        if not 0 <= self.noise_scale < math.inf:
            raise ValueError(f"`noise_scale` must be at least 0 Å and finite, got {self.noise_scale}")
        for name in ("relation_probabilities", "atom_feature_probabilities"):
            object.__setattr__(self, name, tuple(getattr(self, name)))  # JSON gives lists
            check_probabilities(name, getattr(self, name))
        if len(self.atom_feature_probabilities) != 2:
            given = self.atom_feature_probabilities
            raise ValueError(f"`atom_feature_probabilities` must be two, of degree and distance, got {given}")
        if bad := {name: weight for name, weight in self.loss_weights.items() if not 0 <= weight < math.inf}:
            raise ValueError(f"`loss_weights` must be at least 0 and finite, got {bad}")
        choices = {
            "blend_scope": get_args(BlendScope),
            "geometry_objective": get_args(GeometryObjective),
            "bond_vocabulary": get_args(BondVocabulary),
        }
        for name, allowed in choices.items():
            if getattr(self, name) not in allowed:
                raise ValueError(f"`{name}` must be one of {allowed}, got {getattr(self, name)!r}")

    @classmethod
    def paper(cls, **changes: Any) -> MoleBlendConfig:
        r"""The published model: 12 layers of 768 channels, pretrained on PCQM4Mv2 (arXiv 2307.06235, section 4.1)."""
        published = cls(channels=768, num_layers=12, heads=32, ffn_channels=768, num_gaussians=128, drop_path=0.1)
        return replace(published, **changes)

    def to_dict(self) -> dict[str, Any]:
        r"""The configuration as plain, JSON-ready values."""
        values = asdict(self)
        return {name: list(value) if isinstance(value, tuple) else value for name, value in values.items()}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> MoleBlendConfig:
        r"""The inverse of :meth:`to_dict`; unknown keys are refused."""
        known = {entry.name for entry in fields(cls)}
        if unknown := sorted(set(values) - known):
            raise ValueError(f"unknown configuration keys {unknown}; known are {sorted(known)}")
        return cls(**values)

    def to_json(self) -> str:
        r"""The configuration as JSON text."""
        return json.dumps(self.to_dict(), indent=2) + "\n"

    @classmethod
    def from_json(cls, text: str) -> MoleBlendConfig:
        r"""The inverse of :meth:`to_json`; unknown keys are refused."""
        return cls.from_dict(json.loads(text))


def check_same_shape(config: MoleBlendConfig, other: MoleBlendConfig) -> None:
    r"""Raises :class:`ValueError` if a model of one configuration cannot have an encoder of the other."""
    names = ("channels", "num_layers", "heads", "ffn_channels", "num_gaussians", "max_path_length")
    pairs = {name: (getattr(config, name), getattr(other, name)) for name in names}
    if differing := [f"{name} ({mine} and {its})" for name, (mine, its) in pairs.items() if mine != its]:
        raise ValueError(f"model and encoder differ in {', '.join(differing)}; pass the encoder's own `config`")
