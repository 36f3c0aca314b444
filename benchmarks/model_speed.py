r"""How fast the models are: the pretraining step and the forward pass, ours and the plain baseline's."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from multiprocessing import get_context
from statistics import median
from typing import Any, Literal

import torch
from torch import nn
from torch_geometric.data import Batch, Data

from benchmarks.baseline.pretraining import PlainPretraining
from benchmarks.baseline.weights import copy_weights, plain_batch
from benchmarks.timing import matrix_peak, peak_resident
from pyg_moleblend.loader import SizeBucketBatchSampler
from pyg_moleblend.models import MoleBlendConfig, MoleBlendForPretraining

Part = Literal["step", "forward"]

CONFIGS: dict[str, MoleBlendConfig] = {
    "6x256": MoleBlendConfig(bond_vocabulary="release"),
    "12x768": MoleBlendConfig.paper(bond_vocabulary="release", drop_path=0.0),
}
r"""The models that are measured; the baseline knows the release's bonds only, so both have these."""

BATCH_SIZE = 32
MAX_ATOMS = 20
r"""A batch holds at most the padded pairs of :data:`BATCH_SIZE` molecules of so many atoms."""

ROUNDS = 3


def measure_model(name: str, part: Part, molecules: Sequence[Data], batches: int = 12) -> dict[str, Any]:
    r"""Molecules a second of one model, ours and the baseline in turn, round by round, in one process.

    ``ours`` has batches of molecules of like size; ``plain`` has random ones, as is usual, and ``plain, bucketed``
    those of ours, which tells the share of the batches from that of the computation. ``ours, all bonds`` has the
    default vocabulary of 60 bonds.

    Args:
        name: Of :data:`CONFIGS`.
        part: The pretraining step (forward, backward, optimizer), or the encoder's forward pass.
        molecules: Molecules with coordinates.
        batches: Batches of a round.

    Returns:
        For each, as the median of :data:`ROUNDS` rounds after one batch unmeasured: molecules a second, and the share
        of the machine's matrix peak that the encoder's linear maps on real tokens reach; and the largest resident
        memory in bytes, in a process of its own.
    """
    config = CONFIGS[name]
    bucketed, shuffled = _bucketed(molecules)[:batches], _shuffled(molecules)[:batches]
    runners = {
        "ours": (_ours(config, part), bucketed),
        "plain": (_plain(config, part), shuffled),
        "plain, bucketed": (_plain(config, part), bucketed),
    }
    if part == "step":
        runners["ours, all bonds"] = (_ours(_all_bonds(config), part), bucketed)
    seconds: dict[str, list[float]] = {key: [] for key in runners}
    peaks = []
    for _ in range(ROUNDS):
        for key, (run, given) in runners.items():
            peaks.append(matrix_peak())
            _timed(run, given[0])  # what the others left in the caches is not this one's doing
            seconds[key].append(sum(_timed(run, batch) for batch in given))
    peak, result = median(peaks), {}
    for key, (_, given) in runners.items():
        second = median(seconds[key])
        useful = sum(_encoder_flops(config, batch, part) for batch in given) / second / peak
        result[key] = {"molecules_per_s": sum(batch.num_graphs for batch in given) / second, "useful": useful}
    for key in ("ours", "plain"):
        result[key]["peak_bytes"] = _peak_bytes(name, part, key, [m.clone() for m in molecules[: 8 * BATCH_SIZE]])
    return {
        "peak_gflops": peak / 1e9,
        "mean_atoms": sum(batch.num_nodes for batch in bucketed) / sum(batch.num_graphs for batch in bucketed),
        "results": result,
        "ratio": result["ours"]["molecules_per_s"] / result["plain"]["molecules_per_s"],
        "ratio_same_batches": result["ours"]["molecules_per_s"] / result["plain, bucketed"]["molecules_per_s"],
    }


def _all_bonds(config: MoleBlendConfig) -> MoleBlendConfig:
    return MoleBlendConfig.from_dict({**config.to_dict(), "bond_vocabulary": "ogb"})


