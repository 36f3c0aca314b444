from pathlib import Path

import pytest
import samples
import torch
from torch_geometric.data import Data

import pyg_moleblend.training.statistics as statistics
from pyg_moleblend.checkpoints import from_pretrained
from pyg_moleblend.fields import declare
from pyg_moleblend.models import MoleBlendForPretraining
from pyg_moleblend.nn import PairBlending, Recover
from pyg_moleblend.training import Machine, Schedule, pretrain
from pyg_moleblend.training.statistics import fit_statistics

declare("stat_graph", level="graph", size=2)
declare("stat_atom", level="atom")
declare("stat_pair", level="pair")
declare("stat_bits", level="graph")


def molecules(count: int = 9) -> list[Data]:
    graphs = samples.molecules(count)
    generator = torch.Generator().manual_seed(0)
    for graph in graphs:
        size = graph.num_nodes
        graph.stat_graph = 5 + 3 * torch.randn(1, 2, generator=generator)
        graph.stat_atom = torch.randn(size, generator=generator)
        graph.stat_bits = torch.tensor([[0.0, 1.0]])
        graph.stat_pair = 100 + torch.randn(size * size, generator=generator)
    graphs[0].stat_graph[0, 1] = torch.nan
    return graphs


def model() -> MoleBlendForPretraining:
    config = samples.tiny_config()
    objectives = {
        "graph": Recover("graph", "stat_graph", 16, 2),
        "atom": Recover("atom", "stat_atom", 16, 1),
        "pair": Recover("pair", "stat_pair", 16, 1, pair_channels=4),
        "bits": Recover("graph", "stat_bits", 16, 2, "bits"),
    }
    blending = PairBlending({"spd": 0.5, "bond_path": 0.5}, atom_features={"degree": 1.0})
    return MoleBlendForPretraining(config, None, objectives, blending)


@pytest.mark.parametrize(("name", "field"), [("graph", "stat_graph"), ("atom", "stat_atom"), ("pair", "stat_pair")])
def test_statistics_are_those_of_all_rows(name: str, field: str):
    graphs, fitted = molecules(), model()
    fit_statistics(fitted, graphs)
    values = torch.cat([graph[field] for graph in graphs])
    objective = fitted.objectives[name]
    torch.testing.assert_close(objective.center, values.view(-1, objective.size).nanquantile(0.5, dim=0))
    assert objective.fitted


def test_what_is_fitted_stays():
    fitted = model()
    fitted.objectives["graph"].fit(torch.tensor([[1.0, 2.0], [3.0, 4.0]]))
    fit_statistics(fitted, molecules())
    assert fitted.objectives["graph"].center.tolist() == [2, 3]
    assert fitted.objectives["atom"].fitted


def test_a_sample_follows_from_the_seed():
    def center(seed: int) -> float:
        fitted = model()
        fit_statistics(fitted, molecules(), sample=3, seed=seed)
        return fitted.objectives["atom"].center.item()

    assert center(0) == center(0) != center(1)


def test_few_rows_of_each_batch_are_enough(monkeypatch: pytest.MonkeyPatch):
    seen = []
    monkeypatch.setattr(statistics, "MAX_ROWS", 7)
    monkeypatch.setattr(Recover, "fit", lambda objective, rows: seen.append((objective.field, len(rows))))
    fit_statistics(model(), molecules())
    assert seen == [("stat_graph", 7), ("stat_atom", 7), ("stat_pair", 7)]


def test_a_missing_field_is_named():
    graphs = molecules()
    del graphs[3].stat_atom
    with pytest.raises((ValueError, KeyError), match="stat_atom"):
        fit_statistics(model(), graphs)


def test_pretraining_fits_before_the_first_step(tmp_path: Path):
    graphs = molecules()
    run = pretrain(
        graphs, tmp_path / "run", model=model(), schedule=Schedule(epochs=1, batch_size=4),
        machine=Machine(accelerator="cpu", progress=False),
    )  # fmt: skip
    expected = model()
    fit_statistics(expected, graphs)
    loaded = from_pretrained(run.model_folder)
    for name in ("graph", "atom", "pair"):
        assert torch.equal(loaded.objectives[name].center, expected.objectives[name].center)
        assert torch.equal(loaded.objectives[name].scale, expected.objectives[name].scale)
