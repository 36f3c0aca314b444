r"""A dataset's check on the terminal."""

from __future__ import annotations

from collections.abc import Sequence

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from pyg_moleblend.datasets.check import DataCheck, Duplicates
from pyg_moleblend.inference.geometry import OddGeometry
from pyg_moleblend.splits.leakage import LEVELS

_SHOWN_ROWS = 5


def show(check: DataCheck, console: Console | None = None) -> None:
    r"""Prints a check: counts and the first few rows of everything.

    Args:
        check: The check.
        console: Where to; the standard output by default.
    """
    console = console or Console(soft_wrap=True, highlight=False)
    console.print(_molecules(check))
    console.print(_sizes(check))
    if check.labels:
        console.print(_labels(check))
    if check.leakage is not None:
        console.print(_leakage(check))


def show_geometries(odd: Sequence[OddGeometry], console: Console | None = None) -> None:
    r"""Prints molecules whose 3D does not match their graphs.

    Args:
        odd: They, the oddest first.
        console: Where to; the standard output by default.
    """
    table = _table("3D that does not match the graph", "row", "score", "distances off [Å]", "path entropy [nats]")
    for one in odd[:_SHOWN_ROWS]:
        table.add_row(str(one.row), f"{one.score:.2g}", f"{one.distance_error:.2g}", f"{one.path_surprise:.2g}")
    table.caption = f"{len(odd)} molecules; of sound ones one to five in a hundred are told, too"
    (console or Console(soft_wrap=True, highlight=False)).print(table)


def _molecules(check: DataCheck) -> Table:
    table = _table("molecules", "finding", "rows", "first rows")
    molecules = check.rows - len(check.failures)
    table.add_row("rows of the source", str(check.rows), "")
    table.add_row("molecules", str(molecules), "")
    table.add_row("no molecule", str(len(check.failures)), Text(_reasons(check.failures)))
    table.add_row("salts and mixtures", str(len(check.several_fragments)), _first(check.several_fragments))
    for name, found in (("same molecule", check.same_molecule), ("same but for the salt", check.same_parent)):
        table.add_row(name, str(found.num_rows), _groups(found))
        if check.labels:
            table.add_row("  and labels differ", str(found.conflicting.num_rows), _groups(found.conflicting))
    table.add_row("not comparable", str(len(check.unidentified)), Text(_reasons(check.unidentified)))
    return table


def _sizes(check: DataCheck) -> Table:
    sizes = check.sizes
    table = _table("sizes", "atoms", "molecules", "")
    for (low, count), (high, _) in zip(sizes.histogram, [*sizes.histogram[1:], (0, 0)], strict=True):
        if count:
            table.add_row(f"{low} to {high - 1}" if high else f"{low} and more", str(count), "")
    table.add_row("mean, median", f"{sizes.mean:.1f}, {sizes.median:g}", "")
    row, atoms = sizes.largest[0]
    table.add_row("largest", str(atoms), f"row {row}")
    table.add_row(
        "padded ÷ true pairs",
        f"{sizes.padding_bucketed:.2f}",
        f"in batches of {sizes.batch_size} of like size; {sizes.padding_random:.2f} at random",
    )
    return table


def _labels(check: DataCheck) -> Table:
    table = _table("labels", "target", "kind", "labelled", "missing", "values", "to look at")
    for label in check.labels:
        values = f"{label.mean:.4g} ± {label.std:.3g}, {label.low:.4g} to {label.high:.4g}"
        if label.kind == "classification":
            values = f"{label.positives} of 1, {label.labelled - label.positives} of 0"
        remarks = [
            f"no number in {len(label.unreadable)} rows: {_first(label.unreadable)}" if label.unreadable else "",
            "all labels are one" if label.single_valued else "",
            f"{len(label.outliers)} far out: {_first(label.outliers)}" if label.outliers else "",
        ]
        table.add_row(
            Text(label.name),
            label.kind,
            str(label.labelled),
            str(label.missing),
            values if label.labelled else "",
            "; ".join(filter(None, remarks)),
        )
    return table


def _leakage(check: DataCheck) -> Table:
    assert check.leakage is not None
    leaks = [leak for leak in check.leakage.leaks if leak.total]
    pairs = list(dict.fromkeys((leak.part, leak.source) for leak in leaks))
    table = _table("leakage", "in both parts", *(f"{part} in {source}" for part, source in pairs))
    for level, meaning in LEVELS.items():
        counts = [f"{len(leak.rows)} of {leak.total}" for leak in leaks if leak.level == level]
        table.add_row(meaning, *counts)
    table.caption = check.leakage.split
    return table


def _table(title: str, *columns: str) -> Table:
    table = Table(title=title, title_justify="left", caption_justify="left", box=box.SIMPLE_HEAD)
    for column in columns:
        table.add_column(column)
    return table


def _first(rows: Sequence[int]) -> str:
    more = ", ..." if len(rows) > _SHOWN_ROWS else ""
    return ", ".join(map(str, rows[:_SHOWN_ROWS])) + more


def _groups(found: Duplicates) -> str:
    shown = [" = ".join(map(str, group.rows[:_SHOWN_ROWS])) for group in found.groups[:_SHOWN_ROWS]]
    return ", ".join(shown) + (", ..." if len(found.groups) > _SHOWN_ROWS else "")


def _reasons(failures: Sequence[tuple[int, str, str]]) -> str:
    return "; ".join(f"{row}: {reason}" for row, _, reason in failures[:_SHOWN_ROWS]) + (
        "; ..." if len(failures) > _SHOWN_ROWS else ""
    )
