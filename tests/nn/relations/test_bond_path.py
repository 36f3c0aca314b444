import golden_data
import pytest
import samples
import torch
from torch_geometric.data import Batch

from pyg_moleblend.fields import BOND_FEATURE_SIZES, bond_class_features
from pyg_moleblend.nn import BondPathBias
from pyg_moleblend.utils import pack


def test_golden_bias():
    model = golden_data.pretraining_model()
    molecules = golden_data.packed(model)
    bias = model.encoder.attention_bias.blend.relations["bond_path"](molecules)
    expected = golden_data.public()["bias_edge_path"]
    golden_data.assert_matches(bias.permute(0, 2, 3, 1), expected.permute(0, 2, 3, 1), molecules.pair_mask)


@pytest.mark.parametrize("hops", [1, 2, 5])
def test_bias_against_a_plain_loop(hops: int):
    r"""Mean over a bond's features, times the hop's matrix, summed over hops, over min(max(spd, 1), P)."""
    module = samples.randomized(BondPathBias(heads=3, max_path_length=hops).double())
    molecules = pack(Batch.from_data_list(samples.molecules(4)), max_path_length=hops)
    bias = module(molecules)
    tables = module.features.weight.split(BOND_FEATURE_SIZES)
    bonds, seen = bond_class_features(), 0
    for b, i, j in molecules.pair_mask.nonzero().tolist():
        expected = torch.zeros(3, dtype=torch.float64)
        for hop, bond in enumerate(molecules.pairs["bond_path"][b, i, j].tolist()):
            if bond:
                mean = sum(table[value] for table, value in zip(tables, bonds[bond - 1].tolist(), strict=True)) / 3
                expected += mean @ module.hops[hop]
                seen += hop == hops - 1
        expected = expected / min(max(molecules.pairs["spd"][b, i, j].item(), 1), hops)
        torch.testing.assert_close(bias[b, :, i, j], expected)
    assert seen > 0


@pytest.mark.parametrize("size", [4, 255])
def test_bonds_of_one_category_have_a_vector_each(size: int):
    module = samples.randomized(BondPathBias(heads=3, max_path_length=2, bond_vocabulary=size).double())
    assert module.features.weight.shape == (size, 3)
    data = samples.molecules(3)[2]
    data.edge_attr = torch.arange(data.num_edges) // 2 % size
    molecules = pack(data, max_path_length=2, bond_vocabulary=size)
    bias = module(molecules)
    for _, i, j in molecules.pair_mask.nonzero().tolist():
        hops = molecules.pairs["bond_path"][0, i, j].tolist()
        vectors = [module.features.weight[bond - 1] @ module.hops[hop] for hop, bond in enumerate(hops) if bond]
        spd = min(max(molecules.pairs["spd"][0, i, j].item(), 1), 2)
        expected = sum(vectors, start=torch.zeros(3, dtype=torch.float64)) / spd
        torch.testing.assert_close(bias[0, :, i, j], expected)


@pytest.mark.parametrize("vocabulary", ["release", 0, 256])
def test_a_vocabulary_that_there_is_not_is_refused(vocabulary: object):
    with pytest.raises(ValueError, match="`bond_vocabulary` must be"):
        BondPathBias(heads=3, bond_vocabulary=vocabulary)


def test_unreachable_pairs_and_the_atom_itself_have_none():
    module = samples.randomized(BondPathBias(heads=3))
    molecules = pack(samples.methane_like(pos=torch.zeros(3, 3)))
    assert not module(molecules).any()


def test_gradients_equal_finite_differences():
    module = samples.randomized(BondPathBias(heads=2, max_path_length=3).double())
    molecules = pack(samples.molecules(1)[0], max_path_length=3)
    assert samples.gradcheck_parameters(module, lambda: module(molecules))
