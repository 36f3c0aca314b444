import numpy as np
import pytest
import torch
from scipy.stats import t

from pyg_moleblend.nn import Evidential

OUTPUTS = 2 * torch.randn(60, 2, 4, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
LABELS = torch.randn(60, 2, generator=torch.Generator().manual_seed(1), dtype=torch.float64)


def students_t(criterion: Evidential):
    gamma, nu, alpha, beta = (value.numpy() for value in criterion.distribution(OUTPUTS))
    return t(df=2 * alpha, loc=gamma, scale=np.sqrt(beta * (1 + nu) / (nu * alpha)))


def test_without_a_penalty_it_is_the_negative_log_density_of_students_t():
    criterion = Evidential(penalty=0)
    np.testing.assert_allclose(criterion.loss(OUTPUTS, LABELS), -students_t(criterion).logpdf(LABELS), rtol=1e-7)


def test_the_deviation_is_that_of_students_t():
    criterion = Evidential()
    np.testing.assert_allclose(criterion.std(OUTPUTS), students_t(criterion).std(), rtol=1e-7)


def test_evidence_for_what_was_wrong_is_penalised():
    gamma, nu, alpha, _ = Evidential().distribution(OUTPUTS)
    expected = 0.7 * (LABELS - gamma).abs() * (2 * nu + alpha)
    torch.testing.assert_close(Evidential(0.7).loss(OUTPUTS, LABELS) - Evidential(0).loss(OUTPUTS, LABELS), expected)
    with pytest.raises(ValueError, match="`penalty` must be at least 0 and finite, got -1"):
        Evidential(-1)
