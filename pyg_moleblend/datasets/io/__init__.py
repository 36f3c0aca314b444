r"""From files to flat graphs: downloads, tables of any kind, and every row read or reported.

``reading.py`` is the one way in for every dataset. Change it for a kind of file, or for what may stand in a row. What a
molecule's text means is :mod:`pyg_moleblend.chem`'s business, how molecules are kept that of the datasets.
"""
