r"""Rows of a table on their way to shards: in portions as they are read, in pieces as workers are given them."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray


class Rows(NamedTuple):
    r"""Some consecutive rows of a table.

    Attributes:
        entries: What the molecules are made of, one a row: SMILES, say.
        columns: What the molecules are to have besides, ``y`` say, one row a row: ``[rows, ...]``.
        ids: Identifiers of the rows.
    """

    entries: Sequence[Any]
    columns: Mapping[str, NDArray[Any]] = {}
    ids: Sequence[str] | None = None

    def cut(self, start: int, stop: int) -> "Rows":
        r"""Some of these rows."""
        columns = {name: values[start:stop] for name, values in self.columns.items()}
        return Rows(self.entries[start:stop], columns, None if self.ids is None else self.ids[start:stop])


class Piece(NamedTuple):
    r"""Consecutive rows of one shard.

    Attributes:
        shard: Number of the shard.
        first_row: The first of the rows, counted in the whole table.
        rows: The rows.
        fills: Whether the shard has all rows that it can have with these.
    """

    shard: int
    first_row: int
    rows: Rows
    fills: bool

    @property
    def row_numbers(self) -> NDArray[np.int64]:
        r"""The rows, counted in the whole table."""
        return np.arange(self.first_row, self.first_row + len(self.rows.entries))


def cut_pieces(chunks: Iterable[Rows], shard_size: int, chunk_size: int, row: int = 0) -> Iterator[Piece]:
    r"""The rows, the first of which is `row`, in pieces for the workers; none reaches from one shard into the next."""
    for rows in chunks:
        start = 0
        while start < len(rows.entries):
            stop = min(start + chunk_size, start + shard_size - row % shard_size, len(rows.entries))
            end = row + stop - start
            yield Piece(row // shard_size, row, rows.cut(start, stop), end % shard_size == 0)
            row, start = end, stop
