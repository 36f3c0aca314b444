r"""Saving and loading of models, and the import of the authors' release."""

from pyg_moleblend.checkpoints.pretrained import (
    from_pretrained,
    load_weights,
    read_metadata,
    save_pretrained,
)
from pyg_moleblend.checkpoints.release import convert_release, from_release, release_mapping

__all__ = [
    "convert_release",
    "from_pretrained",
    "from_release",
    "load_weights",
    "read_metadata",
    "release_mapping",
    "save_pretrained",
]
