r"""What the tables have in common: their options, and the loop over datasets, splits and seeds."""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import fields, replace
from pathlib import Path
from typing import NamedTuple

from benchmarks.ecfp import Forest
from benchmarks.models import EcfpForest, FineTuned, Model
from benchmarks.quick_models import Frozen, Quick
from benchmarks.table import Results, markdown, splits_of
from pyg_moleblend.datasets import MoleculeDataset
from pyg_moleblend.metrics import Evaluator
from pyg_moleblend.quick.folds import Grouping
from pyg_moleblend.runtime.files import atomic_write
from pyg_moleblend.splits import Split

HERE = Path(__file__).parent
CONFIGS = HERE.parent / "examples" / "configs"


class Row(NamedTuple):
    r"""A row of a table.

    Attributes:
        name: Name of the dataset.
        metric: What is measured.
        unit: Of the value, ``""`` if it has none.
        load: Gives the molecules with their targets.
        config: Settings to fine-tune with, where no others are given.
        forest: Settings of the forest, where no others are given.
        folds: What the test molecules are like, for the quick model.
    """

    name: str
    metric: str
    unit: str
    load: Callable[[], MoleculeDataset]
    config: Path
    forest: Forest = Forest()
    folds: Grouping = "scaffold"


MakeSplit = Callable[[MoleculeDataset, str, int], Split]


def parse(argv: Sequence[str] | None, doc: str, sets: Sequence[str], splits: Sequence[str]) -> argparse.Namespace:
    r"""A table's options.

    Args:
        argv: The words of the command line; those of this process by default.
        doc: What the table is.
        sets: Its datasets; all are taken by default.
        splits: Its kinds of split; all are taken by default.
    """
    parser = argparse.ArgumentParser(
        description=doc, epilog="Other options are those of moleblend finetune, such as --schedule.epochs 10."
    )
    parser.add_argument("--sets", type=_names(sets), default=list(sets), help=f"of {','.join(sets)}")
    parser.add_argument("--splits", type=_names(splits), default=list(splits), help=f"of {','.join(splits)}")
    parser.add_argument("--seeds", type=int, default=3, help="how many, from 0")
    parser.add_argument(
        "--model",
        default="ecfp",
        help="ecfp; quick; random, or the folder or name of a pretrained model, to fine-tune; quick+NAME, frozen+NAME",
    )
    parser.add_argument("--config", type=Path, help="settings to fine-tune with; the dataset's by default")
    parser.add_argument("--root", type=Path, default=Path("data"), help="folder of the published datasets")
    parser.add_argument("--out", type=Path, default=HERE / "results", help="folder of the results")
    parser.add_argument("--name", help="first word of the results' names; by default ecfp, random or moleblend")
    parser.add_argument("--runs", type=Path, default=Path("runs/benchmarks"), help="folder of fine-tuning's own files")
    parser.add_argument("--jobs", type=int, default=1, help="threads of the forest")
    for field in fields(Forest):
        kind = int if field.name in ("trees", "max_train") else float
        option = f"--{field.name.replace('_', '-')}"
        parser.add_argument(option, type=kind, help="of the forest, see ecfp.py")
    args, options = parser.parse_known_args(argv)
    args.options = options
    fixed = args.model == "ecfp" or args.model.split("+")[0] in ("quick", "frozen")
    if fixed and (args.options or args.config):
        parser.error(f"{args.model} has no options {args.options or ['--config']}")
    if args.seeds < 1:
        parser.error(f"--seeds must be at least 1, got {args.seeds}")
    args.name = args.name or (args.model.split("+")[0] if fixed or args.model == "random" else "moleblend")
    return args


def run(table: str, args: argparse.Namespace, rows: Sequence[Row], make_split: MakeSplit) -> str:
    r"""Makes what is missing of a table, and gives it as Markdown.

    Args:
        table: Its name.
        args: From :func:`parse`.
        rows: Its datasets.
        make_split: Gives the split of a kind for a run's seed.
    """
    contents = []
    for row in rows:
        model = _model(args, row)
        metric = f"{row.metric} [{row.unit}]" if row.unit else row.metric
        results = Results(args.out / f"{args.name}_{row.name}.json", table, row.name, metric, model.to_dict())
        wanted = [(kind, seed) for seed in range(args.seeds) for kind in args.splits]
        if missing := [cell for cell in wanted if not results.has(*cell)]:
            _fill(results, row, missing, model, make_split, args.runs / args.name)
        contents.append(results.content)
    _write_all(args, table)
    return f"{markdown(contents, args.splits)}\n\n{splits_of(contents, args.splits)}"


def _model(args: argparse.Namespace, row: Row) -> Model:
    kind, _, source = args.model.partition("+")
    if kind == "quick":
        return Quick(source or None, folds=row.folds)
    if kind == "frozen":
        return Frozen(source)
    if kind != "ecfp":
        return FineTuned(args.model, args.config or row.config, args.options)
    given = {field.name: getattr(args, field.name) for field in fields(Forest)}
    changes = {name: value for name, value in given.items() if value is not None}
    return EcfpForest(replace(row.forest, **changes), args.jobs)


def _write_all(args: argparse.Namespace, table: str) -> None:
    r"""Writes the table of everything that was ever measured under this name."""
    found = [json.loads(path.read_text(encoding="utf-8")) for path in sorted(args.out.glob(f"{args.name}_*.json"))]
    contents = [content for content in found if content["table"] == table]
    with atomic_write(args.out / f"{args.name}_{table}.md", "w") as file:
        file.write(f"{markdown(contents)}\n\n{splits_of(contents)}\n")


def _fill(
    results: Results,
    row: Row,
    missing: Sequence[tuple[str, int]],
    model: Model,
    make_split: MakeSplit,
    runs: Path,
) -> None:
    molecules = row.load()
    results.set_data(molecules.facts["rows"], len(molecules), molecules.failures)
    for kind, seed in missing:
        split = make_split(molecules, kind, seed)
        start = time.perf_counter()
        values = model.measure(molecules, split, row.metric, seed, runs / f"{row.name}-{kind}-{seed}")
        seconds = round(time.perf_counter() - start, 1)
        results.add(
            kind, split, seed, {**values, "constant_value": _constant(molecules, split, row), "seconds": seconds}
        )
        print(f"{row.name}, {split}, seed {seed}: {row.metric} {values['value']:.4f}, {seconds} s", file=sys.stderr)


def _constant(molecules: MoleculeDataset, split: Split, row: Row) -> float:
    r"""The score of the training labels' mean as every prediction; for an absolute error of their median."""
    train, test = molecules.y[split.train], molecules.y[split.test]
    guess = train.nanmedian(0).values if row.metric == "mae" else train.nanmean(0)
    return Evaluator(row.metric)(y_true=test, y_pred=guess.nan_to_num(0.0).expand_as(test)).value


def _names(known: Sequence[str]) -> Callable[[str], list[str]]:
    def parse_names(text: str) -> list[str]:
        names = [name.strip() for name in text.split(",")]
        if unknown := [name for name in names if name not in known]:
            raise argparse.ArgumentTypeError(f"unknown {unknown}, expected some of {','.join(known)}")
        return names

    return parse_names
