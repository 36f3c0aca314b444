r"""What the measurements of speed and memory run: our models and the plain baseline's, and the batches they get."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Literal, NamedTuple

import torch
from torch import nn
from torch_geometric.data import Batch, Data

from benchmarks.baseline.pretraining import PlainPretraining
from benchmarks.baseline.weights import copy_weights, plain_batch
from pyg_moleblend.chem import batch_from_smiles
from pyg_moleblend.loader import SizeBucketBatchSampler
from pyg_moleblend.models import MoleBlendConfig, MoleBlendForPretraining, default_objectives
from pyg_moleblend.nn import BondPathRecovery

Part = Literal["step", "forward"]
Run = Callable[[Batch], None]

CONFIGS: dict[str, MoleBlendConfig] = {
    "6x256": MoleBlendConfig(),
    "12x768": MoleBlendConfig.paper(drop_path=0.0),
}
r"""The encoders that are measured."""

BATCH_SIZE = 32
MAX_ATOMS = 20
r"""A batch holds at most the padded pairs of :data:`BATCH_SIZE` molecules of so many atoms."""


def with_coordinates(smiles: Sequence[str], seed: int = 0) -> list[Data]:
    r"""Molecules with random coordinates: what costs is their number."""
    generator = torch.Generator().manual_seed(seed)
    batch = batch_from_smiles(smiles)
    batch.pos = 3 * torch.randn(batch.num_nodes, 3, generator=generator)
    return batch.to_data_list()


def bucketed(molecules: Sequence[Data], batch_size: int = BATCH_SIZE) -> list[Batch]:
    r"""Batches of molecules of like size."""
    sizes = [molecule.num_nodes for molecule in molecules]
    budget = max(batch_size * MAX_ATOMS**2, max(sizes) ** 2)
    sampler = SizeBucketBatchSampler(sizes, batch_size, shuffle=True, max_pairs=budget)
    return [Batch.from_data_list([molecules[i] for i in batch]) for batch in sampler]


def shuffled(molecules: Sequence[Data]) -> list[Batch]:
    r"""Random batches."""
    order = torch.randperm(len(molecules), generator=torch.Generator().manual_seed(0)).tolist()
    whole = range(0, len(order) - BATCH_SIZE + 1, BATCH_SIZE)
    return [Batch.from_data_list([molecules[i] for i in order[k : k + BATCH_SIZE]]) for k in whole]


def release_like(config: MoleBlendConfig) -> MoleBlendForPretraining:
    r"""Our model with the release's 24 bonds: the baseline knows no others."""
    bonds = BondPathRecovery(config.channels, config.max_path_length, "release")
    return MoleBlendForPretraining(config, objectives={**default_objectives(config), "bond_path": bonds})


def ours(config: MoleBlendConfig, part: Part, activation_checkpointing: bool = False, all_bonds: bool = False) -> Run:
    r"""Runs our model on a batch."""
    torch.manual_seed(0)
    model = MoleBlendForPretraining(config) if all_bonds else release_like(config)
    model.encoder.activation_checkpointing = activation_checkpointing
    if part == "forward":
        model.eval()
        return torch.no_grad()(lambda batch: model.encoder(batch))
    return _stepping(model, lambda batch: model.step(batch).loss)


def plain(config: MoleBlendConfig, part: Part) -> Run:
    r"""Runs the plain baseline on a batch; ``prepare`` lays one out beforehand."""
    torch.manual_seed(0)
    model, baseline = release_like(config), PlainPretraining(config)
    copy_weights(model, baseline)
    model.to("meta")  # it packs and draws from here on: its weights are not the baseline's memory
    prepared: dict[int, Any] = {}  # the last batch: collating is measured with the data path, not here

    def given(batch: Batch) -> Any:
        if id(batch) not in prepared:
            prepared.clear()
            molecules = model.pack(batch)
            prepared[id(batch)] = plain_batch(molecules), model.draw_blend(molecules)
        return prepared[id(batch)]

    def loss(batch: Batch) -> torch.Tensor:
        losses = baseline(*given(batch))
        return model.loss_weighting(losses)

    def forward(batch: Batch) -> None:
        molecules = given(batch)[0]
        baseline.encoder(molecules, molecules.pos, None, None)

    if part == "forward":
        baseline.eval()
        run = torch.no_grad()(forward)
    else:
        run = _stepping(baseline, loss)
    run.prepare = given  # type: ignore[attr-defined]
    return run


def _stepping(model: nn.Module, loss: Callable[[Batch], torch.Tensor]) -> Run:
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-4, fused=True)

    def step(batch: Batch) -> None:
        optimizer.zero_grad()
        loss(batch).backward()
        optimizer.step()

    return step


class Way(NamedTuple):
    r"""One way to compute, and the batches that it gets."""

    make: Callable[[MoleBlendConfig, Part], Run]
    batches: Callable[[Sequence[Data]], list[Batch]]


WAYS: dict[Part, dict[str, Way]] = {
    "step": {
        "ours": Way(ours, bucketed),
        "ours, checkpointing": Way(partial(ours, activation_checkpointing=True), bucketed),
        "ours, all bonds": Way(partial(ours, all_bonds=True), bucketed),
        "plain": Way(plain, shuffled),
        "plain, bucketed": Way(plain, bucketed),
    },
    "forward": {"ours": Way(ours, bucketed), "plain": Way(plain, shuffled), "plain, bucketed": Way(plain, bucketed)},
}
r"""What is compared. ``ours`` has batches of molecules of like size; ``plain`` has random ones, as is usual, and
``plain, bucketed`` those of ours, which tells the share of the batches from that of the computation. ``ours,
checkpointing`` has activation checkpointing, ``ours, all bonds`` the default vocabulary of 60 bonds."""
