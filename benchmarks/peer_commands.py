r"""The command lines of chemprop and ours in turn: an epoch of training, and predictions for a table."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

from benchmarks.peer_models import required

_CHEMPROP = ("-c", "from chemprop.cli.main import main; main()")


class Usage(NamedTuple):
    r"""What a process and those it started took.

    Attributes:
        seconds: Of the processor.
        peak_bytes: Largest resident memory of one of them.
    """

    seconds: float
    peak_bytes: int


@dataclass
class Commands:
    r"""What both train on, and where their models lie.

    Args:
        folder: A folder for models and predictions.
        file: CSV file to train on.
        column: Its column of SMILES.
        target: Its column of labels, numbers.
        batch_size: Molecules of a batch in training.
    """

    folder: Path
    file: str
    column: str
    target: str
    batch_size: int = 64

    def __post_init__(self) -> None:
        required("chemprop", "chemprop==2.3.1")

    def train(self, peer: str, epochs: int) -> Usage:
        r"""Trains a model on 80 % of the rows by random split; validation chooses its epoch."""
        out = str(self.folder / f"{peer}-{epochs}")
        shutil.rmtree(out, ignore_errors=True)
        if peer == "chemprop":
            command = [*_CHEMPROP, "train", "--data-path", self.file, "--smiles-columns", self.column]
            command += ["--target-columns", self.target, "--task-type", "regression", "--split-type", "random"]
            command += ["--epochs", str(epochs), "--batch-size", str(self.batch_size), "--accelerator", "cpu"]
            return run([*command, "--output-dir", out])
        command = ["-m", "pyg_moleblend", "finetune", "--data", self.file, "--smiles_column", self.column]
        command += ["--targets", self.target, "--split", "random", "--out", out, "--machine.accelerator", "cpu"]
        command += ["--model.channels", "104", "--model.ffn_channels", "104", "--model.num_layers", "4"]
        command += ["--model.heads", "8", "--machine.progress", "false"]
        return run([*command, "--schedule.epochs", str(epochs), "--schedule.batch_size", str(self.batch_size)])

    def predict(self, peer: str, epochs: int, table: Path) -> Usage:
        r"""Predicts a table with the model that was trained for so many epochs."""
        out, model = str(self.folder / f"{peer}.csv"), self.folder / f"{peer}-{epochs}"
        Path(out).unlink(missing_ok=True)
        if peer == "chemprop":
            command = [*_CHEMPROP, "predict", "--test-path", str(table), "--smiles-columns", "smiles"]
            command += ["--model-paths", str(model / "model_0" / "best.pt"), "--accelerator", "cpu"]
            return run([*command, "--preds-path", out])
        return run(["-m", "pyg_moleblend", "predict", str(model / "model"), str(table), "--out", out])


PEERS = ("ours", "chemprop")
FEWEST = 3
r"""Epochs that chemprop trains at least: two are its warm-up."""


def measure_epochs(commands: Commands, epochs: int, repeats: int) -> dict[str, Any]:
    r"""Seconds of an epoch, validation included: the difference of so many and :data:`FEWEST`, by the number
    between."""
    if epochs <= FEWEST:
        raise ValueError(f"`epochs` must be more than {FEWEST}, got {epochs}")
    seconds: dict[str, list[float]] = {peer: [] for peer in PEERS}
    whole: dict[str, list[float]] = {peer: [] for peer in PEERS}
    for number in range(repeats):
        for peer in _in_turn(number):
            few, many = (commands.train(peer, n).seconds for n in (FEWEST, epochs))
            seconds[peer].append((many - few) / (epochs - FEWEST))
            whole[peer].append(many)
    return {
        "epochs": epochs,
        "batch_size": commands.batch_size,
        "seconds_an_epoch": {peer: median(values) for peer, values in seconds.items()},
        "seconds_of_all": {peer: median(values) for peer, values in whole.items()},
        "ratio": median(b / a for a, b in zip(*seconds.values(), strict=True)),
    }


def measure_predictions(commands: Commands, smiles: Sequence[str], repeats: int) -> dict[str, Any]:
    r"""Seconds and memory of predicting these SMILES, imports and start included."""
    table = commands.folder / "molecules.csv"
    table.write_text("\n".join(["smiles", *smiles]) + "\n")
    for peer in PEERS:
        commands.train(peer, FEWEST)
    used: dict[str, list[Usage]] = {peer: [] for peer in PEERS}
    for number in range(repeats):
        for peer in _in_turn(number):
            used[peer].append(commands.predict(peer, FEWEST, table))
    return {
        "molecules": len(smiles),
        "seconds": {peer: median(usage.seconds for usage in all_of) for peer, all_of in used.items()},
        "peak_bytes": {peer: max(usage.peak_bytes for usage in all_of) for peer, all_of in used.items()},
        "ratio": median(b.seconds / a.seconds for a, b in zip(*used.values(), strict=True)),
    }


def run(arguments: Sequence[str]) -> Usage:
    r"""Runs Python with these arguments, on one thread.

    Raises:
        RuntimeError: If it fails; with the last of what it wrote.
    """
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    process = subprocess.Popen(
        [sys.executable, *arguments], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment
    )
    assert process.stdout is not None
    written = process.stdout.read()
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(f"{' '.join(arguments)} ended with {process.returncode}:\n{written[-2000:]}")
    return Usage(used.ru_utime + used.ru_stime, used.ru_maxrss * 1024)


def _in_turn(number: int) -> Sequence[str]:
    return PEERS if number % 2 else PEERS[::-1]
