from __future__ import annotations

import math
from collections.abc import Mapping

import torch
import torch.nn.functional as F
from torch import Tensor

from pyg_moleblend.fields import SPD_UNREACHABLE, bond_class_features

_ENCODER = "encoder.molecule_encoder."
_ROWS = 512  # of a feature in the release's tables


class ReleaseReference:
    r"""The release's model written out plainly, to compare a converted one with (arXiv 2307.06235, section 3).

    It reads the release's tables by their own row numbers, one molecule at a time, in float64, and uses none of our
    layers. Nothing is blended and nothing dropped.

    Args:
        weights: The release's state dictionary, as its file holds it.
    """

    def __init__(self, weights: Mapping[str, Tensor]) -> None:
        self.weights = weights

    def __call__(self, x: Tensor, degree: Tensor, pos: Tensor, spd: Tensor, bond_path: Tensor) -> dict[str, Tensor]:
        r"""Every intermediate value by name, the pairs' biases with the heads last.

        Args:
            x: OGB's atom features, ``[N, 9]``.
            degree: Bonds of each atom, ``[N]``.
            pos: Coordinates in Å, ``[N, 3]``.
            spd: As :data:`~pyg_moleblend.fields.FIELDS` has it, ``[N, N]`` int64.
            bond_path: Likewise, ``[N, N, P]`` int64.
        """
        gaussians = self._gaussians(x[:, 0], pos.double())  # [N, N, K]
        hidden = F.gelu(self._linear("molecule_3d_bias.gbf_proj.layer1", gaussians))
        values = {
            "atom features": self._get("atom_feature.atom_encoder.weight")[x + _ROWS * torch.arange(9) + 2].sum(1),
            "degree": self._get("atom_feature.in_degree_encoder.weight")[degree + 1]
            + self._get("atom_feature.out_degree_encoder.weight")[degree + 1],
            "3d atom feature": self._linear("molecule_3d_bias.edge_proj", gaussians.sum(1)),
            "spd bias": self._get("molecule_attn_bias.spatial_pos_encoder.weight")[
                torch.where(spd == SPD_UNREACHABLE, _ROWS - 1, spd + 1)
            ],
            "bond_path bias": self._bond_path_bias(spd, bond_path),
            "distance bias": self._linear("molecule_3d_bias.gbf_proj.layer2", hidden),
        }
        atoms = values["atom features"] + values["degree"] + 0.01 * values["3d atom feature"]
        states = self._norm("emb_layer_norm", torch.cat([self._get("atom_feature.graph_token.weight"), atoms]))
        bias = values["spd bias"] + values["bond_path bias"] + values["distance bias"]
        bias = F.pad(bias.permute(2, 0, 1), (1, 0, 1, 0))  # [H, 1 + N, 1 + N]
        token = self._get("molecule_attn_bias.graph_token_virtual_distance.weight")[0]
        bias[:, 0, :] += token[:, None]
        bias[:, 1:, 0] += token[:, None]
        number = 0
        while f"{_ENCODER}layers.{number}.fc1.weight" in self.weights:
            states, number = self._layer(f"layers.{number}.", states, bias), number + 1
        values.update({"graph state": states[0], "atom states": states[1:]})
        return {**values, **self._predictions(states, bias[:, 1:, 1:], pos.double(), bond_path.size(-1))}

    def _get(self, key: str) -> Tensor:
        return self.weights[key if key.startswith("encoder.") else _ENCODER + key].double()

    def _linear(self, key: str, x: Tensor) -> Tensor:
        return x @ self._get(f"{key}.weight").T + self._get(f"{key}.bias")

    def _norm(self, key: str, x: Tensor, eps: float = 1e-5) -> Tensor:
        return F.layer_norm(x, x.shape[-1:], self._get(f"{key}.weight"), self._get(f"{key}.bias"), eps)

    def _gaussians(self, element: Tensor, pos: Tensor) -> Tensor:
        first, second = element[:, None] + 3, element[None, :] + 3 + _ROWS
        mul, shift = (self._get(f"molecule_3d_bias.gbf.{name}.weight")[:, 0] for name in ("mul", "bias"))
        means, stds = (self._get(f"molecule_3d_bias.gbf.{name}.weight")[0] for name in ("means", "stds"))
        distance = (pos[:, None] - pos[None, :]).norm(dim=-1)
        value = (mul[first] + mul[second]) * distance + shift[first] + shift[second]
        sigma = stds.abs() + 0.01
        return (-0.5 * ((value[..., None] - means) / sigma) ** 2).exp() / (math.sqrt(2 * 3.14159) * sigma)

    def _bond_path_bias(self, spd: Tensor, path: Tensor) -> Tensor:
        rows = bond_class_features()[(path - 1).clamp(min=0)] + _ROWS * torch.arange(3) + 3  # [N, N, P, 3]
        rows = rows.masked_fill(path[..., None] == 0, 0)  # the row of padding
        bonds = self._get("molecule_attn_bias.edge_encoder.weight")[rows].mean(-2)  # [N, N, P, H]
        H, P = bonds.size(-1), path.size(-1)
        hops = self._get("molecule_attn_bias.edge_dis_encoder.weight").view(128, H, H)
        summed = sum(bonds[:, :, hop] @ hops[hop] for hop in range(P))
        return summed / spd.clamp(1, P)[..., None]

    def _attention(self, key: str, states: Tensor, bias: Tensor) -> tuple[Tensor, Tensor]:
        r"""Weights ``[H, T, T]`` and values ``[H, T, D]``."""
        query, keys, value = (
            self._linear(f"{key}{name}_proj", states).unflatten(-1, (len(bias), -1)).transpose(0, 1) for name in "qkv"
        )
        return (query @ keys.transpose(1, 2) / math.sqrt(query.size(-1)) + bias).softmax(-1), value

    def _layer(self, key: str, x: Tensor, bias: Tensor) -> Tensor:
        weights, value = self._attention(f"{key}self_attn.", x, bias)
        mixed = (weights @ value).transpose(0, 1).flatten(1)
        x = self._norm(f"{key}self_attn_layer_norm", x + self._linear(f"{key}self_attn.out_proj", mixed))
        inner = F.gelu(self._linear(f"{key}fc1", x))
        return self._norm(f"{key}final_layer_norm", x + self._linear(f"{key}fc2", inner))

    def _predictions(self, states: Tensor, bias: Tensor, pos: Tensor, max_path_length: int) -> dict[str, Tensor]:
        if "encoder.proj_out.dense.weight" in self.weights:
            hidden = F.gelu(self._linear("encoder.proj_out.dense", states[0]))
            return {"property prediction": self._linear("encoder.proj_out.out_proj", hidden)}
        atoms = states[1:]
        bonds = self._linear("blend_edge_pred_head.linear_map_feature", self._pairs("blend_edge_pred_head", atoms))
        inner = self._linear("blend_3d_pred_head.linear", self._pairs("blend_3d_pred_head", atoms))
        weights, value = self._attention("atom_proc.", atoms, bias)
        between = pos[None, :] - pos[:, None]  # [N, N, 3]
        direction = between / (between.norm(dim=-1, keepdim=True) + 1e-5)
        pushed = [((weights * direction[..., axis]) @ value).transpose(0, 1).flatten(1) for axis in range(3)]  # [N, C]
        return {
            "spd prediction": self._linear("blend_spd_pred_head.linear", self._pairs("blend_spd_pred_head", atoms)),
            "bond_path prediction": bonds.unflatten(-1, (max_path_length, -1)),
            "displacement prediction": self._axes("blend_3d_pred_head", [inner] * 3),
            "denoising prediction": self._axes("atom_proc", pushed),
        }

    def _axes(self, head: str, values: list[Tensor]) -> Tensor:
        return torch.cat([self._linear(f"{head}.force_proj{axis}", x) for axis, x in enumerate(values, start=1)], -1)

    def _pairs(self, head: str, atoms: Tensor) -> Tensor:
        r"""Outer products of row and column features, ``[N, N, R * R]``, row first."""
        row, column = (
            self._norm(f"{key}LayerNorm", F.gelu(self._linear(f"{key}head", atoms)), 1e-12)
            for key in (f"{head}.transform_n2_head.{side}_" for side in ("row", "column"))
        )
        return (row[:, None, :, None] * column[None, :, None, :]).flatten(2)
