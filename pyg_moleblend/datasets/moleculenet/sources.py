r"""MoleculeNet's datasets: where each comes from, and which of its columns are which."""

from typing import NamedTuple

URL = "https://deepchemdata.s3-us-west-1.amazonaws.com/datasets/{}"


class Source(NamedTuple):
    r"""Where one of the datasets comes from, and which of its columns are which.

    Attributes:
        title: Its name as it is written.
        file: Name of the raw file, ``.csv``.
        archived: Whether it is downloaded as ``.csv.gz``.
        smiles: Column of the SMILES.
        targets: Columns of the targets, counted as in a slice.
        metric: The metric that it is reported in.
        rows: Its number of molecules, those that RDKit cannot read included.
    """

    title: str
    file: str
    archived: bool
    smiles: str
    targets: slice
    metric: str
    rows: int


SOURCES: dict[str, Source] = {
    "bace": Source("BACE", "bace.csv", False, "mol", slice(2, 3), "rocauc", 1513),
    "bbbp": Source("BBBP", "BBBP.csv", False, "smiles", slice(2, 3), "rocauc", 2050),
    "clintox": Source("ClinTox", "clintox.csv", True, "smiles", slice(1, 3), "rocauc", 1484),
    "esol": Source("ESOL", "delaney-processed.csv", False, "smiles", slice(8, 9), "rmse", 1128),
    "freesolv": Source("FreeSolv", "SAMPL.csv", False, "smiles", slice(2, 3), "rmse", 642),
    "hiv": Source("HIV", "HIV.csv", False, "smiles", slice(2, 3), "rocauc", 41_127),
    "lipo": Source("Lipophilicity", "Lipophilicity.csv", False, "smiles", slice(1, 2), "rmse", 4200),
    "muv": Source("MUV", "muv.csv", True, "smiles", slice(0, 17), "rocauc", 93_087),
    "pcba": Source("PCBA", "pcba.csv", True, "smiles", slice(0, 128), "ap", 437_929),
    "sider": Source("SIDER", "sider.csv", True, "smiles", slice(1, 28), "rocauc", 1427),
    "tox21": Source("Tox21", "tox21.csv", True, "smiles", slice(0, 12), "rocauc", 7831),
    "toxcast": Source("ToxCast", "toxcast_data.csv", True, "smiles", slice(1, 618), "rocauc", 8597),
}
r"""The datasets by PyG's names."""
