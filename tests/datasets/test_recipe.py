import pandas as pd
import pytest

from pyg_moleblend.chem import Conformers, Hydrogens, from_smiles
from pyg_moleblend.datasets import MoleculeShards, MoleculeTable
from pyg_moleblend.datasets.conformers import add_missing_conformers
from pyg_moleblend.datasets.recipe import RECIPE_KEY, Recipe, check_recipe, recipe_of
from pyg_moleblend.datasets.shards.prepare import prepare

SMILES = ["CCO", "c1ccccc1", "CC(=O)O"]


def table(hydrogens):
    return MoleculeTable(pd.DataFrame({"smiles": SMILES}), hydrogens=hydrogens, progress=False)


@pytest.mark.parametrize("hydrogens", list(Hydrogens))
def test_every_dataset_tells_its_recipe_and_so_do_its_selections(hydrogens, tmp_path):
    path = tmp_path / "table.csv"
    path.write_text("smiles\n" + "\n".join(SMILES) + "\n")
    settings = Conformers(seed=3, optimize=True)
    prepare(path, tmp_path / "shards", hydrogens=hydrogens, conformers=settings)
    assert recipe_of(MoleculeShards(tmp_path / "shards")[1:]) == Recipe(hydrogens, settings)
    assert recipe_of(table(hydrogens)[:2]) == Recipe(hydrogens, None)
    found = add_missing_conformers(table(hydrogens), conformers=settings)
    assert recipe_of(found.molecules) == Recipe(hydrogens, settings)
    assert not found.failures


def test_of_a_list_the_features_tell():
    assert recipe_of([from_smiles(text, "add") for text in SMILES]) == Recipe(Hydrogens.ADD)
    assert recipe_of([from_smiles(text) for text in SMILES]) == Recipe(Hydrogens.REMOVE)
    assert recipe_of([from_smiles("CCO").update({"x": from_smiles("CCO").x.float()})]) is None
    assert recipe_of([]) is None


def test_a_recipe_is_json_and_back():
    for recipe in (Recipe(Hydrogens.KEEP), Recipe(Hydrogens.ADD, Conformers(seed=1, count=2, optimize=True))):
        assert Recipe.from_metadata({RECIPE_KEY: recipe.to_dict()}) == recipe
    assert Recipe.from_metadata({}) is None
    with pytest.raises(ValueError, match=r"\{'seed': 1\}\), which must have \['hydrogens', 'conformers'\], is damaged"):
        Recipe.from_metadata({RECIPE_KEY: {"seed": 1}})


def test_other_graphs_are_refused_where_it_can_be_told():
    kept = Recipe(Hydrogens.KEEP)
    check_recipe(None, table("add"))
    check_recipe(kept, table("keep"))
    check_recipe(kept, [from_smiles("CCO")])  # a list of graphs does not tell kept hydrogens from removed ones
    for molecules in (table("remove"), table("add"), [from_smiles("CCO", "add")]):
        with pytest.raises(ValueError, match="learnt from molecules with hydrogens='keep', and these have"):
            check_recipe(kept, molecules)
