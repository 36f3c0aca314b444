from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from pyg_moleblend.datasets.corpus.merge import held_out, merge
from pyg_moleblend.datasets.corpus.pieces import Pieces


def write_pieces(folder: Path, keys: list[str | None], size: int) -> Pieces:
    folder.mkdir()
    paths = []
    for start in range(0, len(keys), size):
        part = keys[start : start + size]
        reason = pa.array(["" if key else "size" for key in part], pa.string())
        paths.append(folder / f"{start}.parquet")
        pq.write_table(pa.table({"reason": reason, "skeleton": pa.array(part, pa.string())}), paths[-1])
    return Pieces(paths)


def random_keys(number: int, kinds: int, seed: int) -> list[str | None]:
    rng = np.random.default_rng(seed)
    drawn = rng.integers(0, kinds, number).tolist()
    refused = rng.random(number) < 0.1
    letters = str.maketrans("0123456789", "ABCDEFGHIJ")
    return [None if no else f"{i:014d}".translate(letters) for i, no in zip(drawn, refused, strict=True)]


def test_merging_is_a_plain_loop(tmp_path: Path):
    sources = {"first": random_keys(300, 200, 0), "second": random_keys(500, 400, 1), "third": []}
    benchmarks = {"one": random_keys(60, 300, 2), "two": random_keys(60, 300, 3)}
    found = merge(
        {name: write_pieces(tmp_path / name, keys, 128) for name, keys in sources.items()},
        {name: write_pieces(tmp_path / name, keys, 32) for name, keys in benchmarks.items()},
    )
    seen: set[str] = set()
    for name, keys in sources.items():
        own: dict[str, int] = {}
        repeated = 0
        for position, key in enumerate(keys):
            if key is None:
                continue
            repeated += key in own
            own.setdefault(key, position)
        new = {key: position for key, position in own.items() if key not in seen}
        excluded = {key for key in new if any(key in members for members in benchmarks.values())}
        kept = {key: position for key, position in new.items() if key not in excluded}
        assert found[name].positions.tolist() == sorted(kept.values())
        assert [keys[i] for i in found[name].positions.tolist()] == [k.decode() for k in found[name].skeletons.tolist()]
        assert (found[name].repeated, found[name].elsewhere) == (repeated, len(own) - len(new))
        assert found[name].benchmark == len(excluded)
        assert found[name].benchmarks == {b: len(set(new) & set(members)) for b, members in benchmarks.items()}
        seen |= set(own)


def test_what_is_held_out_depends_on_the_molecules_alone(tmp_path: Path):
    keys = random_keys(900, 800, 0)
    kept = merge({"a": write_pieces(tmp_path / "a", keys, 100)}, {})["a"]
    turned = merge({"a": write_pieces(tmp_path / "b", keys[::-1], 100)}, {})["a"]
    masks = held_out(kept, 20, 0), held_out(turned, 20, 0)
    assert [int(mask.sum()) for mask in masks] == [20, 20]
    assert set(kept.skeletons[masks[0]]) == set(turned.skeletons[masks[1]])
    assert set(kept.skeletons[held_out(kept, 20, 1)]) != set(kept.skeletons[masks[0]])
    assert held_out(kept, 10_000, 0).sum() == len(kept.positions) // 20
    assert not held_out(kept, 0, 0).any()
