r"""What kind of table a file is, by its name and by what is in it."""

from __future__ import annotations

import io
from pathlib import Path

from pyg_moleblend.runtime.open_file import COMPRESSED, open_text, read_head

SEPARATORS = {".csv": ",", ".tsv": "\t"}
r"""Kinds of delimited text, and what stands between two cells."""

LINES = (".smi", ".txt")
r"""Kinds with a SMILES a line, and behind it a name or none."""

RECORDS = (".sdf", ".mol2")
r"""Kinds with a record a molecule."""

READABLE = (*SEPARATORS, ".parquet", ".feather", *RECORDS, *LINES)
r"""Kinds of tables that can be read."""

KINDS = ".csv, .tsv, .parquet, .feather, .sdf, .mol2, .smi or .txt"
r"""The same, for a sentence."""

_ALIASES = {kind: kind for kind in READABLE} | {
    **dict.fromkeys((".sd", ".mol", ".mdl"), ".sdf"),
    **dict.fromkeys((".arrow", ".arrows", ".ipc"), ".feather"),
    **dict.fromkeys((".smiles", ".ism"), ".smi"),
    ".pq": ".parquet",
}
_BINARY = {
    b"PAR1": ".parquet",
    b"ARROW1": ".feather",
    b"FEA1": ".feather",
    b"\xff\xff\xff\xff": ".feather",  # a stream, which has no head of its own
}
_ADVICE = {
    "a spreadsheet: save it as .csv": (".xlsx", ".xls", ".ods"),
    "a structure without bond orders: convert it to .sdf by a program that knows them": (".pdb", ".cif", ".xyz"),
    "a pickle, which could run code: write it as .csv or .parquet": (".pkl", ".pickle"),
    "another format: convert it to .csv or .parquet": (".json", ".jsonl", ".h5", ".orc", ".avro", ".db", ".sqlite"),
    "another format: convert it to .sdf": (".mae", ".maegz", ".cml", ".cdxml", ".cdx", ".inchi"),
    "an archive: take the file that you mean out of it": (".tar", ".tgz", ".7z", ".rar"),
}
_OTHERS = {suffix: advice for advice, suffixes in _ADVICE.items() for suffix in suffixes}
_SIGNATURES = {
    b"\xd0\xcf\x11\xe0": ".xls",
    b"\x89HDF": ".h5",
    b"SQLite format 3": ".sqlite",
    b"7z\xbc\xaf": ".7z",
    b"Rar!": ".rar",
    b"ORC": ".orc",
    b"Obj\x01": ".avro",
}


def named_as_table(path: Path) -> bool:
    r"""Whether a name is one that tables of some kind have, one that can be read or not."""
    found = suffix_of(path)
    return found in _ALIASES or found in _OTHERS or path.suffix.lower() in COMPRESSED


def suffix_of(path: Path) -> str:
    r"""The suffix of a file's name in lower case, before those of compressions; empty if there is none."""
    return ([suffix.lower() for suffix in path.suffixes if suffix.lower() not in COMPRESSED] or [""])[-1]


def table_kind(path: Path) -> str:
    r"""The kind of an existing table file, one of :data:`READABLE`, whether compressed or not.

    What is in the file wins over its name where it is unmistakable: a Parquet file that is called ``.csv`` is a Parquet
    file.

    Raises:
        ValueError: If it is of another kind, which is named.
        FileNotFoundError: If there is no such file.
    """
    suffix = suffix_of(path)
    if not path.exists() and suffix in _ALIASES:
        raise FileNotFoundError(f"there is no file {path}")
    if path.is_dir():
        raise ValueError(f"{path} is a folder; a table of molecules is a {KINDS} file")
    if path.exists():
        if not path.stat().st_size:
            raise ValueError(f"{path} is empty")
        if (kind := _kind_inside(path, suffix)) is not None:
            return kind
        if suffix in _ALIASES:
            return _ALIASES[suffix]
    what = f" ({_OTHERS[suffix]})" if suffix in _OTHERS else ""
    raise ValueError(f"{path} must be a {KINDS} file{what}")


def _kind_inside(path: Path, suffix: str) -> str | None:
    r"""The kind that a file's content shows; ``None`` where that is not clear."""
    head = b"" if suffix in (".xlsx", ".ods") else read_head(path)
    for mark, kind in _BINARY.items():
        if head.startswith(mark):
            with open(path, "rb") as file:
                plain = file.read(len(mark)) == mark
            if not plain:
                raise ValueError(f"{path} is a compressed {kind} file, which is compressed inside: decompress it first")
            return kind
    for mark, other in _SIGNATURES.items():
        if head.startswith(mark):
            raise ValueError(f"{path} must be a {KINDS} file, and is {_OTHERS[other]}")
    kind = _ALIASES.get(suffix, "")
    if suffix in _OTHERS or kind in (".parquet", ".feather"):
        return None
    text = open_text(path, io.BytesIO(head)).read()
    if "\0" in text:
        raise ValueError(f"{path} is no text: it holds zero bytes; save it as UTF-8, or as a {KINDS} file")
    lines = text.split("\n")
    if len(lines) > 3 and lines[3].rstrip().endswith(("V2000", "V3000")):
        return ".sdf"
    if any(line.startswith("@<TRIPOS>MOLECULE") for line in lines):
        return ".mol2"
    if kind in LINES or not kind:
        for delimited, separator in SEPARATORS.items():
            cells = [cell.strip().strip('"').lower() for cell in lines[0].split(separator)]
            if "smiles" in cells and len(cells) > 1:
                return delimited
    return None
