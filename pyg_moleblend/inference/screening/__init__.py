r"""Libraries of molecules that no memory holds: read, predicted or embedded, and written a portion at a time.

``library.py`` finds and reads the molecules, ``work.py`` is what a process does with a portion of them, ``screen.py``
runs it over all of them, ``screen_ray.py`` on many machines; ``output.py`` and ``result_folder.py`` are where results
go, ``top.py`` keeps the best. What a model makes of molecules is in :mod:`pyg_moleblend.inference.loaded_model`.
"""

from typing import TYPE_CHECKING

from pyg_moleblend.runtime.lazy import export_lazily

if TYPE_CHECKING:
    from pyg_moleblend.inference.screening.library import Library, Lines, library_files
    from pyg_moleblend.inference.screening.output import Tally
    from pyg_moleblend.inference.screening.screen import screen
    from pyg_moleblend.inference.screening.screen_ray import screen_ray
    from pyg_moleblend.inference.screening.top import Top
    from pyg_moleblend.inference.screening.work import ScreenChunk

__all__ = ["Library", "Lines", "ScreenChunk", "Tally", "Top", "library_files", "screen", "screen_ray"]

export_lazily(__name__)
