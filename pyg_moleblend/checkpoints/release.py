r"""Import of weights in the format of the authors' release (a fairseq checkpoint).

The release keeps 512 rows for each feature and one for padding; ours keep the rows of OGB's vocabulary. What is
left behind are rows that no molecule looks up, and heads that the release builds but never uses.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import torch
from torch import Tensor

from pyg_moleblend.checkpoints.unpickle import load_tensors
from pyg_moleblend.models import (
    MoleBlendConfig,
    MoleBlendForPretraining,
    MoleBlendForPropertyPrediction,
)
from pyg_moleblend.nn.atom_embedding import MAX_DEGREE
from pyg_moleblend.relations import ATOM_FEATURE_SIZES, BOND_FEATURE_SIZES, MAX_PATH_LENGTH, SPD_MAX

_ENCODER = "encoder.molecule_encoder."
_ROWS = 512  # rows of the release's tables for each feature
_BOND_CLASSES = 24
_UNUSED = (
    "encoder.lm_output_learned_bias",
    "encoder.lm_head_transform_weight.",
    "encoder.layer_norm.",
    "encoder.embed_out.",
)

State = dict[str, Tensor]
Take = Callable[..., Tensor]


def from_release(path: str | Path) -> MoleBlendForPretraining | MoleBlendForPropertyPrediction:
    r"""Loads a checkpoint of the authors' release, without running code from it.

    Args:
        path: A file as the release's training writes it: a dictionary with the weights under ``model``.

    Returns:
        The model that the keys tell of, in evaluation mode and float32; ``model.encoder`` is the encoder.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If the file is refused, or keys are missing, unexpected or misshapen; they are named.
    """
    content = load_tensors(path)
    if not isinstance(content, dict) or not isinstance(content.get("model"), dict):
        raise ValueError(f"{path} is not a checkpoint of the release: it has no weights under the key 'model'")
    weights = {key: value for key, value in content["model"].items() if isinstance(value, Tensor)}
    return convert_release(weights, _path_length(content))


def convert_release(
    weights: Mapping[str, Tensor], max_path_length: int = MAX_PATH_LENGTH
) -> MoleBlendForPretraining | MoleBlendForPropertyPrediction:
    r"""The model with the given weights of the authors' release; see :func:`from_release`.

    Args:
        weights: The release's state dictionary.
        max_path_length: P, unless the bond-path head tells it.
    """
    reader = _Reader(weights)
    config = _read_config(reader, max_path_length)
    model: MoleBlendForPretraining | MoleBlendForPropertyPrediction
    if reader.has("encoder.proj_out."):
        num_tasks = reader.size("encoder.proj_out.out_proj.weight", 0)
        model = MoleBlendForPropertyPrediction(config, num_tasks)
        convert = _property_head
    elif reader.has(_ENCODER + "blend_"):
        model = MoleBlendForPretraining(config)
        convert = _pretraining_heads
    else:
        raise ValueError("the checkpoint has neither pretraining heads (blend_*) nor a prediction head (proj_out)")
    state = {f"encoder.{key}": value for key, value in _encoder(reader.take, config).items()}
    state.update(convert(reader.take, config))
    reader.check()
    model.load_state_dict(state)
    return model.eval()


class _Reader:
    r"""Reads the release's weights and keeps account of keys that are missing, misshapen or never read."""

    def __init__(self, weights: Mapping[str, Tensor]) -> None:
        self.weights = weights
        self.read: set[str] = set()
        self.faults: list[str] = []

    def has(self, prefix: str) -> bool:
        return any(key.startswith(prefix) for key in self.weights)

    def size(self, key: str, dim: int) -> int:
        if key not in self.weights:
            raise ValueError(f"the checkpoint lacks {key}, which tells the model's size")
        return self.weights[key].size(dim)

    def take(self, key: str, *shape: int) -> Tensor:
        r"""The weight in float32; -1 in the shape is any size."""
        self.read.add(key)
        value = self.weights.get(key)
        if value is None:
            self.faults.append(f"missing {key}")
        elif value.dim() != len(shape) or any(s not in (-1, size) for s, size in zip(shape, value.shape, strict=True)):
            self.faults.append(f"misshapen {key}: {list(value.shape)} where {list(shape)} was expected")
        else:
            return value.float()
        return torch.zeros([max(size, 1) for size in shape])

    def check(self) -> None:
        r"""Raises unless every key was read and none was missing or misshapen."""
        unread = sorted(key for key in self.weights if key not in self.read and not key.startswith(_UNUSED))
        if faults := self.faults + [f"unexpected {key}" for key in unread]:
            raise ValueError("the checkpoint does not fit: " + "; ".join(faults))


