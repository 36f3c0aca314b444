r"""Parts of a prediction, against the model itself and a plain integral, and by laws."""

import copy

import pytest
import samples
import torch
from torch import Tensor, nn
from torch_geometric.data import Batch

from pyg_moleblend.chem import from_smiles
from pyg_moleblend.models import (
    MoleBlend,
    MoleBlendForPropertyPrediction,
    default_relations,
    integrated_gradients,
)
from pyg_moleblend.nn import EnvironmentReadout, GraphTokenReadout, PooledReadout, RelationBias
from pyg_moleblend.utils import DenseMolecules

MODALITIES = ["2d", "3d", "2d+3d"]
C = samples.tiny_config().channels


def property_model(readout: nn.Module | None = None, relations: dict | None = None) -> MoleBlendForPropertyPrediction:
    config = samples.tiny_config()
    readout = PooledReadout(config.channels) if readout is None else readout
    encoder = MoleBlend(config, relations)
    return samples.randomized(MoleBlendForPropertyPrediction(config, 2, encoder, readout))


def molecules(count: int = 3) -> Batch:
    return samples.batch_of(samples.molecules(6)[2 : 2 + count])


class Degrees(RelationBias):
    r"""A relation of one's own, which looks at the atoms' degrees."""

    def __init__(self, heads: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(heads))

    def reset_parameters(self) -> None:
        nn.init.normal_(self.weight)

    def forward(self, molecules: DenseMolecules) -> Tensor:
        degree = molecules.degree.to(self.weight.dtype)
        return self.weight[:, None, None] * (degree[:, None, :, None] - degree[:, None, None, :])


class Nothing(nn.Module):
    r"""An atom embedding of zeros."""

    def forward(self, molecules: DenseMolecules) -> Tensor:
        return torch.zeros(*molecules.mask.shape, C)


class Scaled(RelationBias):
    r"""A relation times a factor."""

    def __init__(self, inner: RelationBias, factor: Tensor) -> None:
        super().__init__()
        self.inner, self.factor, self.modality = inner, factor, inner.modality
        self.pair_fields = inner.pair_fields

    def forward(self, molecules: DenseMolecules) -> Tensor:
        return self.factor * self.inner(molecules)


def scaled(model: MoleBlendForPropertyPrediction, factors: dict[str, Tensor]) -> MoleBlendForPropertyPrediction:
    r"""A copy of the model with the atoms' states and each relation times a factor."""
    model = copy.deepcopy(model)
    relations = model.encoder.attention_bias.blend.relations
    for name in list(relations):
        relations[name] = Scaled(relations[name], factors[name])

    def scale(norm: nn.LayerNorm, _: object, states: Tensor) -> Tensor:
        atoms = norm.bias + factors["atoms"] * (states[:, 1:] - norm.bias)
        return torch.cat([states[:, :1], atoms], dim=1)

    model.encoder.embedding_norm.register_forward_hook(scale)
    return model


@pytest.mark.parametrize("modality", MODALITIES)
@pytest.mark.parametrize("readout", [GraphTokenReadout(C), PooledReadout(C), EnvironmentReadout(C, (1, 2), 8, 2.0)])
def test_the_parts_add_up_to_what_the_model_says(modality: str, readout: nn.Module):
    model, batch = property_model(readout), molecules()
    split = integrated_gradients(model, batch, modality)
    with torch.no_grad():
        samples.assert_same(split.output.float(), model(batch, modality))
    assert split.gap.abs().max() < 1e-4
    assert (split.output - split.baseline).abs().min() > 1e-3
    assert list(split.pairs) == ["spd", "bond_path", "distance"]
    assert split.atoms.shape == (3, 2, split.mask.size(1))
    assert all(part.shape == (3, 2, *split.mask.shape[1:], split.mask.size(1)) for part in split.pairs.values())


@pytest.mark.parametrize("modality", MODALITIES)
def test_the_baseline_is_the_model_with_embeddings_and_biases_of_zero(modality: str):
    model, batch = property_model(), molecules()
    empty = scaled(model, dict.fromkeys(["spd", "bond_path", "distance"], torch.zeros(())) | {"atoms": torch.ones(())})
    empty.encoder.atom_embedding = Nothing()
    with torch.no_grad():
        samples.assert_same(integrated_gradients(model, batch, modality).baseline.float(), empty(batch, modality))


def test_molecules_of_as_many_atoms_have_one_baseline():
    model = property_model()
    split = integrated_gradients(
        model, samples.batch_of([from_smiles(text) for text in ("CCO", "C#N", "CNC")]), steps=1
    )
    samples.assert_same(split.baseline[0], split.baseline[2])
    assert (split.baseline[0] - split.baseline[1]).abs().max() > 1e-3


def test_each_part_is_that_of_a_plain_integral():
    model, batch = property_model().double(), molecules()
    split = integrated_gradients(model, batch)
    totals = {name: torch.zeros(3, dtype=torch.double) for name in ("atoms", *split.pairs)}
    steps = 100
    for step in range(steps):
        factors = {
            name: torch.full((), (step + 0.5) / steps, dtype=torch.double, requires_grad=True) for name in totals
        }
        outputs = scaled(model, factors)(batch)[:, 1]
        for number, output in enumerate(outputs):
            slopes = torch.autograd.grad(output, list(factors.values()), retain_graph=number < 2)
            for name, slope in zip(totals, slopes, strict=True):
                totals[name][number] += slope / steps
    torch.testing.assert_close(split.atoms[:, 1].sum(-1), totals["atoms"], rtol=0, atol=1e-3)
    for name, part in split.pairs.items():
        torch.testing.assert_close(part[:, 1].sum((-2, -1)), totals[name], rtol=0, atol=1e-3)
        assert totals[name].abs().max() > 0.01


