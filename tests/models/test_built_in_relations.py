r"""Models with all relations of the package: trained, compiled, saved and loaded."""

import copy
import logging
from collections.abc import Iterator
from pathlib import Path

import pytest
import samples
import torch
from torch_geometric.data import Batch, Data

from pyg_moleblend.checkpoints import from_pretrained, save_pretrained
from pyg_moleblend.chem import from_smiles
from pyg_moleblend.models import MoleBlend, MoleBlendConfig, MoleBlendForPretraining, default_relations
from pyg_moleblend.nn import (
    AngleBias,
    AngleRecovery,
    FragmentBias,
    PairBlending,
    RandomWalkBias,
    RelationBias,
    ResistanceBias,
    RingBias,
    TorsionBias,
    TorsionRecovery,
)
from pyg_moleblend.transforms import AddFragments, AddRings
from pyg_moleblend.utils import pack

SMILES = ["CC(=O)[O-].[Na+]", "O", "CC(=O)Oc1ccccc1C(=O)O", "C/C=C/C#N", "C1CCC2CCCCC2C1", "C1CC1"]


@pytest.fixture
def _fresh_compiler(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(logging.getLogger("torch.__trace"), "propagate", False)  # thousands of lines a failure
    torch._dynamo.reset()
    with torch._dynamo.config.patch(error_on_recompile=True):
        yield
    torch._dynamo.reset()


def graphs() -> list[Data]:
    made = samples.molecules(6)
    for data, smiles in zip(made, SMILES, strict=True):
        data.smiles = smiles
    return [AddFragments()(AddRings()(data)) for data in made]


def all_relations(config: MoleBlendConfig) -> dict[str, RelationBias]:
    return {
        **default_relations(config),
        "angle": AngleBias(config.heads),
        "torsion": TorsionBias(config.heads, harmonics=2),
        "resistance": ResistanceBias(config.heads),
        "random_walk": RandomWalkBias(config.heads, num_steps=5),
        "ring": RingBias(config.heads),
        "fragment": FragmentBias(config.heads),
    }


def encoder(num_layers: int = 1) -> MoleBlend:
    config = samples.tiny_config(num_layers=num_layers)
    return samples.randomized(MoleBlend(config, all_relations(config)))


def pretraining() -> MoleBlendForPretraining:
    config = samples.tiny_config(num_layers=1)
    objectives = {**samples.tiny_objectives(config), "angle": AngleRecovery(16, 6), "torsion": TorsionRecovery(16, 6)}
    blending = PairBlending(dict.fromkeys(all_relations(config), 1 / 9))
    model = MoleBlendForPretraining(config, MoleBlend(config, all_relations(config)), objectives, blending)
    return samples.randomized(model)


def test_a_batch_is_its_molecules_turned_or_not():
    model, molecules = encoder().double(), [samples.in_double(data) for data in graphs()]
    together = model(Batch.from_data_list([samples.moved(data, number) for number, data in enumerate(molecules)]))
    samples.assert_same(together.graph, torch.cat([model(data).graph for data in molecules]))


@pytest.mark.parametrize("modality", ["2d", "3d", "2d+3d"])
def test_each_modality_trains(modality: str):
    model = encoder().train()
    batch = Batch.from_data_list(graphs())
    batch.pos[:3] = 0
    batch.pos.requires_grad_()
    output = model(batch, modality)
    (output.graph.square().sum() + output.atoms.pow(3).sum()).backward()
    assert samples.finite_gradients(model)
    assert "3d" not in modality or batch.pos.grad.isfinite().all()
    assert all(parameter.grad is not None for parameter in model.parameters())


def test_pretraining_recovers_angles_and_torsions():
    model = pretraining()
    batch = Batch.from_data_list(graphs())
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    losses = []
    for _ in range(8):
        output = model(batch, generator=torch.Generator().manual_seed(0))
        losses.append([output.losses[name].item() for name in ("angle", "torsion")])
        optimizer.zero_grad()
        output.loss.backward()
        optimizer.step()
    assert all(last < 0.8 * first for first, last in zip(losses[0], losses[-1], strict=True))
    assert output.blend.relation.unique().tolist() == list(range(9))
    assert output.qualities["angle"].weight == 4  # water and cyclopropane have no angle


@pytest.mark.usefixtures("_fresh_compiler")
@pytest.mark.parametrize("backend", ["eager", pytest.param("aot_eager", marks=pytest.mark.slow)])
def test_an_encoder_compiles_as_one_graph(backend: str):
    model = encoder()
    compiled = copy.deepcopy(model)
    compiled.compile(fullgraph=True, dynamic=True, backend=backend)
    molecules = graphs()
    for first, last in ((3, 5), (2, 6), (0, 6)):
        batch = Batch.from_data_list(molecules[first:last])
        expected, actual = model(batch), compiled(batch)
        samples.assert_same(actual.graph, expected.graph)
        for output in (expected, actual):
            output.graph.square().sum().backward()
        for (name, value), other in zip(model.named_parameters(), compiled.parameters(), strict=True):
            assert torch.allclose(value.grad, other.grad, rtol=1e-3, atol=1e-4), name
            value.grad = other.grad = None


def test_a_model_is_saved_and_loaded(tmp_path: Path):
    model, batch = pretraining(), Batch.from_data_list(graphs())
    loaded = from_pretrained(save_pretrained(model, tmp_path / "model"))
    expected = model(batch, generator=torch.Generator().manual_seed(0))
    actual = loaded(batch, generator=torch.Generator().manual_seed(0))
    assert torch.equal(actual.loss, expected.loss)
    for name, relation in model.encoder.attention_bias.blend.items():
        other = loaded.encoder.attention_bias.blend.relations[name]
        assert type(other) is type(relation)
        assert other.component_arguments() == relation.component_arguments()


def test_fields_that_a_batch_lacks_are_attached():
    model = encoder()
    bare = [from_smiles(smiles) for smiles in SMILES]
    attached = [AddFragments()(AddRings()(data)) for data in bare]
    actual, expected = model(Batch.from_data_list(bare)), model(Batch.from_data_list(attached))
    assert torch.equal(actual.graph, expected.graph)
    wanted = {"spd", "bond_path", "ring_size", "brics"}
    assert model.wanted.pair_fields == wanted
    assert pack(Batch.from_data_list(bare), wanted).pairs.keys() == wanted
