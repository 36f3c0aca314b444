r"""What a batch costs: arithmetic and memory as a function of its size and the model's."""

from __future__ import annotations

from pyg_moleblend.fields import bond_class_targets
from pyg_moleblend.models.config import MoleBlendConfig
from pyg_moleblend.nn.objectives.pair_recovery import BLOCK_ELEMENTS

_FLOAT = 4
# Numbers that training keeps, fitted to measurements (docs/scaling.md): for a token of a layer, times its channels and
# times those within its feed-forward network, without activation checkpointing and with it; per head and pair of a
# layer; per pair for each Gaussian, for each head of the bias, and for each number of the recovery heads.
_LAYER, _CHECKPOINTED = (13, 3), (11, 1)
_ATTENTION, _GAUSSIAN, _BIAS, _HEAD = 3, 6, 8, 3
_FORWARD = 3  # of the last four without gradients
_MARGIN = 1.15


def estimate_memory(
    config: MoleBlendConfig,
    batch_size: int,
    largest: int,
    training: bool,
    activation_checkpointing: bool = False,
    recovery: bool = True,
) -> int:
    r"""Bytes that one batch takes on top of the weights, gradients and optimizer, in float32, to about a
    quarter.

    Args:
        config: The model.
        batch_size: B, molecules of the batch.
        largest: N, atoms of its largest molecule: padding costs as much as atoms.
        training: Whether it is a step with gradients, or a forward pass without.
        activation_checkpointing: As the encoder has it.
        recovery: Whether the step recovers the relations, as pretraining does and fine-tuning does not.
    """
    B, N, T = batch_size, largest, largest + 1
    L, H, K = config.num_layers, config.heads, config.num_gaussians
    if not training:
        token = _tokens(config, _LAYER) // 2
        return int(_MARGIN * _FLOAT * B * (_FORWARD * N * N * (K + H) + T * token))
    layer = B * (T * _tokens(config, _LAYER) + _ATTENTION * H * T * T)
    embedding = B * N * N * (_GAUSSIAN * K + _BIAS * H)
    outputs = _bond_outputs(config) if recovery else 0
    heads = _HEAD * min(B * N * N * outputs, max(BLOCK_ELEMENTS, B * N * outputs))
    if activation_checkpointing:
        kept = B * (L * T * _tokens(config, _CHECKPOINTED) + H * T * T)
        return int(_MARGIN * _FLOAT * (kept + layer + max(embedding, heads)))
    return int(_MARGIN * _FLOAT * (L * layer + embedding + heads))


def estimate_flops(config: MoleBlendConfig, batch_size: int, largest: int, training: bool) -> int:
    r"""Operations of the matrix products of one batch, padding included; a multiplication and an addition are two.

    Args:
        config: The model.
        batch_size: B, molecules of the batch.
        largest: N, atoms of its largest molecule.
        training: Whether it is a step of pretraining, backward pass included, or a forward pass of the encoder.
    """
    B, N, T = batch_size, largest, largest + 1
    C, F, K, H, R = config.channels, config.ffn_channels, config.num_gaussians, config.heads, config.pair_channels
    layers = config.num_layers * T * (4 * C * C + 2 * C * F + 2 * T * C)
    embedding = N * N * K * (K + H) + N * K * C
    if not training:
        return 2 * B * (layers + embedding)
    outputs = _bond_outputs(config) + config.num_spd_classes + (3 if config.geometry_objective == "displacement" else 1)
    heads = N * (6 * C * R + outputs * R * R) + N * N * outputs * R + N * 3 * C * C + N * N * (C + 3 * H)
    return 3 * 2 * B * (layers + embedding + heads)


def _bond_outputs(config: MoleBlendConfig) -> int:
    return config.max_path_length * (int(bond_class_targets(config.bond_vocabulary).max()) + 1)


def _tokens(config: MoleBlendConfig, factors: tuple[int, int]) -> int:
    return factors[0] * config.channels + factors[1] * config.ffn_channels
