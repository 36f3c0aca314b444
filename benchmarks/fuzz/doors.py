r"""Every place where a file or text of a user enters, with whole files to damage, and how each is opened."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import torch
from pyarrow import feather
from torch_geometric.data import Batch

from benchmarks.fuzz import mutate
from pyg_moleblend.checkpoints import encoder_from_pretrained, from_pretrained, from_release, packaged, save_pretrained
from pyg_moleblend.chem import Conformers, from_smiles, generate_conformer, parse_smiles, read_sdf
from pyg_moleblend.chem.parse import parse_each
from pyg_moleblend.chem.quantum import CHARGES, PROPERTIES, QuantumLabels
from pyg_moleblend.cli.app import _keep, run_verb
from pyg_moleblend.cli.errors import line_of
from pyg_moleblend.cli.splits import make_split
from pyg_moleblend.datasets import MoleculeShards, MoleculeTable
from pyg_moleblend.datasets.corpus.manifest import standing
from pyg_moleblend.datasets.io.table_chunks import TableChunks
from pyg_moleblend.datasets.io.table_columns import number_column
from pyg_moleblend.datasets.quantum.compact import read_quantum_labels, write_compact
from pyg_moleblend.datasets.quantum.part import Labelled, part_path, read_key, write_part
from pyg_moleblend.datasets.recipe import Recipe
from pyg_moleblend.datasets.shards.folder import finished
from pyg_moleblend.datasets.shards.prepare import prepare
from pyg_moleblend.datasets.shards.resumable import reading_of
from pyg_moleblend.inference import embed, predict
from pyg_moleblend.metrics import Task
from pyg_moleblend.models import MoleBlendConfig, MoleBlendForPretraining, MoleBlendForPropertyPrediction
from pyg_moleblend.quick.model import QuickModel
from pyg_moleblend.runtime.open_file import open_text
from pyg_moleblend.splits import random_split
from pyg_moleblend.training.folder import check_same_run, resume_point
from pyg_moleblend.utils import pack

MARGIN = " \t\n\r\x0b\x0c\ufeff\u00a0\u200b"
MOLECULES = ("CCO", "c1ccccc1O", "N[C@@H](C)C(=O)O", "[Na+].[Cl-]", "bad", "C/C=C/C", "CC#N")
TABLE = "id,smiles,y,part\n" + "".join(
    f"m{i},{text},{i / 4},{('train', 'valid', 'test')[i % 3]}\n" for i, text in enumerate(MOLECULES)
)
TINY = MoleBlendConfig(channels=8, num_layers=1, heads=2, ffn_channels=8, num_gaussians=4)
RELEASE = Path(__file__).parents[2] / "tests" / "golden" / "release_checkpoint.pt"
CONFIG = "config.json"


class Door(NamedTuple):
    r"""A place where a file enters.

    Attributes:
        name: What it is called.
        folder: What else is there beside the file; each input gets a copy.
        file: Name of the file.
        seeds: Whole files.
        open: Reads the file.
        mutate: Makes a damaged file of whole ones.
    """

    name: str
    folder: Path
    file: str
    seeds: tuple[bytes, ...]
    open: Callable[[Path], Any]
    mutate: mutate.Mutate = mutate.damage_bytes


def make_doors(folder: Path, names: tuple[str, ...] = ()) -> list[Door]:
    r"""The doors, all of them by default, with their files below a folder."""
    unknown = sorted({*names} - {*_DOORS})
    if unknown:
        raise ValueError(f"unknown doors {unknown}; there are {', '.join(_DOORS)}")
    made = []
    for name in names or _DOORS:
        (place := folder / name).mkdir()
        file, *others = _DOORS[name](place)
        made.append(Door(name, place, file, *others))
    return made


def open_smiles(path: Path) -> None:
    r"""A SMILES, alone and among others; what is accepted, a model takes."""
    text = path.read_bytes().decode("utf-8", "surrogatepass")
    each = parse_each([text, "C"])
    if isinstance(each[0], ValueError):
        raise each[0]
    data = from_smiles(text)
    if data.num_nodes < 100:
        _must(lambda: pack(Batch.from_data_list([data, from_smiles("C")])))


def open_table(path: Path) -> None:
    r"""A table, whole and in chunks, with labels and identifiers where it has them."""
    try:
        _compare(path, ("y",), "id")
    except ValueError:
        _compare(path, (), None)


def _compare(path: Path, targets: tuple[str, ...], ids: str | None) -> None:
    table = MoleculeTable(path, targets=targets, ids=ids, on_error="keep", max_atoms=500, progress=False)
    rows, bad = table.row.tolist(), [failure.row for failure in table.failures]
    _same(sorted([*rows, *bad]), list(range(table.num_rows)), "rows are molecules or failures, in order")
    chunks = TableChunks(path, None, targets, ids)
    parts = list(chunks)
    _same(sum(len(part.entries) for part in parts), table.num_rows, "rows in chunks")
    if ids is not None:
        _same([text for part in parts for text in part.ids or ()], table.ids, "identifiers in chunks")
    if targets:
        labels = np.concatenate([part.columns["y"] for part in parts]) if parts else np.zeros((0, 1))
        _same(labels[rows, 0].tolist(), table.y[:, 0].tolist(), "labels in chunks")
        _same(number_column(table.frame, "y")[rows].tolist(), table.y[:, 0].tolist(), "labels of their rows")
    if chunks.kind in (".csv", ".tsv"):
        with open_text(path) as file:
            _same(sum(bool(line.strip(" \n")) for line in file) - 1, table.num_rows, "lines")
        given = [str(table.frame[chunks.smiles][row]).strip(MARGIN).split()[0] for row in rows]
        _same([text.split()[0] for text in table.smiles], given, "molecules of their rows")


def _same(found: Any, expected: Any, what: str) -> None:
    if not np.array_equal(found, expected, equal_nan=what.startswith("labels")):
        raise AssertionError(f"{what}: {str(found)[:80]} is not {str(expected)[:80]}")


def _must(call: Callable[[], Any]) -> None:
    try:
        call()
    except ValueError as error:
        raise AssertionError(f"accepted first, refused later: {error}") from error


def open_sdf(path: Path) -> None:
    r"""An SD file, as a table and record by record."""
    open_table(path)
    found = list(read_sdf(path))
    _same([number for number, _ in found], list(range(len(found))), "records")


def open_config(path: Path) -> None:
    r"""A configuration file, of three verbs; the data that the command line names are not there."""
    if re.search(rb"num_layers: *\d{4}", path.read_bytes()):
        return  # so many layers are built, as asked for, for minutes
    config = ["--config", str(path)]
    rest = ["--data", "missing.csv", "--out", "out"]
    for verb, words in (("pretrain", rest), ("finetune", rest), ("predict", ["missing", "missing.csv"])):
        try:
            run_verb(verb, [*config, *words])
        except Exception as error:
            if line_of(error) is None:
                raise


def open_model(path: Path) -> None:
    r"""A file of a model's folder."""
    table = path.parent / "table.csv"
    table.write_text(TABLE)
    molecules = MoleculeTable(table, on_error="skip", progress=False)
    encoder_from_pretrained(path.parent)
    if isinstance(from_pretrained(path.parent), MoleBlendForPretraining):
        embed(path.parent, molecules)
    else:
        predict(path.parent, molecules)


