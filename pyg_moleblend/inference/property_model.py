r"""Fine-tuned models as they are saved, with what is known of them."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

from pyg_moleblend.checkpoints import from_pretrained, read_metadata
from pyg_moleblend.checkpoints.model_folder import members_of
from pyg_moleblend.datasets.recipe import Recipe
from pyg_moleblend.inference.intervals import Errors, saved_errors
from pyg_moleblend.metrics.task import Task
from pyg_moleblend.models import MoleBlendForPropertyPrediction
from pyg_moleblend.utils.molecules import Modality, check_modality


class PropertyModel(NamedTuple):
    r"""A fine-tuned model and what is known of it.

    Attributes:
        model: The model, in evaluation mode.
        task: What it predicts.
        recipe: How molecules became graphs in training; None where it does not say.
        modality: Which inputs are used.
        trained_modality: Which were in training, of which the errors are.
        errors: Of each target, on molecules that the training has not seen, ascending; see :func:`errors_to_save`.
    """

    model: MoleBlendForPropertyPrediction
    task: Task
    recipe: Recipe | None
    modality: Modality
    trained_modality: str
    errors: list[Errors]


def load_property_model(
    source: str | Path, modality: Modality | None = None, components: Iterable[type] = ()
) -> PropertyModel:
    r"""A fine-tuned model; its arguments are those of :func:`~pyg_moleblend.inference.predict`.

    Raises:
        ValueError: If the model predicts no properties.
    """
    model, metadata = from_pretrained(source, components), read_metadata(source)
    if not isinstance(model, MoleBlendForPropertyPrediction) or "task" not in metadata:
        raise ValueError(
            f"{source} holds a {type(model).__name__} that knows no property: predict with a fine-tuned model, or "
            "embed with this one"
        )
    task, recipe = Task.from_dict(metadata["task"]), Recipe.from_metadata(metadata)
    trained = metadata.get("modality", "2d+3d")
    inputs = check_modality(modality or trained)
    return PropertyModel(model, task, recipe, inputs, trained, saved_errors(metadata, task.num_targets))


def load_property_models(
    source: str | Path, modality: Modality | None = None, components: Iterable[type] = ()
) -> list[PropertyModel]:
    r"""The fine-tuned model that is saved there, or those of a run with several seeds, which predict together.

    Raises:
        ValueError: If one of them predicts no properties, or they predict different ones, or from different inputs.
    """
    folders, components = members_of(source), tuple(components)
    members = [load_property_model(folder, modality, components) for folder in folders]
    for folder, member in zip(folders, members, strict=True):
        for what, first, other in zip(_TOLD, _told(members[0]), _told(member), strict=True):
            if first != other:
                raise ValueError(
                    f"{folders[0]} and {folder} cannot predict together, they differ in {what}: {first} and {other}"
                )
    return members


_TOLD = ("kind", "targets", "modality", "recipe", "criterion")


def _told(of: PropertyModel) -> tuple[Any, ...]:
    return of.task.kind, of.task.names, of.trained_modality, of.recipe, repr(of.model.criterion)
