import numpy as np
import pytest
from sklearn.metrics.pairwise import rbf_kernel

from pyg_moleblend.quick.features import DESCRIPTOR_NAMES, features_of
from pyg_moleblend.quick.inputs import Inputs
from pyg_moleblend.quick.kernels import Kernels
from pyg_moleblend.quick.scaler import Scaler

REFERENCE = ["CCO", "c1ccccc1O", "CC(=O)Nc1ccc(O)cc1", "CCCCCC", "CCN(CC)CC", "Clc1ccccc1"]
OTHERS = ["CCCO", "c1ccncc1", "O"]


def inputs(smiles, seed):
    embedding = np.random.default_rng(seed).normal(size=(len(smiles), 5))
    return Inputs.of(features_of(smiles), DESCRIPTOR_NAMES, {"embedding": embedding})


@pytest.fixture(scope="module")
def kernels():
    reference = inputs(REFERENCE, 0)
    return Kernels(reference, {name: Scaler.fit(values) for name, values in reference.dense.items()})


def test_dense_kernels(kernels):
    others = inputs(OTHERS, 1)
    parts = dict(zip(kernels.names, kernels(others), strict=True))
    for name, width in (("embedding", 5), ("descriptors", kernels.scalers["descriptors"].num_varying)):
        scale = kernels.scalers[name]
        x, r = scale(others.dense[name]).astype(np.float64), scale(kernels.reference.dense[name]).astype(np.float64)
        assert parts[name] == pytest.approx(rbf_kernel(x, r, gamma=1 / width), abs=1e-5)
        assert parts[f"{name}_linear"] == pytest.approx(x @ r.T / width, rel=1e-4, abs=1e-4)


def test_the_reference_with_itself(kernels):
    parts, diagonal = kernels(kernels.reference), kernels.diagonal(kernels.reference)
    assert np.einsum("pmm->pm", parts) == pytest.approx(diagonal, rel=1e-4)
    for part in parts:
        assert part == pytest.approx(part.T, abs=1e-5)
        assert np.linalg.eigvalsh(part.astype(np.float64)).min() > -1e-4


def test_a_molecule_has_the_same_kernels_alone_and_with_others(kernels):
    others = inputs(OTHERS, 1)
    alone = np.concatenate([kernels(others.take(np.array([row]))) for row in range(3)], axis=1)
    assert kernels(others) == pytest.approx(alone, abs=1e-5)


def test_an_order_of_the_reference_is_an_order_of_the_columns(kernels):
    order = np.array([3, 0, 5, 1, 4, 2])
    others = inputs(OTHERS, 1)
    shuffled = Kernels(kernels.reference.take(order), kernels.scalers)
    assert shuffled(others) == pytest.approx(kernels(others)[:, :, order], abs=1e-5)
