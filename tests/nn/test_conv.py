import other_graphs
import pytest
import samples
import torch
from torch import Tensor, nn
from torch_geometric import EdgeIndex
from torch_geometric.data import Batch
from torch_geometric.nn import GINConv, GPSConv, Sequential, global_add_pool
from torch_geometric.transforms import ToSparseTensor
from torch_geometric.typing import WITH_TORCH_SPARSE, SparseTensor
from torch_geometric.utils import add_self_loops, to_torch_csr_tensor

from pyg_moleblend.models import default_relations
from pyg_moleblend.nn import BondPathBias, DistanceBias, MoleBlendConv, RelationBias, SPDBias
from pyg_moleblend.transforms import AddRelations
from pyg_moleblend.utils import DenseMolecules

C = 8


def conv(**arguments: object) -> MoleBlendConv:
    return samples.randomized(MoleBlendConv(C, heads=2, num_gaussians=6, **arguments))


def features(batch: Batch, seed: int = 0) -> Tensor:
    return torch.randn(batch.num_nodes, C, generator=torch.Generator().manual_seed(seed))


def inputs() -> tuple[Batch, Tensor]:
    batch = Batch.from_data_list(samples.molecules(4))
    return batch, features(batch)


def test_a_batch_is_its_molecules():
    module, (batch, x) = conv(num_types=119), inputs()
    types = batch.x[:, 0]
    together = module(x, batch.edge_index, batch.edge_attr, batch.batch, batch.pos, types)
    assert together.shape == x.shape
    for number, graph in enumerate(batch.to_data_list()):
        own = batch.batch == number
        alone = module(x[own], graph.edge_index, graph.edge_attr, None, graph.pos, types[own])
        samples.assert_same(together[own], alone)


def test_molecules_in_another_order():
    module, (batch, x) = conv(), inputs()
    output = module(x, batch.edge_index, batch.edge_attr, batch.batch, batch.pos)
    order = [2, 0, 3, 1]
    other = Batch.from_data_list([batch[number] for number in order])
    rows = torch.cat([(batch.batch == number).nonzero().flatten() for number in order])
    again = module(x[rows], other.edge_index, other.edge_attr, other.batch, other.pos)
    samples.assert_same(again, output[rows])


def test_atoms_in_another_order():
    r"""Without bond features every path looks alike, so no tie between paths depends on the atoms' order."""
    module, graph = conv(num_types=119), samples.molecules(3)[2]
    x, order = features(graph), torch.randperm(graph.num_nodes, generator=torch.Generator().manual_seed(0))
    output = module(x, graph.edge_index, pos=graph.pos, atom_type=graph.x[:, 0])
    edges = order.argsort()[graph.edge_index]
    again = module(x[order], edges, pos=graph.pos[order], atom_type=graph.x[order, 0])
    samples.assert_same(again, output[order])


def test_a_turned_molecule_is_the_same():
    module, graph = conv(), samples.molecules(3)[2]
    x, moved = features(graph), samples.moved(graph)
    output = module(x, graph.edge_index, graph.edge_attr, pos=graph.pos)
    samples.assert_same(module(x, graph.edge_index, graph.edge_attr, pos=moved.pos), output)


def test_every_input_matters():
    module, (batch, x) = conv(num_types=119), inputs()
    given = {"edge_attr": batch.edge_attr, "batch": batch.batch, "pos": batch.pos, "atom_type": batch.x[:, 0]}
    full = module(x, batch.edge_index, **given)
    for name in given:
        without = module(x, batch.edge_index, **{**given, name: None})
        assert without.isfinite().all()
        assert not torch.allclose(without, full), name
    assert not torch.allclose(module(x, batch.edge_index[:, :0], batch.edge_attr[:0], batch.batch, batch.pos), full)


def test_without_features_all_bonds_are_alike():
    module, (batch, x) = conv(), inputs()
    plain = module(x, batch.edge_index, None, batch.batch)
    named = module(x, batch.edge_index, torch.zeros_like(batch.edge_attr), batch.batch)
    assert torch.equal(plain, named)


