r"""stub"""
from pathlib import Path
from pyg_moleblend.datasets.quantum.part import StoredLabels
def write_compact(folder: str|Path, path: str|Path) -> int: raise NotImplementedError
def read_quantum_labels(path: str|Path) -> StoredLabels: raise NotImplementedError
