from __future__ import annotations

from typing import Literal


def run(
    checkpoint: str,
    folder: str,
    kind: Literal["classification", "regression"] | None = None,
    targets: list[str] | str | None = None,
    modality: Literal["2d", "3d", "2d+3d"] = "2d+3d",
) -> None:
    """Turn a checkpoint of the authors' release into a model folder, and compare the two.

    Printed are what became of each of the checkpoint's weights, and how far the model's numbers are from those of the
    checkpoint's own weights on a few molecules.

    Args:
        checkpoint: The release's file (.pt); nothing in it is run.
        folder: Where to write config.json and model.safetensors.
        kind: What a fine-tuned model predicts; it is needed to predict with the folder.
        targets: Names of a fine-tuned model's targets, as a,b,c; target_0, ... by default.
        modality: Inputs that the model was trained with.
    """
    from pyg_moleblend.checkpoints import from_pretrained, from_release, save_pretrained
    from pyg_moleblend.checkpoints.release.convert import read_release, release_mapping
    from pyg_moleblend.checkpoints.release.parity import parity, round_trip
    from pyg_moleblend.cli.data import names_of
    from pyg_moleblend.metrics import Task
    from pyg_moleblend.models import MoleBlendForPropertyPrediction

    model = from_release(checkpoint)
    metadata: dict[str, object] = {"modality": modality, "source": "the authors' release"}
    if isinstance(model, MoleBlendForPropertyPrediction):
        names = names_of(targets) or [f"target_{i}" for i in range(model.num_tasks)]
        if len(names) != model.num_tasks:
            raise ValueError(f"the model has {model.num_tasks} targets, but {len(names)} names were given: {names}")
        if kind is not None:
            ones, T = (1.0,) * len(names), len(names)
            metadata["task"] = Task(kind, tuple(names), ("",) * T, (0.0,) * T, ones).to_dict()
    save_pretrained(model, folder, metadata)
    loaded = from_pretrained(folder)

    weights, _ = read_release(checkpoint)
    shapes = {name: list(value.shape) for name, value in [*weights.items(), *model.state_dict().items()]}
    for sources, target, note in release_mapping(checkpoint):
        theirs = ", ".join(f"{key} {shapes[key]}" for key in sources.split(", "))
        print(f"{theirs} -> {f'{target} {shapes[target]}' if target else 'nothing'}{f' ({note})' if note else ''}")
    print(f"{type(model).__name__} in {folder}")
    print(model.config.to_json().rstrip())
    for name, part in model.named_children():
        print(f"{name}: {sum(parameter.numel() for parameter in part.parameters()):,} parameters")
    print("largest difference from the release's weights on a few molecules, as a share of the largest value:")
    for name, difference in {**parity(weights, loaded), "round trip": round_trip(model, loaded)}.items():
        print(f"  {name}: {difference:.1e}")
