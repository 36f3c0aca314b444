import pytest
import samples
import torch
from torch_geometric.data import Batch

from pyg_moleblend.nn import Blend, PairBlending, check_blend, constant_blend
from pyg_moleblend.nn.blending import chosen_enters
from pyg_moleblend.utils import DenseMolecules, pack

RELATIONS = {"spd": "2d", "bond_path": "2d", "distance": "3d"}


def molecules() -> DenseMolecules:
    return pack(Batch.from_data_list(samples.molecules(4)))


def draw(packed: DenseMolecules) -> Blend:
    return PairBlending().draw(packed, RELATIONS, torch.Generator().manual_seed(0))


@pytest.mark.parametrize("name", Blend._fields)
def test_a_blend_of_other_molecules_is_refused(name: str):
    packed = molecules()
    blend = draw(packed)
    for wrong in (getattr(blend, name)[:1], getattr(blend, name)[:, :-1]):  # neither is broadcast or cut
        with pytest.raises(ValueError, match=f"`{name}` must have shape .* N = "):
            check_blend(blend._replace(**{name: wrong}), packed, 3)


@pytest.mark.parametrize(
    ("name", "wrong"), [("relation", 3), ("relation", -5), ("atom_feature", 2), ("atom_feature", -5)]
)
def test_a_blend_that_chooses_what_there_is_not_is_refused(name: str, wrong: int):
    packed = molecules()
    blend = draw(packed)
    changed = getattr(blend, name).clone()
    changed[-1, 0] = wrong
    with pytest.raises(ValueError, match=f"`{name}` must choose from 0 to"):
        check_blend(blend._replace(**{name: changed}), packed, 3)


@pytest.mark.parametrize("code", [-1, -2, -3, -4])
def test_codes_of_none_and_of_whole_modalities_are_choices(code: int):
    packed = molecules()
    check_blend(constant_blend(packed, relation=code, atom_feature=code), packed, 3)


def test_constant_blend_is_the_same_everywhere():
    packed = molecules()
    blend = constant_blend(packed, relation=2, atom_feature=1)
    assert (blend.relation == 2).all()
    assert (blend.atom_feature == 1).all()
    assert not blend.pos_noise.any()
    assert blend.relation.shape == packed.pair_mask.shape


def test_what_a_choice_lets_in():
    r"""Rows: what was chosen. Columns: relation 0 (2D), 1 (2D) and 2 (3D)."""
    expected = {
        0: (True, False, False),
        1: (False, True, False),
        2: (False, False, True),
        -1: (False, False, False),
        -2: (True, True, True),
        -3: (True, True, False),
        -4: (False, False, True),
    }
    chosen = torch.tensor(list(expected))
    enters = [chosen_enters(chosen, number, modality) for number, modality in enumerate(RELATIONS.values())]
    assert torch.stack(enters, -1).tolist() == [list(row) for row in expected.values()]
