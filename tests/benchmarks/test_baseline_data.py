import golden_data
import pytest
import torch

from benchmarks.baseline.data import collate, featurize, relate
from benchmarks.baseline.weights import plain_batch
from pyg_moleblend.chem import batch_from_smiles
from pyg_moleblend.utils import pack

SMILES = ["CC(=O)Oc1ccccc1C(=O)O", "[Na+].[Cl-]", "C", "F/C=C/C#N", "C1CC2CCC1CC2", "C[C@H](N)C(=O)O"]


def test_the_plain_data_path_gives_our_batch():
    molecules = [featurize(text) for text in SMILES]
    found = collate(molecules, [relate(molecule) for molecule in molecules])
    expected = plain_batch(pack(batch_from_smiles(SMILES)))
    for name, values in expected._asdict().items():
        assert torch.equal(found._asdict()[name], values), name


@pytest.mark.parametrize("number", range(0, 119, 7))
def test_paths_are_the_golden_ones(number: int):
    case = golden_data.relation_cases()[number]
    molecule = featurize("C")._replace(adjacency=(case.spd == 1).numpy(), bonds=case.bonds[:, :, 0].numpy())
    spd = torch.from_numpy(relate(molecule).spd)
    assert torch.equal(torch.where(spd == 510, 255, spd), case.spd)
