import numpy as np
import pytest
from rdkit import Chem
from rdkit.Chem import AllChem

from pyg_moleblend.nn import PairBlending
from pyg_moleblend.viz import plot_blend


@pytest.fixture(scope="module")
def aspirin() -> Chem.Mol:
    mol = Chem.AddHs(Chem.MolFromSmiles("CC(=O)Oc1ccccc1C(=O)O"))
    AllChem.EmbedMolecule(mol, randomSeed=1)
    return Chem.RemoveHs(mol)


def images(figure) -> list[np.ndarray]:
    return [np.asarray(axis.images[0].get_array()) for axis in figure.axes[1:]]


def test_each_pair_of_the_blend_has_one_of_the_relations(aspirin):
    *relations, blend = images(plot_blend(aspirin, seed=3))
    assert [image.shape for image in (*relations, blend)] == [(13, 13, 3)] * 4
    same = [np.isclose(blend, image).all(-1) for image in relations]
    assert (sum(same) >= 1).all()
    assert 0.1 < same[0].mean() < 0.35  # the paper's 0.2
    assert np.isclose(blend, images(plot_blend(aspirin, seed=3))[-1]).all()
    assert not np.isclose(blend, images(plot_blend(aspirin, seed=4))[-1]).all()


def test_what_does_not_enter_is_white(aspirin):
    blend = images(plot_blend(aspirin, PairBlending({"spd": 0.5}, none=0.5)))[-1]
    assert 0.3 < (blend == 1).all(-1).mean() < 0.7


def test_a_molecule_without_a_conformer_is_refused():
    with pytest.raises(ValueError, match="CCO has no 3D conformer: add one"):
        plot_blend(Chem.MolFromSmiles("CCO"))
