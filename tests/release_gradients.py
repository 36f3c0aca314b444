r"""Gradients of our pretraining model in the terms of the release's parameters, by the chain rule.

Ours holds fewer parameters: q, k and v are one matrix, two degree tables are one, and two linear maps in a row
are one. The norm of a gradient is the same for a table whose other rows are never looked up.
"""

from collections.abc import Mapping

from torch import Tensor

from pyg_moleblend.models import MoleBlendForPretraining

ENCODER = "encoder.molecule_encoder."

_TABLES = {
    "graph_token": "atom_feature.graph_token.weight",
    "atom_embedding.features.weight": "atom_feature.atom_encoder.weight",
    "atom_embedding.geometry": "molecule_3d_bias.edge_proj",
    "attention_bias.graph_token": "molecule_attn_bias.graph_token_virtual_distance.weight",
    "attention_bias.blend.relations.spd.table.weight": "molecule_attn_bias.spatial_pos_encoder.weight",
    "attention_bias.blend.relations.bond_path.features.weight": "molecule_attn_bias.edge_encoder.weight",
    "attention_bias.blend.relations.bond_path.hops": "molecule_attn_bias.edge_dis_encoder.weight",
    "attention_bias.blend.relations.distance.linear1": "molecule_3d_bias.gbf_proj.layer1",
    "attention_bias.blend.relations.distance.linear2": "molecule_3d_bias.gbf_proj.layer2",
    "gaussians.means": "molecule_3d_bias.gbf.means.weight",
    "gaussians.stds": "molecule_3d_bias.gbf.stds.weight",
    "gaussians.scale": "molecule_3d_bias.gbf.mul.weight",
    "gaussians.shift": "molecule_3d_bias.gbf.bias.weight",
    "embedding_norm": "emb_layer_norm",
}
_LAYER = {
    "attention.out": "self_attn.out_proj",
    "attention_norm": "self_attn_layer_norm",
    "ffn_in": "fc1",
    "ffn_out": "fc2",
    "ffn_norm": "final_layer_norm",
}
_HEADS = {
    "spd": ("blend_spd_pred_head", "linear"),
    "bond_path": ("blend_edge_pred_head", "linear_map_feature"),
    "displacement": ("blend_3d_pred_head", None),
}


def release_gradients(model: MoleBlendForPretraining, weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    r"""The gradient of every parameter of the release, by the release's key.

    Args:
        model: After a backward pass.
        weights: The release's weights, which the chain rule through merged maps needs.
    """
    ours = {name: parameter.grad for name, parameter in model.named_parameters()}
    theirs: dict[str, Tensor] = {}

    def rename(source: str, target: str) -> None:
        if source in ours:
            theirs[ENCODER + target] = ours.pop(source)
        else:
            for end in (".weight", ".bias"):
                theirs[ENCODER + target + end] = ours.pop(source + end)

    def split_qkv(source: str, target: str) -> None:
        for end in (".weight", ".bias"):
            for name, part in zip("qkv", ours.pop(source + end).chunk(3), strict=True):
                theirs[f"{ENCODER}{target}.{name}_proj{end}"] = part

    degree = ours.pop("encoder.atom_embedding.degree.weight")
    for name in ("in", "out"):
        theirs[f"{ENCODER}atom_feature.{name}_degree_encoder.weight"] = degree
    for source, target in _TABLES.items():
        rename("encoder." + source, target)
    for number in range(model.config.num_layers):
        for source, target in _LAYER.items():
            rename(f"encoder.layers.{number}.{source}", f"layers.{number}.{target}")
        split_qkv(f"encoder.layers.{number}.attention.qkv", f"layers.{number}.self_attn")

    split_qkv("objectives.denoising.head.qkv", "atom_proc")
    axes, bias = ours.pop("objectives.denoising.head.axes"), ours.pop("objectives.denoising.head.bias")
    for axis in range(3):
        theirs[f"{ENCODER}atom_proc.force_proj{axis + 1}.weight"] = axes[axis]
        theirs[f"{ENCODER}atom_proc.force_proj{axis + 1}.bias"] = bias[axis]

    for objective, (head, linear) in _HEADS.items():
        for side in ("row", "column"):
            source, target = f"objectives.{objective}.head.{side}", f"{head}.transform_n2_head.{side}"
            rename(source, target + "_head")
            rename(source + "_norm", target + "_LayerNorm")
        if linear is not None:
            rename(f"objectives.{objective}.head", f"{head}.{linear}")

    # The merged map is W = A V with bias A b + a, for the inner map (V, b) and the three outer ones (A, a).
    head = ENCODER + _HEADS["displacement"][0]
    weight = ours.pop("objectives.displacement.head.weight").flatten(1)  # [3, R * R]
    bias = ours.pop("objectives.displacement.head.bias")  # [3]
    inner_weight, inner_bias = weights[f"{head}.linear.weight"], weights[f"{head}.linear.bias"]
    for axis in range(3):
        outer = weight[axis] @ inner_weight.T + bias[axis] * inner_bias
        theirs[f"{head}.force_proj{axis + 1}.weight"] = outer
        theirs[f"{head}.force_proj{axis + 1}.bias"] = bias[axis]
    outer_weight = sum(
        weights[f"{head}.force_proj{axis + 1}.weight"].T @ weight[axis : axis + 1] for axis in range(3)
    )  # [256, R * R]
    outer_bias = sum(weights[f"{head}.force_proj{axis + 1}.weight"][0] * bias[axis] for axis in range(3))
    theirs[f"{head}.linear.weight"], theirs[f"{head}.linear.bias"] = outer_weight, outer_bias
    assert not ours, f"parameters without a counterpart: {sorted(ours)}"
    return theirs