def _path_length(content: dict) -> int:
    settings = content.get("cfg")
    settings = settings.get("model") if isinstance(settings, dict) else content.get("args")
    return int(getattr(settings, "multi_hop_max_dist", MAX_PATH_LENGTH))


def _read_config(reader: _Reader, max_path_length: int) -> MoleBlendConfig:
    heads = _ENCODER + "blend_"
    sizes = {}
    if reader.has(heads):
        sizes["num_spd_classes"] = reader.size(heads + "spd_pred_head.linear.weight", 0)
        sizes["pair_channels"] = reader.size(heads + "spd_pred_head.transform_n2_head.row_head.weight", 0)
        max_path_length = reader.size(heads + "edge_pred_head.linear_map_feature.weight", 0) // _BOND_CLASSES
    layers = {key[len(_ENCODER) :].split(".")[1] for key in reader.weights if key.startswith(_ENCODER + "layers.")}
    return MoleBlendConfig.paper(
        channels=reader.size(_ENCODER + "atom_feature.atom_encoder.weight", 1),
        num_layers=len(layers),
        heads=reader.size(_ENCODER + "molecule_attn_bias.spatial_pos_encoder.weight", 1),
        ffn_channels=reader.size(_ENCODER + "layers.0.fc1.weight", 0),
        num_gaussians=reader.size(_ENCODER + "molecule_3d_bias.gbf.means.weight", 1),
        max_path_length=max_path_length,
        bond_vocabulary="release",
        geometry_objective="displacement",
        blend_scope="batch",
        **sizes,
    )


def _linear(take: Take, source: str, target: str, rows: int, columns: int) -> State:
    weight, bias = take(f"{source}.weight", rows, columns), take(f"{source}.bias", rows)
    return {f"{target}.weight": weight, f"{target}.bias": bias}


def _norm(take: Take, source: str, target: str, channels: int) -> State:
    return {
        f"{target}.weight": take(f"{source}.weight", channels),
        f"{target}.bias": take(f"{source}.bias", channels),
    }


def _qkv(take: Take, source: str, target: str, channels: int) -> State:
    parts = [_linear(take, f"{source}.{name}_proj", "", channels, channels) for name in "qkv"]
    return {f"{target}{end}": torch.cat([part[end] for part in parts]) for end in (".weight", ".bias")}


def _rows(table: Tensor, sizes: tuple[int, ...], first: int) -> Tensor:
    r"""The rows of each feature's values: feature k of value v is row ``v + 512 * k + first``."""
    return torch.cat([table[_ROWS * k + first :][:size] for k, size in enumerate(sizes)])