def test_molecules_with_unknown_coordinates_are_2d():
    module, (batch, x) = conv(), inputs()
    pos = batch.pos.clone()
    pos[batch.ptr[2]] = float("nan")
    mixed = module(x, batch.edge_index, batch.edge_attr, batch.batch, pos)
    in_3d = module(x, batch.edge_index, batch.edge_attr, batch.batch, batch.pos)
    in_2d = module(x, batch.edge_index, batch.edge_attr, batch.batch)
    second = batch.batch == 2
    samples.assert_same(mixed, torch.where(second[:, None], in_2d, in_3d))
    assert not torch.allclose(in_2d[second], in_3d[second])


def test_self_loops_change_nothing():
    module, (batch, x) = conv(), inputs()
    looped, _ = add_self_loops(batch.edge_index, num_nodes=batch.num_nodes)
    samples.assert_same(module(x, looped, None, batch.batch), module(x, batch.edge_index, None, batch.batch))


def test_bonds_of_one_category():
    module, (batch, x) = conv(bond_vocabulary=4), inputs()
    categories = torch.arange(batch.num_edges) // 2 % 4
    output = module(x, batch.edge_index, categories, batch.batch)
    assert not torch.allclose(output, module(x, batch.edge_index, (categories + 1) % 4, batch.batch))
    with pytest.raises(ValueError, match="bond categories must be from 0 to 3"):
        module(x, batch.edge_index, categories + 1, batch.batch)


def test_relations_of_ones_own_take_the_place_of_the_three():
    module, (batch, x) = conv(relations={"far": DistanceBias(2, 6)}), inputs()
    assert list(module.blend.modalities) == ["far"]
    without = module(x, batch.edge_index[:, :0], None, batch.batch, batch.pos)
    samples.assert_same(module(x, batch.edge_index, batch.edge_attr, batch.batch, batch.pos), without)
    assert not torch.allclose(module(x, batch.edge_index, None, batch.batch, 2 * batch.pos), without)


def test_nodes_must_be_sorted_by_molecule():
    module, (batch, x) = conv(), inputs()
    with pytest.raises(ValueError, match="must be sorted"):
        module(x, batch.edge_index, None, batch.batch.flip(0))


def test_within_sequential():
    batch, x = inputs()
    model = Sequential(
        "x, edge_index, edge_attr, batch, pos",
        [
            (MoleBlendConv(C, heads=2), "x, edge_index, edge_attr, batch, pos -> h"),
            (MoleBlendConv(C, heads=4, drop_path=0.1, ffn_channels=12), "h, edge_index, edge_attr, batch -> h"),
            (global_add_pool, "h, batch -> h"),
            nn.Linear(C, 1),
        ],
    )
    output = model(x, batch.edge_index, batch.edge_attr, batch.batch, batch.pos)
    assert output.shape == (4, 1)
    output.sum().backward()
    assert samples.finite_gradients(model)


def test_beside_gps():
    batch, x = inputs()
    gps = GPSConv(C, GINConv(nn.Linear(C, C)), heads=2)
    model = Sequential(
        "x, edge_index, edge_attr, batch",
        [(gps, "x, edge_index, batch -> h"), (MoleBlendConv(C, heads=2), "h, edge_index, edge_attr, batch -> h")],
    )
    output = model(x, batch.edge_index, batch.edge_attr, batch.batch)
    output.sum().backward()
    assert output.shape == x.shape
    assert samples.finite_gradients(model)


class ProductBias(RelationBias):
    r"""Reads a pair, an atom and a graph field of one's own."""

    pair_fields, atom_fields, graph_fields = ("weight",), ("charge",), ("factor",)

    def __init__(self, heads: int) -> None:
        super().__init__()
        self.slope = nn.Parameter(torch.ones(heads))

    def forward(self, molecules: DenseMolecules) -> Tensor:
        charge, factor = molecules.atoms["charge"], molecules.graphs["factor"][:, None, None]
        product = molecules.pairs["weight"] * charge[:, :, None] * charge[:, None, :] * factor
        return self.slope[:, None, None] * product[:, None]


def fields_of(batch: Batch) -> dict[str, dict[str, Tensor]]:
    generator = torch.Generator().manual_seed(1)
    pairs = int(batch.ptr.diff().square().sum())
    return {
        "pairs": {"weight": torch.randn(pairs, generator=generator)},
        "atoms": {"charge": torch.randn(batch.num_nodes, generator=generator)},
        "graphs": {"factor": torch.arange(1.0, 1 + batch.num_graphs)},
    }


