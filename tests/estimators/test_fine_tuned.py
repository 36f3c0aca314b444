import numpy as np

from pyg_moleblend.estimators.fine_tuned import held_out


def test_validation_molecules_are_spread_over_the_labels():
    labels = np.random.default_rng(0).normal(size=(100, 1))
    labels[::10] = np.nan
    split = held_out(labels, 0.2, seed=5)
    assert (len(split.train), len(split.valid), len(split.test)) == (82, 18, 0)
    rank = np.argsort(np.argsort(labels[:, 0]))[split.valid.numpy()]  # NaN comes last
    assert sorted(rank // 5) == list(range(18))
    assert split.hash == held_out(labels, 0.2, seed=5).hash != held_out(labels, 0.2, seed=6).hash


def test_rare_classes_are_in_both_parts():
    labels = np.zeros((40, 1))
    labels[:8] = 1
    split = held_out(labels, 0.25, seed=0)
    assert labels[split.valid.numpy()].sum() == 2


def test_with_several_targets_a_validation_molecule_has_a_label():
    labels = np.full((40, 2), np.nan)
    labels[:10, 0] = labels[20:30, 1] = 1.0
    split = held_out(labels, 0.25, seed=0)
    assert len(split.valid) == 5
    assert not np.isnan(labels[split.valid.numpy()]).all(1).any()
    assert len(held_out(labels, 0.0, seed=0).valid) == 0


def test_fraction_is_rounded_down():
    assert [len(held_out(np.zeros((n, 2)), 0.25, seed=0).valid) for n in (1, 3, 4, 40)] == [0, 0, 1, 10]
