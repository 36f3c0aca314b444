from shard_rows import GOOD, portions

from pyg_moleblend.datasets.shards.pieces import Rows, cut_pieces

ENTRIES = [f"{text} {row}" for row, text in enumerate(GOOD * 6)]


def test_pieces_hold_every_row_once_and_no_shard_boundary() -> None:
    pieces = list(cut_pieces(portions(ENTRIES, (5, 9)), shard_size=8, chunk_size=3))
    assert [text for piece in pieces for text in piece.rows.entries] == ENTRIES
    numbers = [row for piece in pieces for row in piece.row_numbers]
    assert numbers == list(range(len(ENTRIES)))
    assert all({row // 8 for row in piece.row_numbers} == {piece.shard} for piece in pieces)
    assert max(len(piece.rows.entries) for piece in pieces) == 3
    assert [piece.fills for piece in pieces] == [int(piece.row_numbers[-1]) % 8 == 7 for piece in pieces]


def test_rows_may_begin_anywhere() -> None:
    pieces = list(cut_pieces([Rows(ENTRIES[16:20])], shard_size=8, chunk_size=100, row=16))
    assert [(piece.shard, piece.first_row, len(piece.rows.entries)) for piece in pieces] == [(2, 16, 4)]


def test_labels_and_identifiers_are_cut_with_their_rows() -> None:
    for piece in cut_pieces(portions(ENTRIES, (4,)), shard_size=7, chunk_size=5):
        assert piece.rows.columns["y"].flatten().tolist() == piece.row_numbers.tolist()
        assert piece.rows.ids == [f"id {row}" for row in piece.row_numbers]