def test_relations_of_ones_own_read_fields_of_ones_own():
    r"""Attention with one head, one layer's worth, against plain loops over the molecules."""
    batch, x = inputs()
    fields = fields_of(batch)
    module = conv(relations={"product": ProductBias(2)})
    output = module(x, batch.edge_index, None, batch.batch, **fields)
    start = 0
    for number, graph in enumerate(batch.to_data_list()):
        n, own = graph.num_nodes, batch.batch == number
        charge = fields["atoms"]["charge"][own]
        product = fields["pairs"]["weight"][start : start + n * n].view(n, n) * charge[:, None] * charge
        bias = module.blend.relations["product"].slope[:, None, None] * product * (number + 1)
        samples.assert_same(output[own], module.layer(x[own][None], bias[None])[0])
        start += n * n
    dense = torch.full((4, 30, 30), 9.0)
    flat, sizes = fields["pairs"]["weight"], batch.ptr.diff().tolist()
    for number, (n, part) in enumerate(zip(sizes, flat.split([n * n for n in sizes]), strict=True)):
        dense[number, :n, :n] = part.view(n, n)
    again = module(x, batch.edge_index, None, batch.batch, **{**fields, "pairs": {"weight": dense}}, max_num_nodes=30)
    samples.assert_same(again, output)


@pytest.mark.parametrize("level", ["pair", "atom", "graph"])
def test_fields_that_relations_read_are_asked_for(level: str):
    batch, x = inputs()
    fields = fields_of(batch)
    del fields[f"{level}s"]
    with pytest.raises(ValueError, match=rf"read the {level} fields \[.*\]; give {level}s={{"):
        conv(relations={"product": ProductBias(2)})(x, batch.edge_index, None, batch.batch, **fields)


def test_pair_fields_of_another_size_are_refused():
    batch, x = inputs()
    fields = fields_of(batch)
    fields["pairs"]["weight"] = fields["pairs"]["weight"][1:]
    with pytest.raises(ValueError, match=r"`weight` holds .* rows"):
        conv(relations={"product": ProductBias(2)})(x, batch.edge_index, None, batch.batch, **fields)


def test_the_encoders_relations_are_taken():
    config = samples.tiny_config(max_path_length=3, heads=2)
    module = conv(relations=default_relations(config))
    assert module.gaussians.means.numel() == 6
    assert module.max_path_length == 3


def test_relations_need_not_want_bonds():
    batch, x = inputs()
    module = conv(relations={"spd": SPDBias(2)})
    output = module(x, batch.edge_index, batch.edge_attr.float(), batch.batch, batch.pos)
    assert torch.equal(output, module(x, batch.edge_index, None, batch.batch))
    assert module.gaussians is None
    assert conv(bond_vocabulary=None).blend.modalities == {"spd": "2d", "distance": "3d"}
    with pytest.raises(ValueError, match=r"differ in their `bond_vocabulary`: \['4', 'ogb'\]"):
        conv(relations={"a": BondPathBias(2), "b": BondPathBias(2, bond_vocabulary=4)})


def test_attached_relations_are_taken():
    module, (batch, x) = conv(), inputs()
    attached = AddRelations(7)(batch)
    given = {name: attached[name] for name in ("spd", "bond_path")}
    output = module(x, batch.edge_index, batch.edge_attr, batch.batch, batch.pos)
    assert torch.equal(module(x, batch.edge_index, batch.edge_attr, batch.batch, batch.pos, pairs=given), output)
    one = {"spd": given["spd"]}
    assert torch.equal(module(x, batch.edge_index, batch.edge_attr, batch.batch, batch.pos, pairs=one), output)
    stale = {"spd": given["spd"].roll(1)}
    with pytest.raises(ValueError, match=r"\['spd'\] are not those of the bonds.*AddRelations"):
        module(x, batch.edge_index, batch.edge_attr, batch.batch, pairs=stale)
    with pytest.raises(ValueError, match="`bond_path` holds 2 hops, the relations want 5"):
        module(x, batch.edge_index, None, batch.batch, pairs={"bond_path": given["bond_path"][:, :2]})


