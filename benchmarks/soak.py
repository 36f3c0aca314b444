r"""Verbs that are interrupted at random moments, and then run to their end: is the result that of an undisturbed run?

``python -m benchmarks.soak KILLS [VERB ...]`` interrupts each verb so many times, by SIGKILL, SIGTERM and SIGINT, on a
small table, and prints a line a verb: kills, results that differ from the undisturbed run's, files that were half there
after a kill, and exit codes that say something else than the signal.
"""

from __future__ import annotations

import os
import random
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import torch
from tqdm import tqdm

from pyg_moleblend.cli import main
from pyg_moleblend.training.folder import has_checkpoint

FRAGMENTS = ("C", "CC", "O", "N", "C(C)", "C(=O)", "c1ccccc1", "C1CC1")
ROWS = 60
SHAPE = ("--model.channels=16", "--model.num-layers=1", "--model.heads=2", "--model.ffn-channels=16")
RUN = (
    *SHAPE,
    "--model.num-gaussians=8",
    "--schedule.epochs=6",
    "--schedule.batch-size=8",
    "--schedule.learning-rate=0.01",
    "--machine.accelerator=cpu",
    "--machine.progress=false",
    "--machine.checkpoint-steps=2",
)
SIGNALS = (signal.SIGKILL, signal.SIGKILL, signal.SIGTERM, signal.SIGINT)
RELEASE = Path(__file__).parents[1] / "tests" / "golden" / "release_checkpoint.pt"


class Verb(NamedTuple):
    r"""How a verb is run.

    Attributes:
        words: Its command line, by where the result shall be and the folder of the inputs.
        results: What of the result is compared: patterns.
        whole: What of it is never half there, not even after a kill: patterns.
    """

    words: Callable[[Path, Path], Sequence[str]]
    results: tuple[str, ...]
    whole: tuple[str, ...]


def _training(verb: str, *words: str) -> Callable[[Path, Path], Sequence[str]]:
    def command(out: Path, inputs: Path) -> Sequence[str]:
        again = ("--resume",) if has_checkpoint(out) else ()
        return [verb, "--data", str(inputs / "table.csv"), "--out", str(out), *words, *RUN, *again]

    return command


def _inference(verb: str, result: str, *options: str) -> Callable[[Path, Path], Sequence[str]]:
    def command(out: Path, inputs: Path) -> Sequence[str]:
        words = [str(inputs / "model" / "model"), str(inputs / "table.csv"), "--out", str(out / result)]
        return [verb, *words, *options, "--num-workers", "0", "--device", "cpu"]

    return command


VERBS = {
    "prepare": Verb(
        lambda out, inputs: [
            *("prepare", str(inputs / "table.csv"), "--out", str(out), "--targets", "y", "--conformers", "1"),
            *("--shard-size", "10", "--num-workers", "0", "--progress", "false"),
        ],
        ("*.*",),
        ("shard-*.safetensors", "manifest.json"),
    ),
    "pretrain": Verb(_training("pretrain", "--valid-fraction=0.2"), ("model/*", "metrics.json"), ("model/*",)),
    "finetune": Verb(
        _training("finetune", "--targets=y", "--patience=3"),
        ("model/*", "metrics.json", "split.json"),
        ("model/*", "metrics.json"),
    ),
    "predict": Verb(_inference("predict", "results.parquet"), ("*.parquet",), ("*.parquet",)),
    "embed": Verb(_inference("embed", "results", "--part-rows", "10"), ("results/*.*",), ()),
    "convert": Verb(lambda out, inputs: ["convert", str(RELEASE), str(out / "model")], ("model/*",), ("model/*",)),
}


class Count(NamedTuple):
    r"""What came of a verb.

    Attributes:
        kills: Times that it was interrupted before its end.
        results: Results that were compared.
        differing: Those of them that were not the undisturbed run's, byte for byte.
        half: Kills after which a file was there that the undisturbed run has otherwise, or only some of them.
        odd: Exit codes that are not the signal's.
    """

    kills: int
    results: int
    differing: int
    half: int
    odd: int


def write_table(path: Path) -> None:
    r"""Writes a table of molecules and labels, always the same."""
    draw = random.Random(0)
    smiles = ["C" + "".join(draw.choices(FRAGMENTS, k=draw.randint(1, 5))) for _ in range(ROWS)]
    path.write_text("smiles,y\n" + "".join(f"{text},{len(text) + draw.random():.3f}\n" for text in smiles))


