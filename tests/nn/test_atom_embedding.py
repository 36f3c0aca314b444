import golden_data
import pytest
import samples
import torch
from torch import Tensor
from torch_geometric.data import Batch

from pyg_moleblend.fields import ATOM_FEATURE_SIZES
from pyg_moleblend.nn import AtomEmbedding, GaussianBasis
from pyg_moleblend.nn.atom_embedding import CHOSEN, GEOMETRY_FACTOR, MAX_DEGREE
from pyg_moleblend.nn.gaussian_basis import pair_distances
from pyg_moleblend.nn.relations.distance import GAUSSIANS
from pyg_moleblend.utils import DenseMolecules, pack


def molecules(modality: str = "2d+3d") -> DenseMolecules:
    packed = pack(Batch.from_data_list([samples.in_double(graph) for graph in samples.molecules(3)]), modality=modality)
    basis = samples.randomized(GaussianBasis(4).double(), std=0.1)
    return packed.with_pair(GAUSSIANS, basis(pair_distances(packed.pos), packed.x[..., 0]).detach())


def embedding() -> AtomEmbedding:
    return samples.randomized(AtomEmbedding(channels=5, num_gaussians=4).double())


def parts(module: AtomEmbedding, packed: DenseMolecules) -> tuple[Tensor, Tensor, Tensor]:
    geometry = GEOMETRY_FACTOR * module.embed_geometry(packed)
    return module.embed_features(packed), module.embed_degree(packed), geometry


@pytest.mark.parametrize(
    ("part", "key"),
    [
        ("embed_features", "atom_embedding"),
        ("embed_degree", "degree_feature"),
        ("embed_geometry", "distance_atom_feature"),
    ],
)
def test_golden_parts(part: str, key: str):
    model = golden_data.pretraining_model()
    packed = golden_data.packed(model)
    expected = golden_data.public()[key]
    expected = expected[:, 1:] if key == "atom_embedding" else expected
    golden_data.assert_matches(getattr(model.encoder.atom_embedding, part)(packed), expected, packed.mask)


def test_features_are_the_sum_over_nine_tables():
    module, packed = embedding(), molecules()
    tables = module.features.weight.split(ATOM_FEATURE_SIZES)
    for b, i in packed.mask.nonzero().tolist():
        expected = sum(table[value] for table, value in zip(tables, packed.x[b, i].tolist(), strict=True))
        torch.testing.assert_close(module.embed_features(packed)[b, i], expected)


def test_geometry_sums_over_real_atoms_the_atom_itself_among_them():
    module, packed = embedding(), molecules()
    for b, i in packed.mask.nonzero().tolist():
        summed = packed.pairs[GAUSSIANS][b, i][packed.mask[b]].sum(0)
        torch.testing.assert_close(module.embed_geometry(packed)[b, i], module.geometry(summed))


@pytest.mark.parametrize("modality", ["2d", "3d", "2d+3d"])
def test_sum_holds_what_the_modality_has(modality: str):
    module, packed = embedding(), molecules(modality)
    features, degree, geometry = parts(module, packed)
    expected = features + degree * ("2d" in modality) + geometry * ("3d" in modality)
    torch.testing.assert_close(module(packed), expected)


def test_a_choice_lets_one_of_both_in_for_each_atom():
    module, packed = embedding(), molecules()
    packed = packed._replace(has_3d=torch.tensor([True, True, False]))
    chosen = torch.arange(packed.mask.numel()).view(packed.mask.shape) % 2
    features, degree, geometry = parts(module, packed)
    output = module(packed.with_atom(CHOSEN, chosen))
    for b, i in packed.mask.nonzero().tolist():
        entering = degree if chosen[b, i] == 0 else geometry * float(packed.has_3d[b])
        torch.testing.assert_close(output[b, i], features[b, i] + entering[b, i])


@pytest.mark.parametrize(("code", "enter"), [(-1, (0, 0)), (-2, (1, 1)), (-3, (1, 0)), (-4, (0, 1))])
def test_a_choice_may_let_in_none_or_both(code: int, enter: tuple[int, int]):
    module, packed = embedding(), molecules()
    features, degree, geometry = parts(module, packed)
    output = module(packed.with_atom(CHOSEN, torch.full(packed.mask.shape, code)))
    torch.testing.assert_close(output, features + enter[0] * degree + enter[1] * geometry)


@pytest.mark.parametrize("modalities", [("2d",), ("3d",), ()])
def test_what_no_molecule_has_is_not_computed(modalities: tuple[str, ...], monkeypatch: pytest.MonkeyPatch):
    module, packed = embedding(), molecules()
    has = {f"has_{kind}": getattr(packed, f"has_{kind}") & (kind in modalities) for kind in ("2d", "3d")}
    whole = module(packed._replace(**has))
    for kind, method in (("2d", "embed_degree"), ("3d", "embed_geometry")):
        if kind not in modalities:
            monkeypatch.setattr(module, method, lambda molecules: pytest.fail("was computed"))
    assert torch.equal(module(packed._replace(**has, modalities=modalities)), whole)


def test_features_of_ones_own_have_tables_of_their_sizes():
    module = samples.randomized(AtomEmbedding(channels=5, num_gaussians=4, feature_sizes=(3, 7)).double())
    packed = molecules()
    x = torch.stack([torch.arange(packed.mask.numel()) % 3, torch.arange(packed.mask.numel()) % 7], -1)
    packed = packed._replace(x=x.view(*packed.mask.shape, 2))
    kinds, others = module.features.weight.split((3, 7))
    expected = kinds[packed.x[..., 0]] + others[packed.x[..., 1]]
    torch.testing.assert_close(module.embed_features(packed), expected)
    assert module.num_types == 3
    assert torch.equal(module.atom_types(packed), packed.x[..., 0])


@pytest.mark.parametrize("sizes", [(), (0,), (3, -1), (3.0,), ("3",)], ids=str)
def test_sizes_of_features_are_checked(sizes: tuple):
    with pytest.raises(ValueError, match="`feature_sizes` must be positive integers"):
        AtomEmbedding(8, 4, sizes)


def test_large_degrees_share_an_embedding():
    module, packed = embedding(), molecules()
    module_output = module.embed_degree(packed._replace(degree=torch.full_like(packed.degree, 1000)))
    assert torch.equal(module_output, module.degree.weight[MAX_DEGREE].expand_as(module_output))


def test_gradients_equal_finite_differences():
    module, packed = embedding(), molecules()
    chosen = torch.arange(packed.mask.numel()).view(packed.mask.shape) % 2
    assert samples.gradcheck_parameters(module, lambda: module(packed) + module(packed.with_atom(CHOSEN, chosen)))