def open_card(path: Path) -> None:
    r"""The card of a packaged encoder."""
    packaged.FOLDER = path.parents[1]
    packaged.packaged_folder(path.parent.name)


def open_shards(path: Path) -> None:
    r"""A file of a folder of shards, and what a model makes of its molecules."""
    shards = MoleculeShards(path.parent, verify=path.suffix != ".safetensors")
    _ = shards.recipe, shards.failures, shards.conformer_errors, shards.ids, shards.smiles, shards.num_atoms
    _ = shards.has_pos, shards.row, shards.y
    for number in range(min(len(shards), 20)):
        shards[number]
    pack(shards.get_batch(range(min(len(shards), 20))), modality="2d")
    reading_of(path.parent / "shard-000000.safetensors")


def open_interrupted(path: Path) -> None:
    r"""A folder of shards that is gone on with."""
    finished(path.parent)
    prepare(path.parent / "table.csv", path.parent, targets=["y"], ids="id", shard_size=4)


def open_split(path: Path) -> None:
    r"""A saved split."""
    table = MoleculeTable(path.parent / "table.csv", on_error="skip", progress=False)
    split = make_split(table, str(path), 0)
    for part in split.as_dict().values():
        _ = table[part]


def open_column(path: Path) -> None:
    r"""A table whose column says which part each row is of."""
    table = MoleculeTable(path, on_error="skip", progress=False)
    make_split(table, "column:part", 0)