def _encoder(take: Take, config: MoleBlendConfig) -> State:
    C, H, K, F = config.channels, config.heads, config.num_gaussians, config.ffn_channels
    feature, bias = _ENCODER + "atom_feature.", _ENCODER + "molecule_attn_bias."
    geometry = _ENCODER + "molecule_3d_bias."
    degrees = take(feature + "in_degree_encoder.weight", _ROWS, C) + take(
        feature + "out_degree_encoder.weight", _ROWS, C
    )
    spd = take(bias + "spatial_pos_encoder.weight", _ROWS, H)[1:]  # row of distance 0 first, unreachable last
    hops = take(bias + "edge_dis_encoder.weight", -1, 1).view(-1, H, H)
    elements = (ATOM_FEATURE_SIZES[0],) * 2
    bond_rows = take(bias + "edge_encoder.weight", _ROWS * len(BOND_FEATURE_SIZES) + 1, H)
    atom_rows = take(feature + "atom_encoder.weight", _ROWS * len(ATOM_FEATURE_SIZES) + 1, C)
    blend = "attention_bias.blend.relations."
    state = {
        "graph_token": take(feature + "graph_token.weight", 1, C)[0],
        "atom_embedding.features.weight": _rows(atom_rows, ATOM_FEATURE_SIZES, 2),
        "atom_embedding.degree.weight": degrees[1 : MAX_DEGREE + 2],
        "attention_bias.graph_token": take(bias + "graph_token_virtual_distance.weight", 1, H)[0],
        blend + "spd.table.weight": torch.cat([spd[: SPD_MAX + 1], spd[-1:]]),
        blend + "bond_path.features.weight": _rows(bond_rows, BOND_FEATURE_SIZES, 3),
        blend + "bond_path.hops": hops[: config.max_path_length],
        "gaussians.means": take(geometry + "gbf.means.weight", 1, K)[0],
        "gaussians.stds": take(geometry + "gbf.stds.weight", 1, K)[0],
        "gaussians.scale": _rows(take(geometry + "gbf.mul.weight", 3 * _ROWS, 1)[:, 0], elements, 3).view(2, -1),
        "gaussians.shift": _rows(take(geometry + "gbf.bias.weight", 3 * _ROWS, 1)[:, 0], elements, 3).view(2, -1),
        **_linear(take, geometry + "gbf_proj.layer1", blend + "distance.linear1", K, K),
        **_linear(take, geometry + "gbf_proj.layer2", blend + "distance.linear2", H, K),
        **_linear(take, geometry + "edge_proj", "atom_embedding.geometry", C, K),
        **_norm(take, _ENCODER + "emb_layer_norm", "embedding_norm", C),
    }
    for number in range(config.num_layers):
        source, target = f"{_ENCODER}layers.{number}.", f"layers.{number}."
        state.update(_qkv(take, source + "self_attn", target + "attention.qkv", C))
        state.update(_linear(take, source + "self_attn.out_proj", target + "attention.out", C, C))
        state.update(_norm(take, source + "self_attn_layer_norm", target + "attention_norm", C))
        state.update(_linear(take, source + "fc1", target + "ffn_in", F, C))
        state.update(_linear(take, source + "fc2", target + "ffn_out", C, F))
        state.update(_norm(take, source + "final_layer_norm", target + "ffn_norm", C))
    return state


def _pair_features(take: Take, source: str, target: str, config: MoleBlendConfig) -> State:
    state: State = {}
    for side in ("row", "column"):
        prefix = f"{source}transform_n2_head.{side}"
        state.update(_linear(take, prefix + "_head", f"{target}.{side}", config.pair_channels, config.channels))
        state.update(_norm(take, prefix + "_LayerNorm", f"{target}.{side}_norm", config.pair_channels))
    return state


def _pretraining_heads(take: Take, config: MoleBlendConfig) -> State:
    C, R = config.channels, config.pair_channels
    denoise, target = _ENCODER + "atom_proc.", "objectives.denoising.head"
    axes = [_linear(take, f"{denoise}force_proj{axis}", "", 1, C) for axis in (1, 2, 3)]
    state = {
        **_qkv(take, denoise[:-1], f"{target}.qkv", C),
        f"{target}.axes": torch.cat([axis[".weight"] for axis in axes]),
        f"{target}.bias": torch.cat([axis[".bias"] for axis in axes]),
    }
    classes = {"spd": config.num_spd_classes, "bond_path": config.max_path_length * _BOND_CLASSES}
    heads = {"spd": "blend_spd_pred_head.linear", "bond_path": "blend_edge_pred_head.linear_map_feature"}
    for name, head in heads.items():
        source, target = _ENCODER + head, f"objectives.{name}.head"
        state.update(_pair_features(take, source.rsplit(".", 1)[0] + ".", target, config))
        state[f"{target}.weight"] = take(f"{source}.weight", classes[name], R * R).view(-1, R, R)
        state[f"{target}.bias"] = take(f"{source}.bias", classes[name])
    # Two linear maps in a row are one.
    source, target = _ENCODER + "blend_3d_pred_head.", "objectives.displacement.head"
    state.update(_pair_features(take, source, target, config))
    inner_weight, inner_bias = take(source + "linear.weight", -1, R * R), take(source + "linear.bias", -1)
    axes = [_linear(take, f"{source}force_proj{axis}", "", 1, inner_bias.numel()) for axis in (1, 2, 3)]
    outer = torch.cat([axis[".weight"] for axis in axes])
    state[f"{target}.weight"] = (outer @ inner_weight).view(3, R, R)
    state[f"{target}.bias"] = outer @ inner_bias + torch.cat([axis[".bias"] for axis in axes])
    return state


def _property_head(take: Take, config: MoleBlendConfig) -> State:
    C = config.channels
    dense = _linear(take, "encoder.proj_out.dense", "dense", C, C)
    return {**dense, **_linear(take, "encoder.proj_out.out_proj", "out", -1, C)}
