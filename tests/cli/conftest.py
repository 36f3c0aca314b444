import pytest
import torch

from pyg_moleblend.checkpoints import save_pretrained
from pyg_moleblend.cli import main
from pyg_moleblend.metrics import Task
from pyg_moleblend.models import MoleBlendConfig, MoleBlendForPretraining, MoleBlendForPropertyPrediction

TINY = MoleBlendConfig(channels=16, num_layers=1, heads=2, ffn_channels=16, num_gaussians=8)
TINY_WORDS = [
    f"--model.{name.replace('_', '-')}={getattr(TINY, name)}"
    for name in ("channels", "num_layers", "heads", "ffn_channels", "num_gaussians")
]
QUIET = ["--machine.accelerator", "cpu", "--machine.progress", "false"]


@pytest.fixture(scope="session")
def tiny_words():
    r"""Words that make a run tiny."""
    return [*TINY_WORDS, *QUIET]


@pytest.fixture
def quiet_words():
    return list(QUIET)


@pytest.fixture(scope="session")
def property_model(tmp_path_factory):
    r"""Folder of a 2D model of one target."""
    torch.manual_seed(0)
    task = Task("regression", ("gap",), ("eV",), (5.0,), (1.5,))
    model = MoleBlendForPropertyPrediction(TINY, 1)
    return save_pretrained(model, tmp_path_factory.mktemp("property"), {"task": task.to_dict(), "modality": "2d"})


@pytest.fixture(scope="session")
def pretrained_model(tmp_path_factory):
    r"""Folder of a pretrained model."""
    torch.manual_seed(0)
    return save_pretrained(MoleBlendForPretraining(TINY), tmp_path_factory.mktemp("pretrained"), {"modality": "2d"})


@pytest.fixture
def table(tmp_path):
    r"""A table of twelve molecules, one of them bad, with labels and a split."""
    path = tmp_path / "molecules.csv"
    smiles = ["CCO", "CC", "c1ccccc1", "CCN", "bad", "CCCC", "CO", "C#N", "CC=O", "OCCO", "CCOC", "C1CC1"]
    parts = ["train"] * 6 + ["valid"] * 3 + ["test"] * 3
    rows = [f"m{i},{text},{i / 10},{part}" for i, (text, part) in enumerate(zip(smiles, parts, strict=True))]
    path.write_text("name,SMILES,gap,part\n" + "\n".join(rows) + "\n")
    return path


@pytest.fixture
def refused(capsys):
    r"""Runs a command that is to fail, and gives the line that says why; notes on the data may come before it."""

    def run(*words):
        assert main([str(word) for word in words]) == 2
        captured = capsys.readouterr()
        *notes, line = captured.err.splitlines()
        assert not any(": error: " in note or "Traceback" in note for note in notes), captured.err
        assert line.startswith("moleblend ")
        assert captured.out == ""
        return line

    return run