def open_run(path: Path) -> None:
    r"""A file of the folder of a run that goes on."""
    check_same_run(path.parent, {"seed": 0, "facts": {"a": [1, 2]}}, resume=True)
    _keep(path.parent, "seed: 0\nmodel: {heads: 2}\n", resume=True)
    resume_point(path.parent)


def open_corpus(path: Path) -> None:
    r"""The manifest of a corpus."""
    standing(path.parent, {"format": 1, "seed": 0})


def open_quantum(path: Path) -> None:
    r"""Quantum labels, a part or the small file."""
    if path.name.startswith("part"):
        read_key(path)
    read_quantum_labels(path.parent if path.name.startswith("part") else path)


def open_quick(path: Path) -> None:
    r"""A file of a quick model."""
    QuickModel.load(path.parent).predict(["CCO"])


def _table(kind: str, seeds: tuple[bytes, ...], damage: mutate.Mutate, how: Callable[[Path], None] = open_table) -> Any:
    return lambda folder: (f"table{kind}", seeds, how, damage)


def _texts(separator: str) -> tuple[bytes, ...]:
    text = TABLE.replace(",", separator)
    quoted = text.replace("m1", f'"m{separator}1"')
    return text.encode(), quoted.encode("utf-16"), ("\ufeff" + quoted.replace("\n", "\r\n")).encode()


def _records() -> tuple[bytes, ...]:
    from rdkit import Chem

    blocks = []
    for number, text in enumerate(("CCO", "c1ccccc1O", "C[N+](C)(C)C")):
        mol = generate_conformer(parse_smiles(text, "add"))
        for v3000 in (False, True):
            block = Chem.MolToMolBlock(mol, forceV3000=v3000)
            blocks.append(f"{block}> <id>\nm{number}\n\n> <y>\n{number / 2}\n\n$$$$\n")
    return "".join(blocks).encode(), blocks[0].encode(), blocks[3].encode()


_MOL2 = b"""@<TRIPOS>MOLECULE
methanol
6 5 1 0 0
SMALL
NO_CHARGES

@<TRIPOS>ATOM
1 C1 0.0 0.0 0.0 C.3 1 M 0.0
2 O1 1.4 0.0 0.0 O.3 1 M 0.0
3 H1 -0.3 1.0 0.0 H 1 M 0.0
4 H2 -0.3 -0.5 0.9 H 1 M 0.0
5 H3 -0.3 -0.5 -0.9 H 1 M 0.0
6 H4 1.7 0.9 0.0 H 1 M 0.0
@<TRIPOS>BOND
1 1 2 1
2 1 3 1
3 1 4 1
4 1 5 1
5 2 6 1
"""


