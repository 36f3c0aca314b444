r"""``python -m benchmarks.fuzz --minutes 5 --doors csv,sdf``: damaged inputs, and a line for each that does harm."""

from __future__ import annotations

import argparse
import base64
import gc
import itertools
import json
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import torch

from benchmarks.fuzz.doors import Door, make_doors
from benchmarks.fuzz.hunt import Finding, hunt

_TURN = 400


def fuzz(doors: Sequence[Door], seed: int, seconds: float) -> tuple[Counter[str], list[Finding]]:
    r"""Tries the doors one after the other, some hundred inputs at a time, until the time is over.

    Returns:
        How many inputs were tried at each door, and what was found, once a kind.
    """
    until = time.monotonic() + seconds
    tried: Counter[str] = Counter()
    found: dict[tuple[str, str, str], Finding] = {}
    for start in itertools.count(0, _TURN):
        for door in doors:
            for event in hunt(door, seed, range(start, start + _TURN), until):
                if isinstance(event, int):
                    tried[door.name] += event
                elif (kind := (door.name, event.fault.split(":")[0], event.place)) not in found:
                    found[kind] = event
                    print(
                        f"{door.name} {event.number}: {event.fault} at {event.place}; {event.data[:80]!r}", flush=True
                    )
            if time.monotonic() > until:
                return tried, list(found.values())
    raise AssertionError("not reached")


def main(argv: Sequence[str] | None = None) -> int:
    r"""Runs it; the exit code is 1 if there is a finding."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.fuzz", description=__doc__)
    parser.add_argument("--minutes", type=float, default=5.0)
    parser.add_argument("--doors", default="", help="as a,b,c; all by default")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, help="JSON file for the findings, their bytes in base64")
    options = parser.parse_args(argv)
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as temporary:
        doors = make_doors(Path(temporary), tuple(options.doors.split(",")) if options.doors else ())
        gc.collect()
        gc.freeze()  # what is forked keeps its pages
        tried, findings = fuzz(doors, options.seed, options.minutes * 60)
    if options.out:
        rows = [{**finding._asdict(), "data": base64.b64encode(finding.data).decode()} for finding in findings]
        options.out.write_text(json.dumps({"seed": options.seed, "tried": tried, "findings": rows}, indent=1))
    print(f"{tried.total()} inputs, {len(findings)} findings: {dict(tried)}")
    return int(bool(findings))


if __name__ == "__main__":
    sys.exit(main())
