r"""Which weights of the authors' release become which of ours, and how.

The release keeps 512 rows for each feature and one for padding; ours keep the rows of OGB's vocabulary. What is
left behind are rows that no molecule looks up, and heads that the release builds but never uses.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor

from pyg_moleblend.fields import ATOM_FEATURE_SIZES, BOND_FEATURE_SIZES, SPD_MAX
from pyg_moleblend.models import MoleBlendConfig
from pyg_moleblend.nn.atom_embedding import MAX_DEGREE

ENCODER = "encoder.molecule_encoder."
BOND_CLASSES = 24
UNUSED = (
    "encoder.lm_output_learned_bias",
    "encoder.lm_head_transform_weight.",
    "encoder.layer_norm.",
    "encoder.embed_out.",
)
_ROWS = 512  # rows of the release's tables for each feature


class Rule(NamedTuple):
    r"""How one of our weights is made.

    Attributes:
        target: Our name of it.
        sources: The release's keys and their shapes.
        build: Makes ours of theirs.
        note: What is done, for people.
    """

    target: str
    sources: tuple[tuple[str, tuple[int, ...]], ...]
    build: Callable[..., Tensor]
    note: str


def _same(target: str, source: str, *shape: int, note: str = "as it is") -> Rule:
    own = tuple(size for size in shape if size != 1) or (1,)
    return Rule(target, ((source, shape),), lambda value: value.reshape(own), note)


def _linear(target: str, source: str, rows: int, columns: int) -> list[Rule]:
    weight = Rule(f"{target}.weight", ((f"{source}.weight", (rows, columns)),), lambda value: value, "as it is")
    return [weight, Rule(f"{target}.bias", ((f"{source}.bias", (rows,)),), lambda value: value, "as it is")]


def _norm(target: str, source: str, channels: int) -> list[Rule]:
    return [_same(f"{target}.{end}", f"{source}.{end}", channels) for end in ("weight", "bias")]


def _qkv(target: str, source: str, channels: int) -> list[Rule]:
    shapes = {"weight": (channels, channels), "bias": (channels,)}
    return [
        Rule(
            f"{target}.{end}",
            tuple((f"{source}.{name}_proj.{end}", shape) for name in "qkv"),
            lambda *parts: torch.cat(parts),
            "one below the other",
        )
        for end, shape in shapes.items()
    ]


def _table(target: str, source: str, sizes: tuple[int, ...], first: int, total: int, width: int) -> Rule:
    r"""The rows of each feature's values: feature k of value v is row ``v + 512 * k + first``."""

    def build(table: Tensor) -> Tensor:
        return torch.cat([table[_ROWS * k + first :][:size] for k, size in enumerate(sizes)])

    return Rule(target, ((source, (total, width)),), build, f"{sum(sizes)} of {total} rows")


def encoder_rules(config: MoleBlendConfig, hops: int) -> list[Rule]:
    r"""Rules of the encoder.

    Args:
        config: The model's shape.
        hops: Hops that the release's table of hop matrices holds; the first P are used.
    """
    C, H, K, P = config.channels, config.heads, config.num_gaussians, config.max_path_length
    feature, bias, geometry = (ENCODER + part for part in ("atom_feature.", "molecule_attn_bias.", "molecule_3d_bias."))
    blend, elements = "attention_bias.blend.relations.", (ATOM_FEATURE_SIZES[0],) * 2
    degrees = tuple((f"{feature}{side}_degree_encoder.weight", (_ROWS, C)) for side in ("in", "out"))
    atom_rows, bond_rows = _ROWS * len(ATOM_FEATURE_SIZES) + 1, _ROWS * len(BOND_FEATURE_SIZES) + 1
    rules = [
        _same("graph_token", feature + "graph_token.weight", 1, C),
        _table("atom_embedding.features.weight", feature + "atom_encoder.weight", ATOM_FEATURE_SIZES, 2, atom_rows, C),
        Rule(
            "atom_embedding.degree.weight",
            degrees,
            lambda inward, outward: (inward + outward)[1 : MAX_DEGREE + 2],
            f"sum of both, {MAX_DEGREE + 1} of {_ROWS} rows",
        ),
        _same("attention_bias.graph_token", bias + "graph_token_virtual_distance.weight", 1, H),
        Rule(
            blend + "spd.table.weight",
            ((bias + "spatial_pos_encoder.weight", (_ROWS, H)),),
            lambda table: torch.cat([table[1 : SPD_MAX + 2], table[-1:]]),  # distances from 0; unreachable is last
            f"{SPD_MAX + 2} of {_ROWS} rows",
        ),
        _table(blend + "bond_path.features.weight", bias + "edge_encoder.weight", BOND_FEATURE_SIZES, 3, bond_rows, H),
        Rule(
            blend + "bond_path.hops",
            ((bias + "edge_dis_encoder.weight", (hops * H * H, 1)),),
            lambda table: table.view(hops, H, H)[:P],
            f"{P} of {hops} hops",
        ),
        _same("gaussians.means", geometry + "gbf.means.weight", 1, K),
        _same("gaussians.stds", geometry + "gbf.stds.weight", 1, K),
    ]
    for target, source in (("gaussians.scale", "gbf.mul.weight"), ("gaussians.shift", "gbf.bias.weight")):
        rule = _table(target, geometry + source, elements, 3, 3 * _ROWS, 1)
        rules.append(rule._replace(build=lambda table, cut=rule.build: cut(table).view(2, -1)))
    rules += _linear(blend + "distance.linear1", geometry + "gbf_proj.layer1", K, K)
    rules += _linear(blend + "distance.linear2", geometry + "gbf_proj.layer2", H, K)
    rules += _linear("atom_embedding.geometry", geometry + "edge_proj", C, K)
    rules += _norm("embedding_norm", ENCODER + "emb_layer_norm", C)
    for number in range(config.num_layers):
        rules += _layer_rules(f"layers.{number}.", f"{ENCODER}layers.{number}.", C, config.ffn_channels)
    return [rule._replace(target=f"encoder.{rule.target}") for rule in rules]