@pytest.mark.parametrize("layout", [None, torch.sparse_coo, torch.sparse_csr])
def test_a_sparse_matrix_is_taken(layout: torch.layout | None):
    module, (batch, x) = conv(), inputs()
    output = module(x, batch.edge_index, batch.edge_attr, batch.batch)
    sparse = ToSparseTensor(layout=layout)(batch)
    assert "edge_index" not in sparse
    samples.assert_same(module(x, sparse.adj_t, sparse.edge_attr, batch.batch), output)
    plain = module(x, batch.edge_index, None, batch.batch)
    samples.assert_same(module(x, sparse.adj_t, None, batch.batch), plain)  # its values are weights


def test_a_sparse_tensor_of_torch_sparse_is_taken():
    r"""Where torch_sparse is not installed, PyG has a class of that name, which can do nothing."""

    class StandIn(SparseTensor):
        def __init__(self, row: Tensor, col: Tensor, value: Tensor | None) -> None:
            self.entries = (row, col, value)

        def coo(self) -> tuple[Tensor, Tensor, Tensor | None]:
            return self.entries

    def matrix(row: Tensor, col: Tensor, value: Tensor | None) -> SparseTensor:
        return SparseTensor(row=row, col=col, value=value) if WITH_TORCH_SPARSE else StandIn(row, col, value)

    module, (batch, x) = conv(), inputs()
    source, target = batch.edge_index
    output = module(x, batch.edge_index, batch.edge_attr, batch.batch)
    samples.assert_same(module(x, matrix(target, source, batch.edge_attr), None, batch.batch), output)
    plain = module(x, batch.edge_index, None, batch.batch)
    for value in (None, torch.rand(len(source))):
        samples.assert_same(module(x, matrix(target, source, value), None, batch.batch), plain)


def test_a_sparse_matrix_of_a_directed_graph_is_transposed():
    module, x = conv(bond_vocabulary=3), torch.randn(3, C, generator=torch.Generator().manual_seed(0))
    ends, kinds = torch.tensor([[0, 1], [1, 2]]), torch.tensor([1, 2])
    adj_t = to_torch_csr_tensor(ends.flip(0), kinds, size=3)
    output = module(x, ends, kinds, None)
    samples.assert_same(module(x, adj_t, None, None), output)
    assert not torch.allclose(module(x, ends.flip(0), kinds, None), output)


def test_an_edge_index_with_metadata_is_taken():
    module, (batch, x) = conv(), inputs()
    size = (batch.num_nodes, batch.num_nodes)
    edge_index = EdgeIndex(batch.edge_index, sparse_size=size, is_undirected=True)
    output = module(x, batch.edge_index, batch.edge_attr, batch.batch)
    assert torch.equal(module(x, edge_index, batch.edge_attr, batch.batch), output)


def test_molecules_are_never_mixed_without_a_word():
    module, (batch, x) = conv(), inputs()
    with pytest.raises(ValueError, match="give `batch` or `ptr`"):
        module(x, batch.edge_index, batch.edge_attr)
    together = module(x, batch.edge_index, batch.edge_attr, None)
    assert not torch.allclose(together, module(x, batch.edge_index, batch.edge_attr, batch.batch))
    graph = samples.molecules(3)[2]
    alone = module(x[: graph.num_nodes], graph.edge_index, graph.edge_attr)
    assert torch.equal(alone, module(x[: graph.num_nodes], graph.edge_index, graph.edge_attr, None))


def test_ptr_is_as_good_as_batch():
    module, (batch, x) = conv(), inputs()
    output = module(x, batch.edge_index, batch.edge_attr, batch.batch, batch.pos)
    for given in ({"ptr": batch.ptr}, {"ptr": batch.ptr, "batch": None}):
        assert torch.equal(module(x, batch.edge_index, batch.edge_attr, pos=batch.pos, **given), output)
    with pytest.raises(ValueError, match=f"`ptr` must end at the {len(x)} atoms"):
        module(x, batch.edge_index, batch.edge_attr, ptr=batch.ptr[:-1])


