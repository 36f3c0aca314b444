r"""The names of many molecules, in processes that are killed where a molecule takes too long."""

from collections.abc import Iterator, Sequence
from functools import partial

from tqdm import tqdm

from pyg_moleblend.chem.errors import MoleculeError
from pyg_moleblend.chem.identity import Identity, identify
from pyg_moleblend.chem.parse import parse_smiles
from pyg_moleblend.runtime.worker_pool import Started, map_chunks

CHUNK_SIZE = 256


def identify_all(
    smiles: Sequence[str], num_workers: int = 0, deadline: float = 10.0, progress: str | None = None
) -> list[Identity | MoleculeError]:
    r"""The names of each molecule, or why it has none.

    Args:
        smiles: The molecules.
        num_workers: Worker processes; 0 works in this one, without a deadline.
        deadline: Seconds that a molecule may take; after them its worker is killed. InChI does not end on some
            molecules.
        progress: Label of a progress bar; none by default.

    Returns:
        One entry a molecule, in their order.

    Raises:
        ValueError: If the number of workers is negative or the deadline not positive.
    """
    function = partial(_identify_chunk, deadline=deadline)
    found: list[Identity | MoleculeError] = []
    with tqdm(total=len(smiles), desc=progress, disable=progress is None, unit="mol") as bar:
        for chunk in map_chunks(function, _chunks(smiles), num_workers, deadline):
            found += chunk
            bar.update(len(chunk))
    return found


def _chunks(smiles: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(smiles), CHUNK_SIZE):
        yield smiles[start : start + CHUNK_SIZE]


def _identify_chunk(
    smiles: Sequence[str], kills: Sequence[int], started: Started, deadline: float
) -> list[Identity | MoleculeError]:
    found: list[Identity | MoleculeError] = []
    for number, (text, killed) in enumerate(zip(smiles, kills, strict=True)):
        started(number)
        if killed:
            reason = f"naming it took longer than {deadline:g} s, or ended its process"
            found.append(MoleculeError(text, reason, "compare it by hand"))
            continue
        try:
            found.append(identify(parse_smiles(text)))
        except MoleculeError as error:
            found.append(MoleculeError(text, error.reason, error.remedy))
    return found
