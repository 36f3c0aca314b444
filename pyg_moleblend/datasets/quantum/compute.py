r"""A table of molecules to a folder of labelled parts, in worker processes; an interrupted run goes on where it was."""

from collections import Counter, deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple

import rdkit
from rdkit import Chem, rdBase
from threadpoolctl import threadpool_limits
from tqdm import tqdm

import pyg_moleblend
from pyg_moleblend.chem.errors import MoleculeError
from pyg_moleblend.chem.parse import given_smiles, parse_smiles
from pyg_moleblend.chem.quantum import quantum_labels, require_tblite
from pyg_moleblend.datasets.io.table_chunks import TableChunks
from pyg_moleblend.datasets.quantum.part import Labelled, part_path, read_column, read_key, write_part
from pyg_moleblend.runtime.files import sole_writer
from pyg_moleblend.runtime.worker_pool import Started, in_chunks, map_chunks

PART_SIZE: int = 500
r"""Rows of a part: some minutes of work, the most that an interrupted run loses."""

CHUNK_SIZE = 20
r"""Rows that a worker is given at a time."""

_ATTEMPTS = 4  # conformers are looked for in two ways, which leaves half of the deadline to the calculation


class QuantumSummary(NamedTuple):
    r"""What a folder of parts holds.

    Attributes:
        rows: Rows of the table.
        molecules: Rows with labels.
        failures: How many of the others there are, by cause, the most frequent first.
    """

    rows: int
    molecules: int
    failures: dict[str, int]


@dataclass(frozen=True)
class LabelChunk:
    r"""Labels the molecules of a chunk, as :func:`~pyg_moleblend.runtime.worker_pool.map_chunks` calls it.

    Args:
        seed: Seed of the conformers.
        deadline: Seconds that a molecule may take.
    """

    seed: int
    deadline: float

    def __call__(self, chunk: Sequence[Any], kills: Sequence[int], started: Started) -> list[Labelled]:
        require_tblite()  # it brings the library whose threads are limited
        found = []
        # More threads do not pay at this size, and would get in the way of other workers'.
        with threadpool_limits(1), rdBase.BlockLogs():
            for number, text in enumerate(chunk):
                started(number)
                found.append(self._label(text, kills[number]))
        started(-1)
        return found

    def _label(self, text: Any, killed: int) -> Labelled:
        given = text if isinstance(text, str) else ""
        if killed:
            return Labelled(given, None, f"it took longer than {self.deadline:g} s, or ended its process")
        try:
            mol = parse_smiles(text)
            labels = quantum_labels(mol, self.seed, self.deadline / _ATTEMPTS)
        except MoleculeError as error:
            return Labelled(given, None, error.reason)
        return Labelled(given_smiles(text, mol), labels, "")


def compute_quantum_labels(
    table: str | Path,
    folder: str | Path,
    smiles: str | None = None,
    seed: int = 0,
    num_workers: int = 1,
    deadline: float = 60.0,
    part_size: int = PART_SIZE,
    progress: str | None = None,
) -> QuantumSummary:
    r"""Labels the molecules of a table, or those that an interrupted run of the same call left.

    Part i, ``part-00000i.parquet``, holds the rows from ``i * part_size`` on, those without labels too, with the
    reason. Its bytes follow from them, the seed, the deadline and the versions of the programs, unless a molecule runs
    into its deadline. A part is there once it is complete.

    Args:
        table: A ``.csv``, ``.tsv``, ``.parquet``, ``.smi`` or ``.txt`` file; more rows may come to its end later.
        folder: Where the parts are to be.
        smiles: Column of the SMILES; by default the one that is called so.
        seed: Seed of the conformers.
        num_workers: Processes of one thread each, which are killed where a molecule takes longer than the deadline; 0
            works in this one, without a hard deadline.
        deadline: Seconds that a molecule may take.
        part_size: Rows of a part.
        progress: Label of a progress bar; none by default.

    Returns:
        What the folder holds now.

    Raises:
        ValueError: If the table cannot be read or has no column of SMILES, a part has other molecules than the table,
            or was made with another seed or deadline or by other versions, or another process works in the folder.
        ImportError: If ``tblite`` is not installed.
    """
    if part_size < 1:
        raise ValueError(f"`part_size` must be at least 1 row, got {part_size}")
    require_tblite()
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    key = {
        "seed": seed,
        "deadline": deadline,
        "part_size": part_size,
        "tblite": version("tblite"),
        "rdkit": rdkit.__version__,
        "pyg_moleblend": pyg_moleblend.__version__,
    }
    chunks = TableChunks(table, smiles)
    if chunks.kind == ".sdf":
        raise ValueError(f"labels are kept with SMILES, and {table} has none: convert it to a .csv or .smi file")
    waiting: deque[tuple[int, int]] = deque()  # number and size of the parts that workers have begun
    paths: list[Path] = []

    def missing() -> Iterator[list[Any]]:
        entries = chain.from_iterable(portion.entries for portion in chunks)
        for number, rows in enumerate(in_chunks(entries, part_size)):
            paths.append(part_path(folder, number))
            if _is_finished(paths[number], rows, key):
                if not bar.disable:
                    bar.initial += len(rows)  # the rate is that of this run
                bar.update(len(rows))
                continue
            waiting.append((number, len(rows)))
            yield from in_chunks(rows, CHUNK_SIZE)

    held: list[Labelled] = []
    with (
        sole_writer(folder),
        tqdm(total=chunks.num_rows, desc=progress, disable=progress is None, unit="mol", smoothing=0) as bar,
    ):
        for labelled in map_chunks(LabelChunk(seed, deadline), missing(), num_workers, deadline):
            held += labelled
            bar.update(len(labelled))
            number, size = waiting[0]
            if len(held) == size:
                write_part(paths[number], number * part_size, held, key)
                waiting.popleft()
                held = []
    return _summary(paths)


def _is_finished(path: Path, rows: Sequence[Any], key: dict[str, Any]) -> bool:
    r"""Whether a part is there with all these rows; ``ValueError`` if it was made of others, or otherwise."""
    if not path.exists():
        return False
    if (found := read_key(path)) != key:
        raise ValueError(f"{path} was made with {found}, now it would be {key}: name another folder")
    known = read_column(path, "smiles")
    for number, (before, now) in enumerate(zip(known, rows, strict=False)):
        if not _is_of(before, now):
            raise ValueError(f"row {number} of {path} is {before!r}, in the table it is {now!r}: name another folder")
    return len(known) >= len(rows)


def _is_of(kept: str, given: Any) -> bool:
    r"""Whether a SMILES is that of an entry of the table, which may have a margin, and a name behind it."""
    if not isinstance(given, str):
        return kept == ""
    text = given_smiles(given, Chem.Mol())  # without its margin
    return kept == given or (text + " ").startswith((kept + " ", kept + "\t"))


def _summary(paths: Sequence[Path]) -> QuantumSummary:
    errors = [error for path in paths for error in read_column(path, "error")]
    failures = Counter(error for error in errors if error)
    return QuantumSummary(len(errors), len(errors) - failures.total(), dict(failures.most_common()))