def test_a_relation_that_says_nothing_has_no_part():
    model, batch = property_model(), molecules()
    with torch.no_grad():
        model.encoder.attention_bias.blend.relations["spd"].table.weight.zero_()
    split = integrated_gradients(model, batch)
    assert not split.pairs["spd"].any()
    assert split.pairs["distance"].any()
    flat = integrated_gradients(model, batch, "2d")
    assert not flat.pairs["distance"].any()
    assert flat.pairs["bond_path"].any()


def test_without_relations_there_are_atoms_alone():
    model, batch = property_model(), molecules()
    relations = model.encoder.attention_bias.blend.relations
    for name in list(relations):
        relations[name] = Scaled(relations[name], torch.zeros(()))
    split = integrated_gradients(model, batch)
    samples.assert_same(split.atoms.sum(-1), split.output - split.baseline)
    assert not any(part.any() for part in split.pairs.values())


@pytest.mark.parametrize("modality", MODALITIES)
def test_atoms_in_another_order_have_their_parts_in_that_order(modality: str):
    model, data = property_model(), samples.molecules(3)[2]
    order = torch.randperm(data.num_nodes, generator=torch.Generator().manual_seed(0))
    split, other = (
        integrated_gradients(model, samples.batch_of([one]), modality, 16)
        for one in (samples.permuted(data, torch.arange(data.num_nodes)), samples.permuted(data, order))
    )
    samples.assert_same(other.atoms, split.atoms[..., order])
    for name, part in split.pairs.items():
        samples.assert_same(other.pairs[name], part[..., order, :][..., order])


def test_a_molecule_has_the_parts_that_it_has_alone():
    model, graphs = property_model(), samples.molecules(6)
    graphs[1].pos = torch.full_like(graphs[1].pos, torch.nan)  # 2D only among others
    together = integrated_gradients(model, samples.batch_of(graphs), steps=16)
    for number, data in enumerate(graphs):
        alone, size = integrated_gradients(model, samples.batch_of([data]), steps=16), data.num_nodes
        samples.assert_same(together.atoms[number, :, :size], alone.atoms[0])
        assert not together.atoms[number, :, size:].any()
        for name, part in together.pairs.items():
            samples.assert_same(part[number, :, :size, :size], alone.pairs[name][0])
            assert not part[number, :, size:].any()
            assert not part[number, :, :, size:].any()
    assert not together.pairs["distance"][1].any()


def test_atoms_that_are_alike_have_like_parts():
    model = property_model()
    ring = integrated_gradients(model, samples.batch_of([from_smiles("c1ccccc1")]), steps=16)
    samples.assert_same(ring.atoms, ring.atoms[..., :1].expand_as(ring.atoms))
    chain = integrated_gradients(model, samples.batch_of([from_smiles("CCC")]), steps=16)
    samples.assert_same(chain.atoms, chain.atoms.flip(-1))
    samples.assert_same(chain.pairs["spd"], chain.pairs["spd"].flip(-1, -2))


def test_a_relation_of_ones_own_has_its_part():
    config = samples.tiny_config()
    model = property_model(relations={**default_relations(config), "degrees": Degrees(config.heads)})
    split = integrated_gradients(model, molecules(), "2d")
    assert list(split.pairs) == ["spd", "bond_path", "distance", "degrees"]
    assert split.pairs["degrees"].any()
    assert split.gap.abs().max() < 1e-4


def test_some_of_the_outputs():
    model, batch = property_model(), molecules()
    both, second = integrated_gradients(model, batch, steps=8), integrated_gradients(model, batch, steps=8, targets=[1])
    samples.assert_same(second.atoms, both.atoms[:, 1:])
    samples.assert_same(second.output, both.output[:, 1:])


def test_more_steps_leave_less():
    model, batch = property_model().double(), molecules()
    gaps = [float(integrated_gradients(model, batch, steps=steps).gap.abs().max()) for steps in (2, 8, 64)]
    assert gaps[0] > 10 * gaps[1] > 100 * gaps[2]


def test_the_model_stays_as_it_is():
    model = property_model()
    before = copy.deepcopy(model.state_dict())
    split = integrated_gradients(model, molecules(), steps=2)
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    assert all(parameter.grad is None and parameter.requires_grad for parameter in model.parameters())
    assert not any(part.requires_grad for part in (split.output, split.atoms, *split.pairs.values()))


def test_errors_say_what_is_expected():
    model, batch = property_model(), molecules()
    with pytest.raises(ValueError, match="steps"):
        integrated_gradients(model, batch, steps=0)
    with pytest.raises(ValueError, match="from 0 to 1, got 2"):
        integrated_gradients(model, batch, targets=[2])
    with pytest.raises(ValueError, match=r"call model.eval\(\) first"):
        integrated_gradients(model.train(), batch)
    model.eval().encoder = nn.Identity()
    with pytest.raises(ValueError, match="MoleBlend encoder can be split, got Identity"):
        integrated_gradients(model, batch)
