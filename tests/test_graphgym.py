import json
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
import samples
import torch
from torch_geometric.data import Batch

from pyg_moleblend.checkpoints import save_pretrained
from pyg_moleblend.chem import Hydrogens, from_smiles
from pyg_moleblend.datasets.recipe import RECIPE_KEY, Recipe
from pyg_moleblend.models import MoleBlend, MoleBlendConfig, MoleBlendForPropertyPrediction
from pyg_moleblend.transforms import AddRelations

pytest.importorskip("yacs")
graphgym = pytest.importorskip("pyg_moleblend.graphgym")

from torch_geometric.graphgym import register  # noqa: E402
from torch_geometric.graphgym.config import cfg, set_cfg  # noqa: E402
from torch_geometric.graphgym.loader import create_loader  # noqa: E402
from torch_geometric.graphgym.model_builder import create_model  # noqa: E402

ROOT = Path(__file__).parents[1]
TINY = {"channels": 16, "num_layers": 1, "heads": 2, "ffn_channels": 16, "num_gaussians": 4}


@pytest.fixture(autouse=True)
def fresh_cfg():
    set_cfg(cfg)
    for name, value in TINY.items():
        cfg.moleblend[name] = value
    yield
    set_cfg(cfg)


@pytest.fixture
def batch():
    graphs = [from_smiles(smiles) for smiles in ("CCO", "c1ccccc1C(=O)O", "C#N")]
    for number, data in enumerate(graphs):
        data.y = torch.tensor([[float(number), -1.0]])
    return Batch.from_data_list(graphs)


def test_the_network_is_the_property_model(batch):
    cfg.model.type, cfg.dataset.task_type = "moleblend", "regression"
    torch.manual_seed(0)
    network = create_model(to_device=False, dim_in=9, dim_out=2).eval()
    torch.manual_seed(0)
    model = MoleBlendForPropertyPrediction(MoleBlendConfig(**TINY), 2).eval()
    predicted, labels = network(batch)
    torch.testing.assert_close(predicted, model(batch))
    assert torch.equal(labels, batch.y)
    assert network.encoder.config == MoleBlendConfig(**TINY)
    cfg.moleblend.encoder = "moleblend-tiny"
    assert create_model(to_device=False, dim_in=9, dim_out=2).encoder.config.channels == 128
    cfg.moleblend.modality = "4d"
    with pytest.raises(ValueError, match="`modality` must be"):
        create_model(to_device=False, dim_in=9, dim_out=2)


def test_the_layer_is_the_convolution_with_relations_or_without(batch):
    layer = register.layer_dict["moleblendconv"](SimpleNamespace(dim_in=16, dim_out=16)).eval()
    batch.x = torch.randn(batch.num_nodes, 16)
    given = batch.clone()
    expected = layer.conv(batch.x, batch.edge_index, batch.edge_attr, batch=batch.batch)
    torch.testing.assert_close(layer(given).x, expected)
    related = Batch.from_data_list([AddRelations()(data) for data in batch.to_data_list()])
    related.edge_attr = torch.randn(related.num_edges, 16)  # as an edge encoder leaves it
    torch.testing.assert_close(layer(related).x, expected)
    with pytest.raises(ValueError, match=r"keeps the width of its input, got 9 to 16: set gnn\.layers_pre_mp to 1"):
        register.layer_dict["moleblendconv"](SimpleNamespace(dim_in=9, dim_out=16))


def test_the_node_encoder_sums_features_and_degree(batch):
    encoder = register.node_encoder_dict["moleblend"](8)
    table, offsets = encoder.embedding.features.weight, encoder.embedding.offsets
    degree = torch.bincount(batch.edge_index[1], minlength=batch.num_nodes)
    expected = torch.stack([sum(table[i] for i in row) for row in (batch.x + offsets).tolist()])
    expected = expected + encoder.embedding.degree.weight[degree]
    torch.testing.assert_close(encoder(batch).x, expected)


