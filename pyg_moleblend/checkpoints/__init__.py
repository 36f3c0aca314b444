r"""Saving and loading of models as trees of components, and the import of the authors' release.

What a component is stands in :mod:`pyg_moleblend.components`; the models are next door, in :mod:`pyg_moleblend.models`.
"""

from typing import TYPE_CHECKING

from pyg_moleblend.runtime.lazy import export_lazily

if TYPE_CHECKING:
    from pyg_moleblend.checkpoints.hub import push_to_hub
    from pyg_moleblend.checkpoints.model_folder import read_metadata
    from pyg_moleblend.checkpoints.packaged import PackagedModel, packaged_models
    from pyg_moleblend.checkpoints.pretrained import (
        encoder_from_pretrained,
        from_pretrained,
        load_weights,
        save_pretrained,
    )
    from pyg_moleblend.checkpoints.release import convert_release, from_release, release_mapping

__all__ = [
    "PackagedModel",
    "convert_release",
    "encoder_from_pretrained",
    "from_pretrained",
    "from_release",
    "load_weights",
    "packaged_models",
    "push_to_hub",
    "read_metadata",
    "release_mapping",
    "save_pretrained",
]

export_lazily(__name__)
