r"""Import of the authors' release: its weights become ours by rule, and are compared with a plain reference."""

from typing import TYPE_CHECKING

from pyg_moleblend.runtime.lazy import export_lazily

if TYPE_CHECKING:
    from pyg_moleblend.checkpoints.release.convert import convert_release, from_release, read_release, release_mapping

__all__ = ["convert_release", "from_release", "read_release", "release_mapping"]

export_lazily(__name__)
