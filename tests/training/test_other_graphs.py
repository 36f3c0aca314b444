r"""Graphs in the format of PyG's ZINC, through pretraining, fine-tuning and evaluation."""

import other_graphs
import pytest
import samples
import torch

from pyg_moleblend.inference import embed, evaluate
from pyg_moleblend.models import MoleBlend, MoleBlendForPretraining, default_objectives, default_relations
from pyg_moleblend.nn import AtomEmbedding, PairBlending
from pyg_moleblend.splits import Split
from pyg_moleblend.training import Machine, Schedule, finetune, load_encoder, pretrain


def test_they_are_trained_and_scored_like_any_other(tmp_path):
    molecules = other_graphs.zinc() * 3
    config = samples.tiny_config()
    embedding = AtomEmbedding(config.channels, config.num_gaussians, (other_graphs.ZINC_ATOMS,))
    encoder = MoleBlend(config, default_relations(config, other_graphs.ZINC_BONDS), embedding)
    objectives = default_objectives(config, other_graphs.ZINC_BONDS)
    objectives = {name: objectives[name] for name in ("spd", "bond_path")}
    model = MoleBlendForPretraining(config, encoder, objectives, PairBlending({"spd": 0.5, "bond_path": 0.5}))
    schedule = Schedule(epochs=1, batch_size=5)
    machine = Machine(accelerator="cpu", devices=1, progress=False)
    pretrain(molecules, tmp_path / "pretrained", molecules[:5], model, schedule, machine)
    report = evaluate(tmp_path / "pretrained" / "model", molecules[:5], device="cpu")
    assert "bond_path" in str(report)

    parts = torch.arange(15).split(5)
    encoder = load_encoder(tmp_path / "pretrained" / "model")
    split = Split("thirds", *parts)
    finetune(molecules, split, tmp_path / "tuned", encoder, kind="regression", schedule=schedule, machine=machine)
    scores = evaluate(tmp_path / "tuned" / "model", molecules[:5], device="cpu")
    assert scores["molecules"] == 5
    assert scores["mae"] > 0
    with pytest.raises(
        ValueError, match=r"must hold 1 atom features a row, got shape \[3, 9\]; .* feature_sizes=\(28,\)"
    ):
        embed(tmp_path / "pretrained" / "model", ["CCO"], device="cpu")
