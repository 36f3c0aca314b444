r"""Libraries of molecules that no memory holds: read, predicted or embedded, and written a portion at a time.

``library.py`` finds and reads the molecules, ``work.py`` is what a process does with a portion of them, ``screen.py``
runs it over all of them, ``screen_ray.py`` on many machines; ``output.py`` and ``result_folder.py`` are where results
go, ``top.py`` keeps the best. What a model makes of molecules is in :mod:`pyg_moleblend.inference.loaded_model`.
"""
