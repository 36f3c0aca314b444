r"""From our models to the plain baseline: the same weights, the same molecules."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from benchmarks.baseline.model import ROWS, UNREACHABLE, PlainBatch, PlainEncoder
from benchmarks.baseline.pretraining import PlainPretraining
from pyg_moleblend.fields import ATOM_FEATURE_SIZES, BOND_FEATURE_SIZES, SPD_UNREACHABLE, bond_class_features
from pyg_moleblend.models import MoleBlend, MoleBlendForPretraining
from pyg_moleblend.nn import PairHead
from pyg_moleblend.utils import DenseMolecules


def plain_batch(molecules: DenseMolecules) -> PlainBatch:
    r"""Packed molecules as the baseline takes them."""
    mask, pair = molecules.mask, molecules.pair_mask
    spd, path = molecules.pairs["spd"].long(), molecules.pairs["bond_path"].long()
    spd = torch.where(spd == SPD_UNREACHABLE, UNREACHABLE - 1, spd) + 1
    edges = bond_class_features()[(path - 1).clamp(min=0)] + ROWS * torch.arange(3) + 1  # [B, N, N, P, 3]
    return PlainBatch(
        x=(molecules.x + ROWS * torch.arange(9) + 1) * mask[..., None],
        degree=(molecules.degree + 1) * mask,
        spd=spd * pair,
        edges=edges * (path > 0)[..., None],
        pos=molecules.pos,
        mask=mask,
    )


@torch.no_grad()
def copy_weights(ours: MoleBlendForPretraining, plain: PlainPretraining) -> None:
    r"""Gives the baseline the weights of our model, whose bond vocabulary must be the release's."""
    _copy_encoder(ours.encoder, plain.encoder)
    heads = ours.objectives
    _copy_pair(heads["spd"].head, plain.spd_pair)
    _copy_pair(heads["bond_path"].head, plain.bond_pair)
    _copy_pair(heads["displacement"].head, plain.shift_pair)
    for name, linear in (("spd", plain.spd_out), ("bond_path", plain.bond_out)):
        linear.weight.copy_(heads[name].head.weight.flatten(1))
        linear.bias.copy_(heads[name].head.bias)
    # Ours is the product of the two maps: the first takes it on in three of its rows, the second picks them.
    plain.shift_hidden.weight[:3] = heads["displacement"].head.weight.flatten(1)
    for axis, linear in enumerate(plain.shift_out):
        linear.weight.copy_(torch.eye(3, linear.in_features)[axis])
        linear.bias.copy_(heads["displacement"].head.bias[axis])
    plain.shift_hidden.bias.zero_()
    denoising = heads["denoising"].head
    _split(denoising.qkv, plain.query, plain.key, plain.value)
    for axis, linear in enumerate(plain.force):
        linear.weight.copy_(denoising.axes[axis])
        linear.bias.copy_(denoising.bias[axis])


def _copy_encoder(ours: MoleBlend, plain: PlainEncoder) -> None:
    embedding, bias = ours.atom_embedding, ours.attention_bias
    relations = bias.blend.relations
    _fill(plain.atom, embedding.features.weight, ATOM_FEATURE_SIZES)
    plain.in_degree.weight[1 : 1 + len(embedding.degree.weight)] = embedding.degree.weight
    plain.out_degree.weight.zero_()
    _copy(embedding.geometry, plain.geometry)
    plain.token.copy_(ours.graph_token)
    plain.token_bias.copy_(bias.graph_token)
    plain.spd.weight[1:UNREACHABLE] = relations["spd"].table.weight[:SPD_UNREACHABLE].repeat(3, 1)[: UNREACHABLE - 1]
    plain.spd.weight[UNREACHABLE] = relations["spd"].table.weight[SPD_UNREACHABLE]
    _fill(plain.bond, relations["bond_path"].features.weight, BOND_FEATURE_SIZES)
    plain.hops.copy_(relations["bond_path"].hops)
    for side in range(2):
        rows = slice(side * ROWS, side * ROWS + ours.gaussians.scale.size(1))
        plain.scale.weight[rows, 0] = ours.gaussians.scale[side]
        plain.shift.weight[rows, 0] = ours.gaussians.shift[side]
    plain.means.copy_(ours.gaussians.means)
    plain.stds.copy_(ours.gaussians.stds)
    _copy(relations["distance"].linear1, plain.bias1)
    _copy(relations["distance"].linear2, plain.bias2)
    _copy(ours.embedding_norm, plain.norm)
    for source, layer in zip(ours.layers, plain.layers, strict=True):
        _split(source.attention.qkv, layer.query, layer.key, layer.value)
        _copy(source.attention.out, layer.out)
        _copy(source.attention_norm, layer.attention_norm)
        _copy(source.ffn_in, layer.fc1)
        _copy(source.ffn_out, layer.fc2)
        _copy(source.ffn_norm, layer.final_norm)


def _copy_pair(ours: PairHead, plain: nn.Module) -> None:
    for name in ("row", "column", "row_norm", "column_norm"):
        _copy(getattr(ours, name), getattr(plain, name))


def _copy(source: nn.Module, target: nn.Module) -> None:
    target.load_state_dict(source.state_dict())


def _split(source: nn.Linear, *targets: nn.Linear) -> None:
    for target, weight, bias in zip(targets, source.weight.chunk(3), source.bias.chunk(3), strict=True):
        target.weight.copy_(weight)
        target.bias.copy_(bias)


def _fill(table: nn.Embedding, rows: Tensor, sizes: tuple[int, ...]) -> None:
    for feature, part in enumerate(rows.split(list(sizes))):
        table.weight[1 + feature * ROWS : 1 + feature * ROWS + len(part)] = part