def files_of(folder: Path, patterns: Sequence[str]) -> dict[str, bytes]:
    r"""The files of a folder that are no temporary ones, with their content."""
    paths = sorted({path for pattern in patterns for path in folder.glob(pattern) if path.name[0] != "."})
    return {str(path.relative_to(folder)): path.read_bytes() for path in paths if path.is_file()}


def run_apart(words: Sequence[str], number: int | None = None, after: float = 0.0) -> int:
    r"""Runs the command line in a forked process, which has all imports done, and interrupts it after some seconds.

    Returns:
        Its exit code, negative for the signal that has ended it.
    """
    child = os.fork()
    if not child:
        tqdm.set_lock(threading.RLock())  # its own: a process that is killed holding a shared one ends all others
        with open(os.devnull, "w") as nowhere:
            os.dup2(nowhere.fileno(), 1)
            os.dup2(nowhere.fileno(), 2)
        code = 70
        try:
            code = main(list(words))
        except KeyboardInterrupt:
            code = 128 + signal.SIGINT
        finally:
            os._exit(code)
    if number is not None:
        time.sleep(after)
        os.kill(child, number)  # until it is waited for it is there, if only as a zombie
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def _differs(what: str, found: dict[str, bytes], expected: dict[str, bytes]) -> bool:
    r"""Whether files are not those expected; prints which, and where they begin to differ."""
    odd = sorted(name for name in found.keys() | expected.keys() if found.get(name) != expected.get(name))
    for name in odd:
        pair = [files.get(name) for files in (found, expected)]
        at = next((i for i, (one, other) in enumerate(zip(*(c or b"" for c in pair), strict=False)) if one != other), 0)
        print(f"{what}: {name}: {[content and content[at : at + 60] for content in pair]}", flush=True)
    return bool(odd)


def soak(verb: str, kills: int, folder: Path, seed: int = 0) -> Count:
    r"""Interrupts a verb so many times.

    Args:
        verb: A key of :data:`VERBS`.
        kills: How many times.
        folder: An empty folder to work in; it holds the table, and the model that predictions are made with.
        seed: Of the moments and the signals. (default: :obj:`0`)

    Raises:
        RuntimeError: If the undisturbed run fails.
    """
    how, draw = VERBS[verb], random.Random(f"{verb} {seed}")
    start = time.monotonic()
    if run_apart(how.words(folder / "whole", folder)):
        raise RuntimeError(f"moleblend {verb} fails: {' '.join(how.words(folder / 'whole', folder))}")
    seconds = time.monotonic() - start
    expected = files_of(folder / "whole", how.results)
    whole = files_of(folder / "whole", how.whole)
    done = results = differing = half = odd = 0
    while done < kills:
        out = folder / f"run-{results}"
        code = -1
        for _ in range(draw.randint(1, 3)):
            number = draw.choice(SIGNALS)
            code = run_apart(how.words(out, folder), number, draw.uniform(0, seconds))
            odd += code not in (0, -number, 128 + number)
            done += code != 0
            found = files_of(out, how.whole)
            some = {name.split("/")[0] for name in found if "/" in name}  # of a folder, all or nothing
            wanted = {name: value for name, value in whole.items() if name in found or name.split("/")[0] in some}
            half += _differs(f"{verb} {results}, half", found, wanted)
            if code == 0:
                break
        if code and (code := run_apart(how.words(out, folder))):
            odd += 1
        results += 1
        differing += _differs(f"{verb} {results}", files_of(out, how.results), expected)
    return Count(done, results, differing, half, odd)


def _each(kills: int, verbs: Sequence[str]) -> Iterator[tuple[str, Count]]:
    with tempfile.TemporaryDirectory() as temporary:
        for verb in verbs:
            folder = Path(temporary) / verb
            folder.mkdir()
            write_table(folder / "table.csv")
            if verb in ("predict", "embed"):
                run_apart(VERBS["finetune"].words(folder / "model", folder))
            yield verb, soak(verb, kills, folder)


def run(argv: Sequence[str]) -> int:
    r"""Prints the counts; the exit code is 1 if anything differs."""
    torch.set_num_threads(1)
    kills, verbs = int(argv[0]), list(argv[1:]) or list(VERBS)
    bad = 0
    for verb, count in _each(kills, verbs):
        print(
            f"{verb}: {count.kills} kills, {count.results} results, {count.differing} differing, {count.half} half, "
            f"{count.odd} odd exit codes",
            flush=True,
        )
        bad += count.differing + count.half + count.odd
    return int(bad > 0)


if __name__ == "__main__":
    sys.exit(run(sys.argv[1:]))
