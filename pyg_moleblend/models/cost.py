r"""What a batch costs: arithmetic and memory as a function of its size and the model's."""

from __future__ import annotations

from pyg_moleblend.models.config import MoleBlendConfig
from pyg_moleblend.nn.objectives.pair_recovery import BLOCK_ELEMENTS

PAPER_PAIR_OUTPUTS = 5 * 60 + 11 + 3
r"""Numbers that the objectives of the paper predict for each pair: bond classes of five hops, distances, a vector."""

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
    pair_outputs: int = 0,
) -> int:
    r"""Bytes that one batch takes on top of the weights, gradients and optimizer, in float32, to about a
    quarter.

    Args:
        config: The model.
        batch_size: B, molecules of the batch.
        largest: N, atoms of its largest molecule: padding costs as much as atoms.
        training: Whether it is a step with gradients, or a forward pass without.
        activation_checkpointing: As the encoder has it. (default: :obj:`False`)
        pair_outputs: Numbers that pretraining predicts for each pair, over all objectives (their ``pair_outputs``).
            (default: :obj:`0`)
    """
    B, N, T = batch_size, largest, largest + 1
    L, H, K = config.num_layers, config.heads, config.num_gaussians
    if not training:
        token = _tokens(config, _LAYER) // 2
        return int(_MARGIN * _FLOAT * B * (_FORWARD * N * N * (K + H) + T * token))
    layer = B * (T * _tokens(config, _LAYER) + _ATTENTION * H * T * T)
    embedding = B * N * N * (_GAUSSIAN * K + _BIAS * H)
    heads = _HEAD * min(B * N * N * pair_outputs, max(BLOCK_ELEMENTS, B * N * pair_outputs))
    if activation_checkpointing:
        kept = B * (L * T * _tokens(config, _CHECKPOINTED) + H * T * T)
        return int(_MARGIN * _FLOAT * (kept + layer + max(embedding, heads)))
    return int(_MARGIN * _FLOAT * (L * layer + embedding + heads))


def estimate_flops(
    config: MoleBlendConfig,
    batch_size: int,
    largest: int,
    training: bool,
    pair_outputs: int = PAPER_PAIR_OUTPUTS,
    pair_channels: int = 32,
) -> int:
    r"""Operations of the matrix products of one batch, padding included; a multiplication and an addition are two.

    Args:
        config: The model.
        batch_size: B, molecules of the batch.
        largest: N, atoms of its largest molecule.
        training: Whether it is a step of pretraining, backward pass included, or a forward pass of the encoder.
        pair_outputs: Numbers that pretraining predicts for each pair. (default: :obj:`314`)
        pair_channels: R, width of the row and the column feature from which pairs are predicted. (default: :obj:`32`)
    """
    B, N, T = batch_size, largest, largest + 1
    C, F, K, H, R = config.channels, config.ffn_channels, config.num_gaussians, config.heads, pair_channels
    layers = config.num_layers * T * (4 * C * C + 2 * C * F + 2 * T * C)
    embedding = N * N * K * (K + H) + N * K * C
    if not training:
        return 2 * B * (layers + embedding)
    heads = N * (6 * C * R + pair_outputs * R * R) + N * N * pair_outputs * R + N * 3 * C * C + N * N * (C + 3 * H)
    return 3 * 2 * B * (layers + embedding + heads)


def _tokens(config: MoleBlendConfig, factors: tuple[int, int]) -> int:
    return factors[0] * config.channels + factors[1] * config.ffn_channels
