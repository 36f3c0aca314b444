r"""Attributions of molecules as a table and as drawings, and what is said of them."""

from __future__ import annotations

import sys
from contextlib import nullcontext
from itertools import islice
from pathlib import Path

import pandas as pd

from pyg_moleblend.cli.data import say
from pyg_moleblend.datasets.io.reading import read_molecules
from pyg_moleblend.inference.attribution import Attribution, Attributor
from pyg_moleblend.inference.loaded_model import OK
from pyg_moleblend.inference.screening.library import Library, Lines
from pyg_moleblend.runtime.files import whole_folder
from pyg_moleblend.viz import draw_attribution

TABLE = "attributions.csv"
_LONGEST = 40  # letters of an identifier in a file's name


def check_folder(out: str) -> None:
    r"""Raises ``ValueError`` unless it names a folder that is not there, or empty: drawings of two runs do not mix."""
    if not out or (Path(out).suffix and not Path(out).is_dir()):
        raise ValueError(f"explanations are a folder: give --out a name without a suffix, got {out!r}")
    if Path(out).is_file():
        raise ValueError(f"{out} is a file, and explanations are a folder: name another")
    if Path(out).is_dir() and any(Path(out).iterdir()):
        raise ValueError(f"the folder {out} is not empty: name another")


def explain_molecules(
    attributor: Attributor,
    library: Library | Lines,
    out: str | None,
    num_workers: int,
    max_atoms: int,
    max_drawings: int,
) -> None:
    r"""Splits the predictions of molecules, and says how many there are.

    Args:
        attributor: What splits them.
        library: The molecules.
        out: Folder of the table and the drawings; the table alone to the standard output by default.
        num_workers: Processes that find conformers.
        max_atoms: Most atoms of a molecule.
        max_drawings: Molecules that are drawn.

    Raises:
        ValueError: If no molecule can be explained.
    """
    rows: list[dict[str, object]] = []
    count = failed = reduced = drawings = 0
    with nullcontext() if out is None else whole_folder(Path(out)) as folder:
        for portion in library:
            reading = read_molecules(portion.entries, attributor.hydrogens, max_atoms=max_atoms)
            attributions = attributor.of_reading(reading, portion.ids or (), num_workers)
            while own := list(islice(attributions, len(attributor.targets))):  # those of one molecule
                for one in own:
                    drawn = folder is not None and count < max_drawings and one.mol.GetNumAtoms() > 0
                    rows.append(_row(one, _draw(one, folder, count, len(own) > 1) if folder and drawn else ""))
                    drawings += drawn
                none = not all(len(one.atoms) for one in own)
                failed += none
                reduced += not none and own[0].status != OK
                count += 1
        if failed == count:
            first = f", the first because: {rows[0]['status']}" if rows else ""
            raise ValueError(f"none of {count} molecules can be explained{first}")
        frame = pd.DataFrame(rows)
        if folder is None:
            frame.drop(columns="drawing").to_csv(sys.stdout, index=False)
        else:
            frame.to_csv(folder / TABLE, index=False)
    remark = f", {reduced} of them from 2D only" if reduced else ""
    because = " (the column status says why)" if failed else ""
    place = "" if out is None else f" -> {out}, {drawings} drawings"
    say(f"{count - failed} of {count} molecules explained{remark}; {failed} failed{because}{place}")


def _row(attribution: Attribution, drawing: str) -> dict[str, object]:
    r"""A row of the table."""
    return {
        "id": attribution.id,
        "smiles": attribution.smiles,
        "target": attribution.target,
        "unit": attribution.unit,
        "prediction": attribution.prediction,
        "baseline": attribution.baseline,
        **attribution.totals,
        "gap": attribution.gap,
        "status": attribution.status,
        "drawing": drawing,
    }


def _draw(attribution: Attribution, folder: Path, number: int, several: bool) -> str:
    r"""Draws a molecule into a folder, and gives the file's name, which begins with the row's number."""
    words = [attribution.id, *([attribution.target] if several else [])]
    safe = ["".join(letter if letter.isalnum() else "_" for letter in word)[:_LONGEST] for word in words]
    name = "-".join([f"{number:05d}", *(word for word in safe if word != str(number))]) + ".svg"
    (folder / name).write_text(draw_attribution(attribution), encoding="utf-8")
    return name