def test_within_gps():
    r"""GPSConv passes on what it does not know: `ptr`, but not `batch`."""
    batch, x = inputs()
    gps = GPSConv(C, MoleBlendConv(C, heads=2), heads=2, norm=None).eval()
    with pytest.raises(ValueError, match=r"within GPSConv: gps\(x, edge_index, batch, ptr=data.ptr\)"):
        gps(x, batch.edge_index, batch.batch, edge_attr=batch.edge_attr)
    output = gps(x, batch.edge_index, batch.batch, edge_attr=batch.edge_attr, pos=batch.pos, ptr=batch.ptr)
    for number, graph in enumerate(batch.to_data_list()):
        own = batch.batch == number
        given = {"edge_attr": graph.edge_attr, "pos": graph.pos, "ptr": torch.tensor([0, graph.num_nodes])}
        alone = gps(x[own], graph.edge_index, **given)
        samples.assert_same(output[own], alone)


def test_nothing_of_3d_is_computed_without_coordinates(monkeypatch: pytest.MonkeyPatch):
    module, (batch, x) = conv(), inputs()
    expected = module(x, batch.edge_index, batch.edge_attr, batch.batch, torch.full_like(batch.pos, torch.nan))

    def fail(*_: object) -> None:
        raise AssertionError("computed")

    monkeypatch.setattr(module.gaussians, "forward", fail)
    monkeypatch.setattr(module.blend.relations["distance"], "forward", fail)
    output = module(x, batch.edge_index, batch.edge_attr, batch.batch)
    assert torch.equal(output, expected)
    output.sum().backward()
    assert all(parameter.grad is not None for parameter in module.parameters())


def test_given_sizes_only_pad():
    module, (batch, x) = conv(), inputs()
    output = module(x, batch.edge_index, batch.edge_attr, batch.batch, batch.pos)
    padded = module(x, batch.edge_index, batch.edge_attr, batch.batch, batch.pos, batch_size=6, max_num_nodes=40)
    samples.assert_same(padded, output)
    with pytest.raises(ValueError, match="more than max_num_nodes=3; nothing is cropped"):
        module(x, batch.edge_index, batch.edge_attr, batch.batch, max_num_nodes=3)


@pytest.mark.slow
def test_compiles_as_one_graph_of_any_size():
    torch.compiler.reset()
    module = conv()
    # What is traced is what matters here; `eager` runs it without compiling kernels, which takes long.
    compiled = torch.compile(module, fullgraph=True, dynamic=True, backend="eager")
    for count in (4, 6):
        batch = Batch.from_data_list(samples.molecules(count))
        x = features(batch)
        sizes = {"batch_size": batch.num_graphs, "max_num_nodes": 20 + count}
        output = compiled(x, batch.edge_index, batch.edge_attr, batch.batch, batch.pos, **sizes)
        samples.assert_same(output, module(x, batch.edge_index, batch.edge_attr, batch.batch, batch.pos))
    for changes, message in (
        ({"max_num_nodes": 3}, "more than max_num_nodes atoms"),
        ({"batch": batch.batch.flip(0)}, "must be sorted"),
        ({"edge_attr": batch.edge_attr + 9}, "bonds or their features are not valid"),
    ):
        given = {"edge_attr": batch.edge_attr, "batch": batch.batch, "pos": batch.pos, **sizes, **changes}
        with pytest.raises(RuntimeError, match=message):
            compiled(x, batch.edge_index, **given)


def test_reset_draws_fresh_weights():
    module = conv()
    module.reset_parameters()
    assert not module.layer.ffn_in.bias.any()
    assert not module.blend.relations["distance"].linear1.bias.any()
    assert (module.gaussians.scale == 1).all()


def test_any_graph_is_taken():
    graph = other_graphs.social(30)
    x = torch.randn(30, C, generator=torch.Generator().manual_seed(0))
    module = conv(bond_vocabulary=None)
    assert module(x, graph.edge_index, None, None).shape == (30, C)
    own = conv(relations={"spd": SPDBias(2), "distance": DistanceBias(2, 5, num_types=1)})
    assert own(x, graph.edge_index, pos=torch.randn(30, 3), batch=None).isfinite().all()


def test_printed_form():
    assert str(MoleBlendConv(C, heads=2)) == "MoleBlendConv(8, heads=2, relations=['spd', 'bond_path', 'distance'])"
