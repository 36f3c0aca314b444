r"""Folders and configuration files of the first format, in which one configuration held everything."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pyg_moleblend.runtime.open_file import content_named

_MODELS = ("MoleBlend", "MoleBlendForPretraining", "MoleBlendForPropertyPrediction")
_SHAPE = (
    *("channels", "num_layers", "heads", "ffn_channels", "num_gaussians", "max_path_length"),
    *("dropout", "attention_dropout", "activation_dropout", "drop_path"),
)
_DEFAULTS: dict[str, Any] = {
    "relation_probabilities": [0.2, 0.2, 0.6],
    "atom_feature_probabilities": [0.4, 0.6],
    "blend_scope": "molecule",
    "noise_scale": 0.2,
    "geometry_objective": "displacement",
    "bond_vocabulary": "ogb",
    "num_spd_classes": 11,
    "pair_channels": 32,
    "loss_weights": {"spd": 0.1, "bond_path": 0.1, "displacement": 0.5, "distance": 0.5, "denoising": 6.0},
}
PRETRAINING_KEYS = frozenset(_DEFAULTS)
r"""Keys of the old configuration that say how a model is pretrained."""

_RELATIONS = ("spd", "bond_path", "distance")


def is_old(description: Mapping[str, Any]) -> bool:
    r"""Whether a ``config.json`` is of the first format."""
    return "format" not in description and "class" in description


def updated(description: Mapping[str, Any], path: Path) -> dict[str, Any]:
    r"""A ``config.json`` of the first format as one of the second; its weights have the same names.

    Raises:
        ValueError: If it lacks a key, or holds one that the format has not.
    """
    wanted = {"class", "config", "metadata"}
    if description.get("class") == "MoleBlendForPropertyPrediction":
        wanted.add("num_tasks")
    if missing := wanted - set(description):
        raise ValueError(f"{path} lacks the keys {sorted(missing)}")
    name, config = description["class"], description["config"]
    if name not in _MODELS:
        raise ValueError(f"{path} is of class {name!r}; known are {list(_MODELS)}")
    if not isinstance(config, dict):
        raise ValueError(f"{path} describes no model: its config must be a JSON object")
    if unknown := sorted(set(config) - {*_SHAPE, *_DEFAULTS}):
        raise ValueError(f"{path} describes no model: unknown configuration keys {unknown}")
    shape = component("MoleBlendConfig", **{key: config[key] for key in _SHAPE if key in config})
    arguments: dict[str, Any] = {"config": shape}
    if name == "MoleBlendForPropertyPrediction":
        arguments["num_tasks"] = description["num_tasks"]
    if name != "MoleBlend":
        arguments["encoder"] = component("MoleBlend", config=shape)
    if name == "MoleBlendForPretraining":
        try:
            arguments.update(pretraining_of(config))
        except (KeyError, TypeError, ValueError, IndexError) as error:
            raise ValueError(f"{path} describes no model: {error!r}") from error
    return {"format": 2, "model": component(name, **arguments), "metadata": description["metadata"]}


def pretraining_of(config: Mapping[str, Any]) -> dict[str, Any]:
    r"""Descriptions of objectives, blending and loss weights that an old configuration stands for."""
    old = {**_DEFAULTS, **config}
    C, P, R = old.get("channels", 256), old.get("max_path_length", 5), old["pair_channels"]
    geometry = {"displacement": "DisplacementRecovery", "distance": "DistanceRecovery"}[old["geometry_objective"]]
    objectives = {
        "spd": component("SPDRecovery", channels=C, num_classes=old["num_spd_classes"], pair_channels=R),
        "bond_path": component(
            "BondPathRecovery", channels=C, max_path_length=P, vocabulary=old["bond_vocabulary"], pair_channels=R
        ),
        old["geometry_objective"]: component(geometry, channels=C, pair_channels=R),
        "denoising": component("Denoising", channels=C, heads=old.get("heads", 16)),
    }
    probabilities = list(old["relation_probabilities"])
    if len(probabilities) != len(_RELATIONS):
        raise ValueError(f"relation_probabilities {probabilities} are not of the relations {_RELATIONS}")
    degree, distance = old["atom_feature_probabilities"]
    blending = component(
        {"molecule": "PairBlending", "batch": "BatchBlending"}[old["blend_scope"]],
        probabilities=dict(zip(_RELATIONS, probabilities, strict=True)),
        atom_features={"degree": degree, "distance": distance},
        noise_scale=old["noise_scale"],
    )
    weights = {name: old["loss_weights"][name] for name in objectives}
    return {"objectives": objectives, "blending": blending, "loss_weights": component("FixedWeights", weights=weights)}


def options_of(config: Mapping[str, Any]) -> dict[str, Any]:
    r"""The command line's options for objectives, blending and loss weights that an old configuration stands for."""
    with content_named("the model of a configuration of the first format"):
        made = pretraining_of(config)
    taken = {} if "displacement" in made["objectives"] else {"displacement": None}
    weights = made["loss_weights"]["arguments"]["weights"]
    return {"objectives": {**taken, **made["objectives"]}, "blending": made["blending"], "loss_weights": weights}


def component(name: str, /, **arguments: Any) -> dict[str, Any]:
    r"""Description of a component, as :func:`pyg_moleblend.components.describe` gives it."""
    return {"component": name, "arguments": arguments}
