r"""Encoders that come with the package: small, in half precision, loaded by name without a network."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from pyg_moleblend.runtime.files import digest_of
from pyg_moleblend.runtime.open_file import content_named, read_json

CARD_FILE = "card.json"
WEIGHTS_FILE = "model.safetensors"
FOLDER = Path(__file__).parents[1] / "weights"


@dataclass(frozen=True)
class PackagedModel:
    r"""What is known of an encoder that comes with the package.

    Attributes:
        name: What :func:`~pyg_moleblend.checkpoints.from_pretrained` calls it.
        parameters: Number of its weights.
        sha256: Of the file of its weights, hexadecimal.
        data: What it was trained on.
        licence: Of the weights.
        scores: What it reaches, by benchmark.
    """

    name: str
    parameters: int
    sha256: str
    data: str
    licence: str = "MIT"
    scores: dict[str, float] = field(default_factory=dict)


def packaged_models() -> dict[str, PackagedModel]:
    r"""The encoders that come with the package, by name."""
    cards = sorted(FOLDER.glob(f"*/{CARD_FILE}"))
    return {path.parent.name: _card(path) for path in cards}


def _card(path: Path) -> PackagedModel:
    with content_named(path):
        return PackagedModel(**read_json(path))


def packaged_folder(name: str) -> Path | None:
    r"""Where an encoder of this name lies; ``None`` if none comes with the package.

    Raises:
        ValueError: If its file of weights is not the one that was released.
    """
    model = packaged_models().get(name)
    if model is None:
        return None
    weights = FOLDER / name / WEIGHTS_FILE
    if not weights.is_file() or digest_of(weights) != model.sha256:
        raise ValueError(f"{weights} is damaged: its checksum is not that of {name}; install pyg_moleblend again")
    return FOLDER / name
