import pytest
import torch
from batches import assert_same_data
from own_fields import AddOwn
from torch_geometric import transforms as T
from torch_geometric.data import Data
from torch_geometric.transforms import BaseTransform

from pyg_moleblend.chem import Conformers, MoleculeChunk, data_list, from_smiles
from pyg_moleblend.datasets.io.reading import read_chunk
from pyg_moleblend.datasets.io.transformed import flat_graphs, transform_key, transformed
from pyg_moleblend.transforms import AddConformer, AddRelations, PerturbPositions

SMILES = ["CCO", "c1ccncc1", "bad", "[Na+].[Cl-]", "N", "C" * 300]


class Silent(BaseTransform):
    def __init__(self, scale: float, cap: float = 2.0) -> None:
        self.scale, self.cap = scale, cap

    def forward(self, data: Data) -> Data:
        return data


@pytest.mark.parametrize(
    "transform",
    [
        AddRelations(3),
        AddConformer(seed=3, count=2),
        PerturbPositions(0.1),
        T.Compose([AddRelations(), AddConformer(on_failure="nan")]),
        T.ToUndirected(),
        T.KNNGraph(k=4),
        T.Constant(2.0),
    ],
    ids=repr,
)
def test_a_transform_is_told_by_its_repr(transform: BaseTransform) -> None:
    assert transform_key(transform) == repr(transform)


@pytest.mark.parametrize(
    ("transform", "hidden"),
    [
        (Silent(3.0), r"Silent\(\) does not tell its arguments \['scale'\]"),
        (Silent(2.0, 1.0), r"\['scale', 'cap'\]"),
        (T.Compose([AddRelations(), Silent(1.0)]), r"Silent\(\) does not tell"),
        (T.KNNGraph(k=4, loop=True), r"\['loop'\]"),
        (lambda data: data, "give it a `__repr__`"),
        (T.Compose([lambda data: data]), "give it a `__repr__`"),
    ],
)
def test_a_repr_that_says_too_little_is_refused(transform: BaseTransform, hidden: str) -> None:
    with pytest.raises(ValueError, match=hidden):
        transform_key(transform)


class Loose(Silent):
    def __init__(self, *args: float, **options: float) -> None:
        self.args, self.options = args, options


class Bare(Silent):
    def __init__(self) -> None:
        self.scale = 1.0


class Telling(Silent):
    def __repr__(self) -> str:
        return f"Telling({self.scale}, {self.cap})"


@pytest.mark.parametrize("transform", [Loose(1.0), Loose(scale=1.0), Bare(), Telling(torch.arange(2000))])
def test_what_a_repr_leaves_out_is_no_key(transform: BaseTransform) -> None:
    with pytest.raises(ValueError, match="give it a `__repr__` with all arguments"):
        transform_key(transform)
    assert transform_key(Telling(1.0)) == "Telling(1.0, 2.0)"


@pytest.mark.parametrize("conformers", [None, Conformers(count=2)])
def test_is_what_the_transform_gives_for_each(conformers: Conformers | None) -> None:
    reading = read_chunk(SMILES[:-1], conformers=conformers)
    plain = data_list(MoleculeChunk(reading.graphs, reading.smiles))
    seen: list[int] = []
    found = transformed(reading, T.Compose([AddRelations(), AddOwn(2.0)]), seen.append)
    assert seen == [0, 1, 3, 4, -1]
    assert (found.rows.tolist(), found.failures) == (reading.rows.tolist(), reading.failures)
    both = zip(data_list(MoleculeChunk(found.graphs, found.smiles)), plain, strict=True)
    for data, before in both:
        assert_same_data(data, AddOwn(2.0)(AddRelations()(before)))


def test_atoms_bonds_and_smiles_may_change() -> None:
    def methane(data: Data) -> Data:
        other = from_smiles("CC")
        del other.pos
        return other

    found = transformed(read_chunk(["CCO", "N"]), methane)
    assert found.smiles == ["CC", "CC"]
    assert (found.graphs.num_atoms.tolist(), found.graphs.num_edges.tolist()) == ([2, 2], [2, 2])
    assert torch.from_numpy(found.graphs.pos).isnan().all()


def test_a_molecule_that_is_refused_is_a_failure() -> None:
    found = transformed(read_chunk(["CCO", "[He]", "bad", "N"]), AddOwn())
    assert found.smiles == ["CCO", "N"]
    assert [(failure.row, failure.input) for failure in found.failures] == [(1, "[He]"), (2, "bad")]
    assert found.failures[0].reason == "helium is not wanted"
    assert not len(transformed(read_chunk(["[He]"]), AddOwn()).rows)


class Attach(BaseTransform):
    def __init__(self, name: str, value: object) -> None:
        self.name, self.value = name, value

    def forward(self, data: Data) -> Data:
        data[self.name] = self.value
        return data


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("never_declared", torch.zeros(3, 2), r"'CCO': .*fields\.declare\('never_declared', level=.* worker processes"),
        ("own_pair", torch.zeros(3, 2), "'CCO': pair field 'own_pair' must have 9 rows"),
        ("own_atom", torch.zeros(1), "atom field 'own_atom' must have 3 rows"),
        ("never_declared", "text", r"declare\('never_declared', level='graph', dtype='str'\)"),
        ("own_graph", torch.zeros(1, 3, dtype=torch.bfloat16), "a type that NumPy knows, got torch.bfloat16"),
        ("own_graph", [1, 2], "must be a text, a number, or a tensor.* got list"),
        ("my_batch", torch.zeros(1), "to which PyG gives a meaning"),
        ("edge_attr", None, "has no .*'edge_attr'"),
    ],
)
def test_what_could_not_be_stored_is_refused(name: str, value: object, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        transformed(read_chunk(["CCO"]), Attach(name, value))


def test_other_results_and_errors_are_not_hidden() -> None:
    with pytest.raises(ValueError, match="must give a Data"):
        transformed(read_chunk(["CCO"]), lambda data: None)
    with pytest.raises(KeyError, match="typo"):
        transformed(read_chunk(["CCO"]), lambda data: data["typo"])


def test_numbers_become_rows_and_molecules_have_one_set_of_fields() -> None:
    one, other = from_smiles("CCO"), from_smiles("N")
    one.number, other.number = 3, 4
    assert flat_graphs([one, other]).fields["number"].tolist() == [3, 4]
    del other.number
    with pytest.raises(ValueError, match="expected the same fields"):
        flat_graphs([one, other])
