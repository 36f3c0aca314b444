r"""Small random models and real molecules to try laws on."""

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import golden_data
import torch
from torch import Tensor, nn
from torch_geometric.data import Batch, Data

from pyg_moleblend.fields import PAIR_FIELDS
from pyg_moleblend.models import MoleBlendConfig, MoleBlendForPretraining
from pyg_moleblend.nn import (
    Blending,
    BondPathRecovery,
    Denoising,
    DisplacementRecovery,
    DistanceRecovery,
    Objective,
    RecoveryState,
    SPDRecovery,
    constant_blend,
)
from pyg_moleblend.transforms import AddRelations
from pyg_moleblend.utils import DenseMolecules, pack

M = TypeVar("M", bound=nn.Module)


def tiny_config(**changes: object) -> MoleBlendConfig:
    sizes = {"channels": 16, "num_layers": 2, "heads": 4, "ffn_channels": 24, "num_gaussians": 8}
    return MoleBlendConfig(**{**sizes, **changes})


def tiny_objectives(
    config: MoleBlendConfig,
    geometry: str = "displacement",
    vocabulary: Any = "ogb",
    num_spd_classes: int = 11,
    pair_channels: int = 6,
) -> dict[str, Objective]:
    r"""The paper's objectives, small."""
    kind = {"displacement": DisplacementRecovery, "distance": DistanceRecovery}[geometry]
    return {
        "spd": SPDRecovery(config.channels, num_spd_classes, pair_channels),
        "bond_path": BondPathRecovery(config.channels, config.max_path_length, vocabulary, pair_channels),
        geometry: kind(config.channels, pair_channels),
        "denoising": Denoising(config.channels, config.heads, config.attention_dropout),
    }


def tiny_pretraining(
    config: MoleBlendConfig | None = None,
    blending: Blending | None = None,
    loss_weights: dict[str, float] | None = None,
    **objectives: Any,
) -> MoleBlendForPretraining:
    r"""A small model with the arguments of :func:`tiny_objectives`."""
    config = tiny_config() if config is None else config
    made = tiny_objectives(config, **objectives)
    return MoleBlendForPretraining(config, None, made, blending, loss_weights)


def randomized(model: M, seed: int = 0, std: float = 0.3) -> M:
    r"""The model in evaluation mode, with noise on every fresh parameter: fresh weights are small, biases zero."""
    with torch.random.fork_rng(), torch.no_grad():
        torch.manual_seed(seed)
        model.reset_parameters()
        for parameter in model.parameters():
            parameter.add_(std * torch.randn_like(parameter))
    return model.eval()


def molecules(count: int = 6) -> list[Data]:
    r"""Real molecules in 3D, a salt and a lone atom among them."""
    order = [9, 10, 0, 4, 2, 8, 1, 3, 5, 6, 7]
    graphs = golden_data.public_graphs()
    return [graphs[number] for number in order[:count]]


def methane_like(**changes: Tensor) -> Data:
    r"""One carbon atom, or as many as ``pos`` has rows, without bonds."""
    size = changes["pos"].size(0) if "pos" in changes else 1
    x = torch.tensor([[5, 0, 0, 5, 4, 0, 2, 0, 0]]).repeat(size, 1)
    fields = {"edge_index": torch.zeros(2, 0, dtype=torch.long), "edge_attr": torch.zeros(0, 3, dtype=torch.long)}
    return Data(x=x, **{**fields, **changes})


def batch_of(graphs: Sequence[Data]) -> Batch:
    return Batch.from_data_list(list(graphs))


def packed_with(graph_fields: dict[str, Tensor], count: int) -> DenseMolecules:
    r"""So many lone atoms with graph fields."""
    molecules = pack(batch_of([methane_like(pos=torch.zeros(1, 3)) for _ in range(count)]))
    return molecules._replace(graphs=graph_fields)


def pair_state(molecules: DenseMolecules, channels: int) -> RecoveryState:
    r"""What an objective of pairs sees: random atoms, which want gradients, and nothing blended."""
    atoms = torch.randn(*molecules.mask.shape, channels, generator=torch.Generator().manual_seed(0)).requires_grad_()
    nothing = torch.zeros(0)
    return RecoveryState(nothing, atoms, nothing, molecules, molecules.pos, constant_blend(molecules, 0, 0))


def permuted(data: Data, order: Tensor) -> Data:
    r"""The molecule with its atoms in another order, atom ``order[i]`` first becoming atom i.

    Its pair fields are permuted along, not computed again: of equally short paths the one taken depends on the
    order of the atoms, so a fresh ``bond_path`` may name other, equally good bonds.
    """
    size, place = data.num_nodes, order.argsort()
    data = AddRelations()(data)
    changed = Data(x=data.x[order], pos=data.pos[order], edge_index=place[data.edge_index], edge_attr=data.edge_attr)
    for name in PAIR_FIELDS:
        flat = data[name]
        changed[name] = flat.view(size, size, *flat.shape[1:])[order][:, order].reshape(flat.shape)
    return changed


def moved(data: Data, seed: int = 0) -> Data:
    r"""The molecule turned at random and shifted by several Å."""
    generator = torch.Generator().manual_seed(seed)
    shift = 3 * torch.randn(3, generator=generator)
    moved = data.clone()
    moved.pos = data.pos @ rotation(seed).to(data.pos.dtype).T + shift
    return moved


def rotation(seed: int = 0) -> Tensor:
    r"""A random proper rotation, ``[3, 3]`` float64."""
    generator = torch.Generator().manual_seed(seed)
    orthogonal, _ = torch.linalg.qr(torch.randn(3, 3, generator=generator, dtype=torch.float64))
    return orthogonal * orthogonal.det()


def in_double(data: Data) -> Data:
    data = data.clone()
    data.pos = data.pos.double()
    return data


def assert_same(actual: Tensor, expected: Tensor, tolerance: float = 1e-5) -> None:
    golden_data.assert_matches(actual, expected, tolerance=tolerance)


def finite_gradients(model: nn.Module) -> bool:
    r"""Whether all gradients that exist are finite, and some exist."""
    gradients = [parameter.grad for parameter in model.parameters() if parameter.grad is not None]
    return bool(gradients) and all(bool(gradient.isfinite().all()) for gradient in gradients)


def gradcheck_parameters(module: nn.Module, function: Callable[[], Tensor], inputs: Sequence[Tensor] = ()) -> bool:
    r"""Compares the gradients of a module's float64 parameters, and of further inputs, with finite differences.

    Args:
        module: The module; its parameters are perturbed in place and restored.
        function: Calls the module on the inputs.
        inputs: Further leaves that need gradients.
    """
    leaves = [*module.parameters(), *inputs]
    assert leaves
    assert all(leaf.dtype == torch.float64 and leaf.requires_grad for leaf in leaves)
    return torch.autograd.gradcheck(lambda *_: function(), leaves, fast_mode=True)