def _layer_rules(target: str, source: str, channels: int, ffn_channels: int) -> list[Rule]:
    return [
        *_qkv(target + "attention.qkv", source + "self_attn", channels),
        *_linear(target + "attention.out", source + "self_attn.out_proj", channels, channels),
        *_norm(target + "attention_norm", source + "self_attn_layer_norm", channels),
        *_linear(target + "ffn_in", source + "fc1", ffn_channels, channels),
        *_linear(target + "ffn_out", source + "fc2", channels, ffn_channels),
        *_norm(target + "ffn_norm", source + "final_layer_norm", channels),
    ]


def pretraining_rules(config: MoleBlendConfig, inner: int, num_spd_classes: int, pair_channels: int) -> list[Rule]:
    r"""Rules of the recovery heads and the denoising head.

    Args:
        config: The model's shape.
        inner: Width between the two linear maps of the release's displacement head.
        num_spd_classes: Classes of the shortest-path head.
        pair_channels: Width of the row and the column feature.
    """
    C, R, P = config.channels, pair_channels, config.max_path_length
    denoise, target = ENCODER + "atom_proc.", "objectives.denoising.head"
    axes = {end: tuple(f"force_proj{axis}.{end}" for axis in (1, 2, 3)) for end in ("weight", "bias")}
    rules = [
        *_qkv(f"{target}.qkv", denoise[:-1], C),
        _stack(f"{target}.axes", tuple((denoise + name, (1, C)) for name in axes["weight"])),
        _stack(f"{target}.bias", tuple((denoise + name, (1,)) for name in axes["bias"])),
    ]
    heads = {
        "spd": ("blend_spd_pred_head", "linear", num_spd_classes),
        "bond_path": ("blend_edge_pred_head", "linear_map_feature", P * BOND_CLASSES),
    }
    for name, (head, linear, classes) in heads.items():
        weight, bias = _linear(f"objectives.{name}.head", f"{ENCODER}{head}.{linear}", classes, R * R)
        rules += _pair_rules(f"objectives.{name}.head", f"{ENCODER}{head}.", C, R)
        rules += [weight._replace(build=lambda value: value.view(-1, R, R)), bias]
    source, target = ENCODER + "blend_3d_pred_head.", "objectives.displacement.head"
    outer_weights = tuple((source + name, (1, inner)) for name in axes["weight"])
    outer_biases = tuple((source + name, (1,)) for name in axes["bias"])
    rules += _pair_rules(target, source, C, R)
    rules += [
        Rule(
            f"{target}.weight",
            ((source + "linear.weight", (inner, R * R)), *outer_weights),
            lambda weight, *outer: (torch.cat(outer) @ weight).view(3, R, R),
            "product of the two linear maps",
        ),
        Rule(
            f"{target}.bias",
            ((source + "linear.bias", (inner,)), *outer_weights, *outer_biases),
            lambda bias, *outer: torch.cat(outer[:3]) @ bias + torch.cat(outer[3:]),
            "product of the two linear maps",
        ),
    ]
    return rules


def _stack(target: str, sources: tuple[tuple[str, tuple[int, ...]], ...]) -> Rule:
    return Rule(target, sources, lambda *parts: torch.cat(parts), "one below the other")


def _pair_rules(target: str, source: str, channels: int, pair_channels: int) -> list[Rule]:
    rules = []
    for side in ("row", "column"):
        prefix = f"{source}transform_n2_head.{side}"
        rules += _linear(f"{target}.{side}", prefix + "_head", pair_channels, channels)
        rules += _norm(f"{target}.{side}_norm", prefix + "_LayerNorm", pair_channels)
    return rules


def property_rules(config: MoleBlendConfig, num_tasks: int) -> list[Rule]:
    r"""Rules of the prediction head.

    Args:
        config: The model's shape.
        num_tasks: T.
    """
    C, head = config.channels, "encoder.proj_out."
    return [*_linear("dense", head + "dense", C, C), *_linear("out", head + "out_proj", num_tasks, C)]