def _arrow_tables() -> list[pa.Table]:
    smiles, n = list(MOLECULES), len(MOLECULES)
    plain = pa.table({"id": [f"m{i}" for i in range(n)], "smiles": smiles, "y": [i / 4 for i in range(n)]})
    odd: dict[str, Any] = {
        "list": [[1]] * n, "struct": [{"a": 1}] * n, "bytes": [b"\xff"] * n, "null": [None] * n, "big": [10**18] * n,
        "date": pa.array([10**9] * n, pa.timestamp("ns")), "far": pa.array([2**40] * n, pa.timestamp("s")),
        "decimal": pa.array(range(n)).cast(pa.decimal128(22, 2)), "flag": [True, None] * (n // 2) + [False] * (n % 2),
        "map": pa.array([[("a", 1)]] * n, pa.map_(pa.string(), pa.int64())), "half": pa.array(np.ones(n, np.float16)),
        "text": pa.array(smiles).dictionary_encode(), "span": pa.array(range(n), pa.duration("us")),
        "time": pa.array(range(n), pa.time64("us")), "large": pa.array(smiles, pa.large_string()),
    }  # fmt: skip
    tables = [plain, plain.slice(0, 0), pa.concat_tables([plain.slice(3), plain.slice(0, 3)])]
    for values in odd.values():
        for column in ("id", "smiles", "y"):
            place = plain.column_names.index(column)
            tables.append(plain.set_column(place, column, pa.array(values) if isinstance(values, list) else values))
        tables.append(plain.append_column("smiles", pa.array(values) if isinstance(values, list) else values))
    return tables


def _parquet(folder: Path) -> Any:
    seeds = []
    for number, table in enumerate(_arrow_tables()):
        file = io.BytesIO()
        try:
            pq.write_table(table, file, compression=("NONE", "snappy", "zstd")[number % 3])
        except pa.ArrowException:  # no Parquet type for it
            continue
        seeds.append(file.getvalue())
    return "table.parquet", tuple(seeds), open_table, mutate.damage_bytes


def _feather(folder: Path) -> Any:
    seeds = []
    for number, table in enumerate(_arrow_tables()):
        file = io.BytesIO()
        if number % 3:
            try:
                feather.write_feather(table, file, compression=("lz4", "uncompressed")[number % 2])
            except (pa.ArrowException, ValueError):  # as Feather refuses two columns of one name
                continue
        else:
            with pa.ipc.new_stream(file, table.schema) as writer:
                writer.write_table(table)
        seeds.append(file.getvalue())
    return "table.feather", tuple(seeds), open_table, mutate.damage_bytes


def _config(folder: Path) -> Any:
    seeds = [path.read_bytes() for path in sorted((Path(__file__).parents[2] / "examples/configs").glob("*.yaml"))]
    own = {"objectives": {"spd": {"component": "SPDRecovery", "arguments": {"pair_channels": 4}}}, "targets": ["y"]}
    first = {"model": {"channels": 8, "relation_probabilities": [0.2, 0.2, 0.6]}, "batch_size": 4, "device": "cpu"}
    seeds += [json.dumps(own).encode(), json.dumps(first).encode()]
    return "config.yaml", tuple(seeds), open_config, mutate.damage_yaml


def _model(file: str, damage: mutate.Mutate, pretraining: bool = False) -> Callable[[Path], Any]:
    def make(folder: Path) -> Any:
        torch.manual_seed(0)
        task = Task("regression", ("gap",), ("eV",), (5.0,), (1.5,)).to_dict()
        recipe = Recipe(conformers=Conformers()).to_dict()
        model = MoleBlendForPretraining(TINY) if pretraining else MoleBlendForPropertyPrediction(TINY, 1)
        save_pretrained(model, folder, {"task": task, "modality": "2d", "recipe": recipe})
        return file, ((folder / file).read_bytes(),), open_model, damage

    return make


def _card(folder: Path) -> Any:
    (folder / "tiny").mkdir()
    save_pretrained(MoleBlendForPropertyPrediction(TINY, 1), folder / "tiny")
    card = (packaged.FOLDER / "moleblend-tiny" / "card.json").read_bytes()
    return "tiny/card.json", (card,), open_card, mutate.damage_json


def _shards(file: str, damage: mutate.Mutate, how: Callable[[Path], None] = open_shards) -> Callable[[Path], Any]:
    def make(folder: Path) -> Any:
        (folder / "table.csv").write_text(TABLE)
        prepare(folder / "table.csv", folder / "shards", targets=["y"], ids="id", shard_size=4)
        for path in (folder / "shards").iterdir():
            path.rename(folder / path.name)
        entry = json.loads((folder / "manifest.json").read_text())["shards"][0]
        if how is open_interrupted and file != "manifest.json":
            (folder / "manifest.json").unlink()
        seed = json.dumps(entry).encode() if file == "shard-000000.json" else (folder / file).read_bytes()
        return file, (seed,), how, damage

    return make


def _split(folder: Path) -> Any:
    (folder / "table.csv").write_text(TABLE)
    table = MoleculeTable(folder / "table.csv", on_error="skip", progress=False)
    seeds = []
    for rows, names in ((None, None), (table.row, None), (table.row, table.smiles)):
        random_split(table, (0.5, 0.25, 0.25)).save(folder / "split.json", rows, names)
        seeds.append((folder / "split.json").read_bytes())
    return "split.json", tuple(seeds), open_split, mutate.damage_json


def _run(file: str, damage: mutate.Mutate) -> Callable[[Path], Any]:
    def make(folder: Path) -> Any:
        (folder / "checkpoints").mkdir()
        check_same_run(folder, {"seed": 0, "facts": {"a": [1, 2]}}, resume=False)
        (folder / "config.yaml").write_text("seed: 0\nmodel: {heads: 2}\n")
        content = {"state_dict": {"model.a": torch.zeros(2)}, "epoch": 1, "loops": {"a": [1]}}
        torch.save(content, folder / "checkpoints" / "last.ckpt")
        return file, ((folder / file).read_bytes(),), open_run, damage

    return make


def _corpus(folder: Path) -> Any:
    entry = {"output": {"file": "qm9.parquet", "bytes": 3, "sha256": "0" * 64}, "steps": {"kept": 1}}
    content = {"settings": {"format": 1, "seed": 0}, "sources": {"qm9": entry}}
    (folder / "qm9.parquet").write_bytes(b"abc")
    return "manifest.json", (json.dumps(content).encode(),), open_corpus, mutate.damage_json


def _quantum(file: str) -> Callable[[Path], Any]:
    def make(folder: Path) -> Any:
        atoms = 3
        labels = QuantumLabels(np.ones(len(PROPERTIES)), np.ones((atoms, len(CHARGES))), np.ones((atoms, atoms)), "")
        rows = [Labelled("CCO", labels, ""), Labelled("bad", None, "it is no molecule"), Labelled("CCN", labels, "")]
        write_part(part_path(folder, 0), 0, rows, {"seed": 0})
        write_compact(folder, folder / "small.parquet")
        return file, ((folder / file).read_bytes(),), open_quantum, mutate.damage_bytes

    return make


def _quick(file: str, damage: mutate.Mutate) -> Callable[[Path], Any]:
    def make(folder: Path) -> Any:
        smiles = ["C" * n for n in range(1, 13)] + ["C" * n + "O" for n in range(1, 13)]
        y = pd.DataFrame({"y": [float(len(text)) for text in smiles]})
        QuickModel.fit(smiles, y.to_numpy(), ["y"]).save(folder)
        return file, ((folder / file).read_bytes(),), open_quick, damage

    return make


def _release(folder: Path) -> Any:
    small = {"model": {"encoder.a": torch.zeros(2)}, "cfg": {"model": {"multi_hop_max_dist": 5}}, "args": None}
    file = io.BytesIO()
    torch.save(small, file)
    return "checkpoint.pt", (RELEASE.read_bytes(), file.getvalue()), from_release, mutate.damage_archive


_DOORS: dict[str, Callable[[Path], Any]] = {
    "smiles": lambda folder: ("text", tuple(t.encode() for t in MOLECULES), open_smiles, mutate.damage_smiles),
    "csv": _table(".csv", _texts(","), mutate.damage_cells),
    "csv-bytes": _table(".csv", _texts(","), mutate.damage_bytes),
    "tsv": _table(".tsv", _texts("\t"), mutate.damage_bytes),
    "smi": _table(".smi", ("\n".join(f"{t} m{i}" for i, t in enumerate(MOLECULES)).encode(),), mutate.damage_bytes),
    "sdf": lambda folder: ("table.sdf", _records(), open_sdf, mutate.damage_bytes),
    "mol2": _table(".mol2", (_MOL2, _MOL2 * 2), mutate.damage_bytes),
    "compressed": _table(".csv", _texts(","), mutate.damage_compressed),
    "parquet": _parquet,
    "feather": _feather,
    "column-split": _table(".csv", _texts(","), mutate.damage_cells, open_column),
    "split": _split,
    "config": _config,
    "model-config": _model(CONFIG, mutate.damage_json),
    "pretraining-config": _model(CONFIG, mutate.damage_json, pretraining=True),
    "model-weights": _model("model.safetensors", mutate.damage_safetensors),
    "card": _card,
    "manifest": _shards("manifest.json", mutate.damage_json),
    "shard": _shards("shard-000000.safetensors", mutate.damage_safetensors),
    "failures": _shards("failures.csv", mutate.damage_cells),
    "key": _shards("key.json", mutate.damage_json, open_interrupted),
    "entry": _shards("shard-000000.json", mutate.damage_json, open_interrupted),
    "kept-manifest": _shards("manifest.json", mutate.damage_json, open_interrupted),
    "run": _run("run.json", mutate.damage_json),
    "run-config": _run("config.yaml", mutate.damage_yaml),
    "run-checkpoint": _run("checkpoints/last.ckpt", mutate.damage_archive),
    "corpus": _corpus,
    "quantum-part": _quantum("part-000000.parquet"),
    "quantum-small": _quantum("small.parquet"),
    "quick-text": _quick("quick.json", mutate.damage_json),
    "quick-arrays": _quick("quick.safetensors", mutate.damage_safetensors),
    "release": _release,
}
