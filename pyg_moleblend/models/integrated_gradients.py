from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch_geometric.data import Data

from pyg_moleblend.models.moleblend import DenseEncoderOutput, HiddenStates, MoleBlend
from pyg_moleblend.models.property_prediction import MoleBlendForPropertyPrediction
from pyg_moleblend.runtime.devices import widest
from pyg_moleblend.runtime.sizes import check_sizes
from pyg_moleblend.utils import DenseMolecules, Modality


class IntegratedGradients(NamedTuple):
    r"""How the outputs of a batch split into parts of its atoms and of its relations, in float64
    where the device has it.

    For each molecule and output ``atoms`` and all ``pairs`` add up to ``output - baseline``, but for the error of the
    quadrature.

    Attributes:
        output: The model's outputs, ``[B, T]``.
        baseline: Its outputs where no atom and no relation says anything, ``[B, T]``.
        atoms: Part of each atom's embedding, ``[B, T, N]``, 0 where padded.
        pairs: Part of each relation's bias of each pair by the relation's name, ``[B, T, N, N]``, 0 where padded; row
            i, column j is what atom i takes from atom j. Relations that no molecule has are 0.
        mask: True for real atoms, ``[B, N]``.
    """

    output: Tensor
    baseline: Tensor
    atoms: Tensor
    pairs: dict[str, Tensor]
    mask: Tensor

    @property
    def gap(self) -> Tensor:
        r"""What is missing from the sum of the parts, ``[B, T]``."""
        parts = self.atoms.sum(-1) + sum(part.sum((-2, -1)) for part in self.pairs.values())
        return self.output - self.baseline - parts


def integrated_gradients(
    model: MoleBlendForPropertyPrediction,
    batch: Data | DenseMolecules,
    modality: Modality = "2d+3d",
    steps: int = 64,
    targets: Sequence[int] | None = None,
) -> IntegratedGradients:
    r"""Splits a property model's outputs into parts of the atoms and of each relation, by integrated gradients
    (Sundararajan et al. 2017, arXiv 1703.01365).

    The path is straight: all atoms' embeddings and all relations' biases are scaled by one α from 0 to 1. The integral
    over α is a Gauss-Legendre quadrature, exact for polynomials of degree ``2 * steps - 1``.

    At the baseline, α = 0, the molecule is as many blank atoms without relations, and the graph token. A blank atom's
    state is what the layer normalisation makes of an embedding of zeros, its own bias. An embedding is scaled after
    that normalisation, for before it a factor would change nothing. No relation is what blending in pretraining leaves
    where none is drawn (arXiv 2307.06235, section 3.2). The graph token and its virtual distance stay, for they are the
    same for all molecules; so the baseline depends on the number of atoms alone, unless the readout looks at more.

    An atom's embedding holds its features and its degree and, in 3D, its distances to the others: the part of a
    relation is that of its attention bias.

    Args:
        model: The model, with a :class:`MoleBlend` as encoder, in evaluation mode; it stays as it is.
        batch: A ``Batch`` or one ``Data`` with the fields of :mod:`pyg_moleblend.fields`.
        modality: Which inputs to use, ``"2d"``, ``"3d"`` or ``"2d+3d"`` (all that each molecule has).
            (default: :obj:`"2d+3d"`)
        steps: Nodes of the quadrature; each is a forward pass, and a backward pass for each output.
            (default: :obj:`64`)
        targets: Numbers of the T outputs that are split; all by default.

    Raises:
        ValueError: If the encoder is another, the model is in training mode, there is no such output, or ``steps`` is
            not positive.
    """
    check_sizes(steps=steps)
    encoder = model.encoder
    if not isinstance(encoder, MoleBlend):
        raise ValueError(f"only the outputs of a MoleBlend encoder can be split, got {type(encoder).__name__}")
    if model.training:
        raise ValueError("the model is in training mode, in which its outputs are random: call model.eval() first")
    chosen = list(range(model.num_tasks) if targets is None else targets)
    if unknown := [target for target in chosen if not 0 <= target < model.num_tasks]:
        raise ValueError(f"`targets` must be from 0 to {model.num_tasks - 1}, got {unknown[0]}")
    with torch.no_grad():
        molecules = model.pack(batch, modality)
        output = model(molecules)[:, chosen]
        tokens, _ = encoder.tokens_and_bias(molecules)
        biases = encoder.relation_biases(molecules)
        token, atoms, blank = tokens[:, :1], tokens[:, 1:], encoder.embedding_norm.bias.detach().to(tokens.dtype)
        B, N = molecules.mask.shape
        bias = sum(biases.values(), start=tokens.new_zeros(B, encoder.attention_bias.blend.heads, N, N))

    def outputs_at(states: Tensor, bias: Tensor) -> Tensor:
        start = _Start(
            encoder,
            torch.cat([token, states], dim=1),
            encoder.attention_bias.with_graph_token(bias, molecules.mask),
        )
        return model.from_output(model.readout.encode(start, molecules), molecules)[:, chosen]

    with torch.no_grad():
        baseline = outputs_at(blank.expand_as(atoms), torch.zeros_like(bias))
    T, exact = len(chosen), widest(output.device)
    of_atoms = torch.zeros(T, B, N, dtype=exact, device=output.device)
    of_pairs = {name: of_atoms.new_zeros(T, B, N, N) for name in encoder.modalities}
    with torch.enable_grad():
        for alpha, weight in zip(*quadrature(steps), strict=True):
            states = (blank + alpha * (atoms - blank)).requires_grad_()
            scaled = (alpha * bias).requires_grad_()
            outputs = outputs_at(states, scaled).sum(0)  # molecules do not see each other
            for target in range(T):
                slopes = torch.autograd.grad(outputs[target], (states, scaled), retain_graph=target < T - 1)
                of_atoms[target] += weight * (slopes[0].to(exact) * (atoms - blank)).sum(-1)
                for name, own in biases.items():
                    of_pairs[name][target] += weight * (slopes[1].to(exact) * own).sum(1)
    return IntegratedGradients(
        output.to(exact),
        baseline.to(exact),
        (of_atoms * molecules.mask).transpose(0, 1),
        {name: (part * molecules.pair_mask).transpose(0, 1) for name, part in of_pairs.items()},
        molecules.mask,
    )


def quadrature(steps: int) -> tuple[list[float], list[float]]:
    r"""Nodes and weights of the Gauss-Legendre quadrature from 0 to 1."""
    nodes, weights = np.polynomial.legendre.leggauss(steps)
    return ((nodes + 1) / 2).tolist(), (weights / 2).tolist()


class _Start:
    r"""An encoder as a readout sees it, whose layers start from given tokens and a given bias."""

    def __init__(self, encoder: MoleBlend, tokens: Tensor, bias: Tensor) -> None:
        self.encoder = encoder
        self.tokens = tokens
        self.bias = bias

    def __getattr__(self, name: str) -> Any:
        return getattr(self.encoder, name)

    def encode(self, molecules: DenseMolecules) -> DenseEncoderOutput:
        return DenseEncoderOutput(*self.encode_with_hidden_states(molecules)[:3])

    def encode_with_hidden_states(self, molecules: DenseMolecules, blend: None = None) -> HiddenStates:
        return self.encoder.run_layers(self.tokens, self.bias)