def _bucketed(molecules: Sequence[Data]) -> list[Batch]:
    sizes = [molecule.num_nodes for molecule in molecules]
    budget = max(BATCH_SIZE * MAX_ATOMS**2, max(sizes) ** 2)
    sampler = SizeBucketBatchSampler(sizes, BATCH_SIZE, shuffle=True, max_pairs=budget)
    return [Batch.from_data_list([molecules[i] for i in batch]) for batch in sampler]


def _shuffled(molecules: Sequence[Data]) -> list[Batch]:
    order = torch.randperm(len(molecules), generator=torch.Generator().manual_seed(0)).tolist()
    whole = range(0, len(order) - BATCH_SIZE + 1, BATCH_SIZE)
    return [Batch.from_data_list([molecules[i] for i in order[k : k + BATCH_SIZE]]) for k in whole]


def _ours(config: MoleBlendConfig, part: Part) -> Callable[[Batch], None]:
    torch.manual_seed(0)
    model = MoleBlendForPretraining(config)
    if part == "forward":
        model.eval()
        return torch.no_grad()(lambda batch: model.encoder(batch))
    return _stepping(model, lambda batch: model.step(batch).loss)


def _plain(config: MoleBlendConfig, part: Part) -> Callable[[Batch], None]:
    torch.manual_seed(0)
    ours, plain = MoleBlendForPretraining(config), PlainPretraining(config)
    copy_weights(ours, plain)
    ours.to("meta")  # it packs and draws from here on: its weights are not the baseline's memory
    prepared: dict[int, Any] = {}  # collating is measured with the data path, not here

    def given(batch: Batch) -> Any:
        if id(batch) not in prepared:
            molecules = ours.pack(batch)
            prepared[id(batch)] = plain_batch(molecules), ours.draw_blend(molecules)
        return prepared[id(batch)]

    def loss(batch: Batch) -> torch.Tensor:
        losses = plain(*given(batch))
        return sum(config.loss_weights[name] * value for name, value in losses.items())

    def forward(batch: Batch) -> None:
        molecules = given(batch)[0]
        plain.encoder(molecules, molecules.pos, None, None)

    if part == "forward":
        plain.eval()
        run = torch.no_grad()(forward)
    else:
        run = _stepping(plain, loss)
    run.prepare = given  # type: ignore[attr-defined]
    return run


def _stepping(model: nn.Module, loss: Callable[[Batch], torch.Tensor]) -> Callable[[Batch], None]:
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-4, fused=True)

    def step(batch: Batch) -> None:
        optimizer.zero_grad()
        loss(batch).backward()
        optimizer.step()

    return step


def _timed(run: Callable[[Batch], None], batch: Batch) -> float:
    getattr(run, "prepare", lambda _: None)(batch)
    start = time.perf_counter()
    run(batch)
    return time.perf_counter() - start


def _encoder_flops(config: MoleBlendConfig, batch: Batch, part: Part) -> float:
    r"""Of the layers' linear maps on real tokens; a step has them three times."""
    tokens = batch.num_nodes + batch.num_graphs
    weights = config.num_layers * (4 * config.channels**2 + 2 * config.channels * config.ffn_channels)
    return 2 * tokens * weights * (3 if part == "step" else 1)


def _peak_bytes(name: str, part: Part, key: str, molecules: Sequence[Data]) -> int:
    with get_context("spawn").Pool(1) as pool:
        return pool.apply(_run_alone, (name, part, key, list(molecules), torch.get_num_threads()))


def _run_alone(name: str, part: Part, key: str, molecules: Sequence[Data], threads: int) -> int:
    torch.set_num_threads(threads)
    run = (_ours if key == "ours" else _plain)(CONFIGS[name], part)
    for batch in (_bucketed if key == "ours" else _shuffled)(molecules)[:6]:
        run(batch)
    return peak_resident()
