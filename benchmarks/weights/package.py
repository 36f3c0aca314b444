r"""A trained model as a folder to be copied to ``pyg_moleblend/weights/``."""

from __future__ import annotations

import copy
import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from torch import nn

from pyg_moleblend.checkpoints import PackagedModel, save_pretrained
from pyg_moleblend.checkpoints.packaged import CARD_FILE, WEIGHTS_FILE
from pyg_moleblend.runtime.files import atomic_write, digest_of


def package(model: nn.Module, folder: Path, data: str, metadata: dict[str, Any]) -> PackagedModel:
    r"""Writes a model in half precision, with its card.

    Args:
        model: The model, which is not changed.
        folder: Where to; its name is the model's.
        data: What it was trained on.
        metadata: As for :func:`~pyg_moleblend.checkpoints.save_pretrained`.
    """
    save_pretrained(copy.deepcopy(model).half(), folder, metadata)
    parameters = sum(parameter.numel() for parameter in model.parameters())
    card = PackagedModel(folder.name, parameters, digest_of(folder / WEIGHTS_FILE), data)
    with atomic_write(folder / CARD_FILE, "w") as file:
        file.write(json.dumps(asdict(card), indent=2) + "\n")
    return card
