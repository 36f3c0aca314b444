import numpy as np
import pytest
import samples
import torch
from rdkit import Chem, DataStructs
from rdkit.Chem import rdFingerprintGenerator, rdMolDescriptors
from sklearn.metrics.pairwise import cosine_similarity
from torch_geometric.data import Batch, Data

from pyg_moleblend.chem import from_smiles
from pyg_moleblend.fields import declare
from pyg_moleblend.models import MoleBlendForPretraining
from pyg_moleblend.nn import PairBlending, RecoveryState, Similarity, constant_blend
from pyg_moleblend.nn.objectives.similarity import similarity
from pyg_moleblend.transforms import AddDescriptors
from pyg_moleblend.utils import pack

C = 5
SMILES = ["CCO", "CCN", "c1ccccc1C(=O)O", "c1ccccc1C(=O)N", "CC#N"]
declare("its_numbers", level="graph", size=4)


def graphs() -> list[Data]:
    transform = AddDescriptors(False, ["morgan"], size=256, counts=["morgan"])
    found = [transform(from_smiles(smiles)) for smiles in SMILES]
    generator = torch.Generator().manual_seed(0)
    for graph in found:
        graph.its_numbers = torch.randn(1, 4, generator=generator)
    return found


def state_of(given: list[Data], module: Similarity) -> RecoveryState:
    molecules = pack(Batch.from_data_list(given), graph_fields=module.graph_fields)
    graph = torch.randn(len(given), C, generator=torch.Generator().manual_seed(1))
    nothing = torch.zeros(0)
    return RecoveryState(graph, nothing, nothing, molecules, nothing, constant_blend(molecules, 0, 0))


@pytest.mark.parametrize("counts", [False, True])
def test_tanimoto_is_rdkit_s(counts: bool):
    generator = rdFingerprintGenerator.GetMorganGenerator(radius=2, fpSize=256)
    make = generator.GetCountFingerprint if counts else generator.GetFingerprint
    prints = [make(Chem.MolFromSmiles(smiles)) for smiles in SMILES]
    expected = [[DataStructs.TanimotoSimilarity(a, b) for a in prints] for b in prints]
    module = Similarity(C, "morgan_counts" if counts else "morgan_bits", 256)
    state = state_of(graphs(), module)
    values = module.values(state.molecules, packed=True)
    assert values.value.shape == (5, 256)
    torch.testing.assert_close(similarity(values.value, "tanimoto"), torch.tensor(expected))


def test_other_measures():
    values = torch.randn(6, 12, generator=torch.Generator().manual_seed(0)).abs()
    rows = values.tolist()
    usr = [[rdMolDescriptors.GetUSRScore(a, b) for a in rows] for b in rows]
    torch.testing.assert_close(similarity(values, "distance"), torch.tensor(usr))
    torch.testing.assert_close(similarity(values, "cosine"), torch.from_numpy(cosine_similarity(values.numpy())))


@pytest.mark.parametrize("measure", ["tanimoto", "cosine", "distance"])
def test_long_vectors_can_be_as_similar_as_asked(measure: str):
    values = torch.rand(12, 30, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    kernel = similarity(values, measure)
    assert torch.linalg.eigvalsh(kernel).min() > -1e-9
    torch.testing.assert_close(kernel.diagonal(), torch.ones(12, dtype=torch.float64))


def test_nothing_is_like_nothing():
    values = torch.tensor([[0.0, 0.0], [0.0, 0.0], [1.0, 0.0]])
    assert similarity(values, "tanimoto").tolist() == [[1, 1, 0], [1, 1, 0], [0, 0, 1]]


@pytest.mark.parametrize("measure", ["cosine", "distance"])
def test_loss_and_quality_are_those_of_loops(measure: str):
    given = graphs()
    given[3].its_numbers[0, 2] = torch.nan
    module = samples.randomized(Similarity(C, "its_numbers", 4, measure, out_channels=3))
    state = state_of(given, module)
    prediction = module(state)
    target = similarity(state.molecules.graphs["its_numbers"], measure)
    errors = []
    for i in range(5):
        for j in range(5):
            if i != j and 3 not in (i, j):
                a, b = (module.head(state.graph[row]).detach().numpy() for row in (i, j))
                errors.append(a @ b - target[i, j].item())
    found, (total, weight) = module.evaluate(state)
    assert weight == len(errors) == 12
    assert found.item() == pytest.approx(np.square(errors).mean(), rel=1e-4)
    assert (total / weight).item() == pytest.approx(np.abs(errors).mean(), rel=1e-4)
    assert module.loss(prediction, state) == found
    assert module.quality(prediction, state) == (total, weight)


def test_one_molecule_has_nothing_to_compare_with():
    module = samples.randomized(Similarity(C, "its_numbers", 4, "cosine"))
    loss, quality = module.evaluate(state_of(graphs()[:1], module))
    loss.backward()
    assert (loss, *quality) == (0, 0, 0)
    assert all((parameter.grad == 0).all() for parameter in module.parameters())


def test_gradients():
    module = samples.randomized(Similarity(C, "morgan_bits", 256, out_channels=3)).double()
    state = state_of(graphs(), module)
    state = state._replace(graph=state.graph.double().requires_grad_())
    assert samples.gradcheck_parameters(module, lambda: module.evaluate(state).loss, [state.graph])


def test_the_graph_token_learns_similarities():
    batch = Batch.from_data_list(graphs())
    config = samples.tiny_config(attention_dropout=0.0, activation_dropout=0.0)
    torch.manual_seed(0)
    blending = PairBlending({"spd": 0.5, "bond_path": 0.5}, atom_features={"degree": 1.0})
    model = MoleBlendForPretraining(config, None, {"own": Similarity(16, "morgan_bits", 256)}, blending)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    losses = []
    for _ in range(80):
        optimizer.zero_grad()
        loss = model.step(batch).loss
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert min(losses[-5:]) < 0.2 * losses[0]
    assert model.encoder.graph_token.grad.abs().sum() > 0


def test_a_measure_must_be_known():
    with pytest.raises(ValueError, match=r"`measure` must be one of .*'dice'"):
        Similarity(C, "morgan_bits", 256, "dice")
