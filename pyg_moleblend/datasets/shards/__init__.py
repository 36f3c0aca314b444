r"""Molecules that stay on disk: tables of any size to folders of memory-mapped files, and a dataset that reads them.

``shard.py`` is one file, ``folder.py`` what a folder of them says, ``build.py`` (and ``build_ray.py``) make it,
``dataset.py`` reads it. A change of what a file holds raises the version of ``folder.SHARDS``.
"""
