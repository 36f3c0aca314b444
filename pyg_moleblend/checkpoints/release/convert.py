r"""Import of checkpoints of the authors' release, which are of the fairseq framework."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from torch import Tensor

from pyg_moleblend.checkpoints.release.rules import (
    BOND_CLASSES,
    ENCODER,
    UNUSED,
    Rule,
    encoder_rules,
    pretraining_rules,
    property_rules,
)
from pyg_moleblend.checkpoints.release.unpickle import load_tensors
from pyg_moleblend.fields import MAX_PATH_LENGTH
from pyg_moleblend.models import (
    MoleBlendConfig,
    MoleBlendForPretraining,
    MoleBlendForPropertyPrediction,
)
from pyg_moleblend.nn import (
    BatchBlending,
    BondPathRecovery,
    Denoising,
    DisplacementRecovery,
    Objective,
    SPDRecovery,
)

Weights = Mapping[str, Tensor]


def from_release(path: str | Path) -> MoleBlendForPretraining | MoleBlendForPropertyPrediction:
    r"""Loads a checkpoint of the authors' release, without running code from it.

    Args:
        path: A file as the release's training writes it: a dictionary with the weights under ``model``. P is told
            by the bond-path head, else by the setting ``multi_hop_max_dist`` of an argparse namespace or a plain
            dictionary, else it is 5.

    Returns:
        The model that the keys tell of, in evaluation mode and float32; ``model.encoder`` is the encoder.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If the file is refused, or keys are missing, unexpected or misshapen; they are named.
    """
    return convert_release(*read_release(path))


def read_release(path: str | Path) -> tuple[Weights, int]:
    r"""The weights of a checkpoint of the release as they are, and its P."""
    content = load_tensors(path)
    if not isinstance(content, dict) or not isinstance(content.get("model"), dict):
        raise ValueError(f"{path} is not a checkpoint of the release: it has no weights under the key 'model'")
    weights = {key: value for key, value in content["model"].items() if isinstance(value, Tensor)}
    return weights, _path_length(content)


def convert_release(
    weights: Weights, max_path_length: int = MAX_PATH_LENGTH
) -> MoleBlendForPretraining | MoleBlendForPropertyPrediction:
    r"""The model with the given weights of the authors' release; see :func:`from_release`.

    Args:
        weights: The release's state dictionary.
        max_path_length: P, unless the bond-path head tells it. (default: :obj:`5`)
    """
    config, heads, rules = _read_rules(weights, max_path_length)
    _check(weights, rules)
    model: MoleBlendForPretraining | MoleBlendForPropertyPrediction
    if _has(weights, "encoder.proj_out."):
        model = MoleBlendForPropertyPrediction(config, _size(weights, "encoder.proj_out.out_proj.weight", 0))
    else:
        model = MoleBlendForPretraining(config, objectives=_objectives(config, heads), blending=BatchBlending())
    model.load_state_dict(
        {rule.target: rule.build(*(weights[key].float() for key, _ in rule.sources)) for rule in rules}
    )
    return model.eval()


def release_mapping(path: str | Path) -> list[tuple[str, str, str]]:
    r"""What becomes of each weight of a checkpoint of the release, for people.

    Args:
        path: The file.

    Returns:
        Rows of the release's keys, our name and what was done; weights that are left behind have no name.
    """
    weights, max_path_length = read_release(path)
    *_, rules = _read_rules(weights, max_path_length)
    rows = [(", ".join(key for key, _ in rule.sources), rule.target, rule.note) for rule in rules]
    return rows + [(key, "", "never used by the release") for key in weights if key.startswith(UNUSED)]


def _path_length(content: dict[str, Any]) -> int:
    configuration = content.get("cfg")
    model = configuration.get("model") if isinstance(configuration, dict) else None
    for settings in (model, content.get("args")):
        values = settings if isinstance(settings, dict) else getattr(settings, "__dict__", {})
        if (length := values.get("multi_hop_max_dist")) is not None:
            return int(length)
    return MAX_PATH_LENGTH


def _has(weights: Weights, prefix: str) -> bool:
    return any(key.startswith(prefix) for key in weights)


def _size(weights: Weights, key: str, dim: int) -> int:
    if key not in weights:
        raise ValueError(f"the checkpoint does not fit: missing {key}, which tells a size of the model")
    if weights[key].dim() != 2:
        raise ValueError(f"the checkpoint does not fit: misshapen {key}: {list(weights[key].shape)} is no matrix")
    return weights[key].size(dim)


class HeadSizes(NamedTuple):
    r"""Sizes of the recovery heads: classes of the shortest path, and width of the row and the column feature."""

    num_spd_classes: int = 11
    pair_channels: int = 32


def _objectives(config: MoleBlendConfig, sizes: HeadSizes) -> dict[str, Objective]:
    C, R = config.channels, sizes.pair_channels
    return {
        "spd": SPDRecovery(C, sizes.num_spd_classes, R),
        "bond_path": BondPathRecovery(C, config.max_path_length, "release", R),
        "displacement": DisplacementRecovery(C, R),
        "denoising": Denoising(C, config.heads),
    }


def _read_rules(weights: Weights, max_path_length: int) -> tuple[MoleBlendConfig, HeadSizes, list[Rule]]:
    r"""The configuration and the heads that the weights' shapes tell of, and the rules for a model of them."""
    head, has_heads = ENCODER + "blend_", _has(weights, ENCODER + "blend_")
    sizes = HeadSizes()
    if has_heads:
        sizes = HeadSizes(
            _size(weights, head + "spd_pred_head.linear.weight", 0),
            _size(weights, head + "spd_pred_head.transform_n2_head.row_head.weight", 0),
        )
        max_path_length = _size(weights, head + "edge_pred_head.linear_map_feature.weight", 0) // BOND_CLASSES
    heads = _size(weights, ENCODER + "molecule_attn_bias.spatial_pos_encoder.weight", 1)
    hops = _size(weights, ENCODER + "molecule_attn_bias.edge_dis_encoder.weight", 0) // heads**2
    if not 1 <= max_path_length <= hops:
        raise ValueError(f"the checkpoint holds {hops} hops of a path, so P cannot be {max_path_length}")
    prefix = ENCODER + "layers."
    config = MoleBlendConfig.paper(
        channels=_size(weights, ENCODER + "atom_feature.atom_encoder.weight", 1),
        num_layers=len({key[len(prefix) :].split(".")[0] for key in weights if key.startswith(prefix)}),
        heads=heads,
        ffn_channels=_size(weights, prefix + "0.fc1.weight", 0),
        num_gaussians=_size(weights, ENCODER + "molecule_3d_bias.gbf.means.weight", 1),
        max_path_length=max_path_length,
    )
    rules = encoder_rules(config, hops)
    if _has(weights, "encoder.proj_out."):
        return config, sizes, rules + property_rules(config, _size(weights, "encoder.proj_out.out_proj.weight", 0))
    if has_heads:
        inner = _size(weights, head + "3d_pred_head.linear.weight", 0)
        return config, sizes, rules + pretraining_rules(config, inner, *sizes)
    raise ValueError("the checkpoint has neither pretraining heads (blend_*) nor a prediction head (proj_out)")


def _check(weights: Weights, rules: list[Rule]) -> None:
    r"""Raises unless every key that is wanted is there in its shape, and there are no others."""
    wanted = {key: shape for rule in rules for key, shape in rule.sources}
    faults = [f"missing {key}" for key in wanted if key not in weights]
    faults += [
        f"misshapen {key}: {list(weights[key].shape)} where {list(shape)} was expected"
        for key, shape in wanted.items()
        if key in weights and weights[key].shape != shape
    ]
    faults += [f"unexpected {key}" for key in weights if key not in wanted and not key.startswith(UNUSED)]
    if faults:
        raise ValueError("the checkpoint does not fit: " + "; ".join(faults))
