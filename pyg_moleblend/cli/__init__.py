r"""The command line: ``moleblend VERB``. One file a verb, each a thin layer over :mod:`pyg_moleblend.training`."""

from pyg_moleblend.cli.app import main

__all__ = ["main"]