def test_a_table_is_a_dataset_with_relations_and_a_split(tmp_path):
    load = register.loader_dict["moleblend"]
    rows = [f"{'C' * (number + 1)},{number}.5,{2 * number}" for number in range(10)]
    (tmp_path / "table.csv").write_text("smiles,a,b\n" + "\n".join(rows) + "\n")
    with pytest.raises(ValueError, match=r"moleblend\.targets"):
        load("MoleBlend", "table.csv", str(tmp_path))
    cfg.moleblend.targets = ["b", "a"]
    cfg.dataset.update(format="MoleBlend", name="table.csv", dir=str(tmp_path), task="graph", task_type="regression")
    cfg.train.sampler = cfg.val.sampler = "full_batch"
    cfg.share.num_splits = 1
    parts = [[data for batch in loader for data in batch.to_data_list()] for loader in create_loader()]
    assert [len(part) for part in parts] == [8, 1, 1]
    assert cfg.share.dim_out == 2
    found = {data.num_nodes: data for part in parts for data in part}
    assert sorted(found) == list(range(1, 11))
    for size, data in found.items():
        assert data.y.tolist() == [[2.0 * (size - 1), size - 0.5]]
        expected = AddRelations()(from_smiles("C" * size))
        assert torch.equal(data.spd, expected.spd)
        assert torch.equal(data.bond_path, expected.bond_path)
    (tmp_path / "gaps.csv").write_text("smiles,a,b\nC,1,2\nCC,,2\nCCC,3,4\n")
    with pytest.raises(ValueError, match=r"rows \[1\] of .*gaps.csv lack a label"):
        load("MoleBlend", "gaps.csv", str(tmp_path))
    (tmp_path / "bad.csv").write_text("smiles,a,b\nC,1,2\nxyz,2,2\n")
    with pytest.raises(ValueError, match=r"1 rows of .*bad.csv are no molecule, row 1 for one .*: take them out"):
        load("MoleBlend", "bad.csv", str(tmp_path))
    (tmp_path / "few.csv").write_text("smiles,a,b\nC,1,2\n")
    with pytest.raises(ValueError, match=r"leaves nothing of .*few.csv's 1 molecules for \['valid', 'test'\]"):
        load("MoleBlend", "few.csv", str(tmp_path))
    cfg.dataset.task_type = "classification"
    with pytest.raises(ValueError, match=r"2 targets of two classes each are .*: classification_multi"):
        load("MoleBlend", "table.csv", str(tmp_path))
    assert load("PyG", "Cora", str(tmp_path)) is None  # GraphGym's own loads it


def test_a_table_has_the_hydrogens_of_the_encoder(tmp_path):
    metadata = {RECIPE_KEY: Recipe(Hydrogens.ADD).to_dict()}
    cfg.moleblend.encoder = str(save_pretrained(MoleBlend(samples.tiny_config()), tmp_path / "encoder", metadata))
    cfg.moleblend.targets = ["a"]
    cfg.dataset.task_type = "regression"
    (tmp_path / "table.csv").write_text("smiles,a\n" + "C,1\n" * 10)
    dataset = register.loader_dict["moleblend"]("MoleBlend", "table.csv", str(tmp_path))
    assert len(dataset._data.x) == 10 * 5


def test_graphgyms_own_datasets_get_relations(monkeypatch, tmp_path):
    class Other:
        transform = None

    monkeypatch.setattr(graphgym, "load_pyg", lambda name, folder: Other())
    monkeypatch.setattr(graphgym, "load_ogb", lambda name, folder: SimpleNamespace(transform=None, name=name))
    cfg.moleblend.relations, cfg.moleblend.max_path_length = True, 3
    load = register.loader_dict["moleblend"]
    data = load("PyG", "QM7b", str(tmp_path)).transform(from_smiles("CCO"))
    assert data.bond_path.shape == (9, 3)
    assert load("OGB", "ogbg_molesol", str(tmp_path)).name == "ogbg-molesol"
    assert load("nx", "other", str(tmp_path)) is None


@pytest.mark.parametrize("name", ["network", "layers"])
def test_the_configurations_train(name, tmp_path):
    script, folder = ROOT / "examples" / "graphgym" / "main.py", ROOT / "examples" / "graphgym"
    options = ["out_dir", str(tmp_path), "dataset.dir", str(folder), "optim.max_epoch", "5"]
    command = [sys.executable, str(script), "--cfg", str(folder / f"{name}.yaml"), *options]
    path = {"PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, **path})
    assert done.returncode == 0, done.stderr[-2000:]
    lines = (tmp_path / name / "0" / "train" / "stats.json").read_text().splitlines()
    losses = [json.loads(line)["loss"] for line in lines]
    assert len(losses) == 5
    assert losses[-1] < 0.8 * losses[0]
    assert json.loads((tmp_path / name / "0" / "test" / "stats.json").read_text())["loss"] > 0


def test_the_package_that_lacks_is_named():
    code = "import sys; sys.modules['yacs'] = None; import pyg_moleblend.graphgym"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stderr.splitlines()[-1].endswith("pip install 'pyg-moleblend[graphgym]'")
