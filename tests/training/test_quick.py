import json
import shutil

import numpy as np
import pandas as pd
import pytest
import quick_molecules
import torch

from pyg_moleblend.checkpoints import encoder_from_pretrained, from_pretrained, save_pretrained
from pyg_moleblend.datasets import MoleculeTable
from pyg_moleblend.inference import evaluate, predict
from pyg_moleblend.models import MoleBlend, MoleBlendConfig
from pyg_moleblend.quick import QuickModel
from pyg_moleblend.splits import Split, random_split
from pyg_moleblend.training import fit

SMILES, SIZE, IS_RING = quick_molecules.SMILES, quick_molecules.SIZE.astype(float), quick_molecules.IS_RING


@pytest.fixture(scope="module", autouse=True)
def few_trees():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("pyg_moleblend.quick.forest.fit_forest.__defaults__", (10,))
        yield


@pytest.fixture(scope="module")
def encoder(tmp_path_factory):
    torch.manual_seed(0)
    model = MoleBlend(MoleBlendConfig(channels=8, num_layers=2, heads=2, ffn_channels=8))
    return save_pretrained(model, tmp_path_factory.mktemp("encoder"))


def table(**targets) -> MoleculeTable:
    frame = pd.DataFrame({"smiles": [*SMILES, "xx"], **{name: [*y, 0.0] for name, y in targets.items()}})
    return MoleculeTable(frame, targets=list(targets), on_error="skip", progress=False)


@pytest.fixture(scope="module")
def run(encoder, tmp_path_factory):
    molecules = table(size=3 * SIZE, status=-SIZE)
    split = random_split(molecules, seed=0)
    return fit(molecules, tmp_path_factory.mktemp("runs") / "a", split, encoder), molecules, split


def test_a_fit_is_scored_by_what_it_has_not_seen(run):
    done, molecules, split = run
    assert done.metrics["test"]["molecules"] == len(split.test)
    assert done.metrics["test"]["rmse_per_task"]["size"] < 3
    assert done.metrics["folds"]["targets"]["size"]["labels"] == done.metrics["train_molecules"] == len(split.train)
    assert json.loads((done.folder / "metrics.json").read_text())["split"] == str(split)
    assert json.loads((done.folder / "report.json").read_text())["targets"]["size"]["kernels"].keys() >= {
        "embedding",
        "environments",
        "morgan",
    }
    again = evaluate(done.folder, molecules[split.test], device="cpu")
    assert again["rmse"] == pytest.approx(done.metrics["test"]["rmse"], rel=1e-6)


def test_predictions_are_the_models_with_intervals(run):
    done, _, split = run
    given = ["CCCCO", "xx", SMILES[int(split.train[0])]]
    frame = predict(done.folder, given, device="cpu")
    assert list(frame) == [
        *("id", "smiles", "size", "status_predicted"),
        *("size_lower", "size_upper", "status_predicted_lower", "status_predicted_upper", "similarity", "status"),
    ]
    assert frame.loc[1, "size":"similarity"].isna().all()
    assert frame["status"].tolist()[::2] == ["ok", "ok"]
    assert frame.loc[2, "similarity"] == pytest.approx(1)
    assert (frame["size_lower"] < frame["size"]).tolist() == [True, False, True]
    assert (frame["size"] < frame["size_upper"]).tolist() == [True, False, True]
    narrow = predict(done.folder, given, device="cpu", level=0.5)
    assert narrow.loc[0, "size_upper"] < frame.loc[0, "size_upper"]
    assert narrow["size"].equals(frame["size"])
    with pytest.raises(ValueError, match="between 0 and 1"):
        predict(done.folder, given, device="cpu", level=90)


def test_the_folder_holds_the_encoder(run, encoder):
    done, _, _ = run
    mine, own = encoder_from_pretrained(encoder), encoder_from_pretrained(done.folder / "model" / "embedder")
    assert all(torch.equal(a, b) for a, b in zip(mine.parameters(), own.parameters(), strict=True))
    with pytest.raises(ValueError, match="quick model, which is no network"):
        from_pretrained(done.folder)


def test_another_encoder_is_not_taken_for_its_own(run, tmp_path):
    done, _, _ = run
    copied = shutil.copytree(done.folder / "model", tmp_path / "model")
    other = MoleBlend(MoleBlendConfig(channels=8, num_layers=2, heads=2, ffn_channels=8))
    save_pretrained(other, copied / "embedder")
    with pytest.raises(ValueError, match=r"is not that of the model in .*model, which was fitted with it"):
        predict(copied, ["CCO"], device="cpu")
    shutil.rmtree(copied / "embedder")
    with pytest.raises(ValueError, match="is not that of the model in"):
        predict(copied, ["CCO"], device="cpu")


def test_all_molecules_are_learnt_from_by_default(tmp_path):
    molecules = table(ring=IS_RING.astype(float))
    done = fit(molecules, tmp_path / "a", encoder=None)
    assert done.metrics["train_molecules"] == len(SMILES)
    assert done.metrics.keys().isdisjoint({"valid", "test"})
    assert done.metrics["folds"]["targets"]["ring"]["rocauc"] > 0.95
    frame = predict(done.folder, SMILES, device="cpu")
    assert list(frame) == ["id", "smiles", "ring", "similarity", "status"]
    assert ((frame["ring"] > 0.5) == IS_RING).mean() > 0.95
    with pytest.raises(ValueError, match="probabilities, and no intervals"):
        predict(done.folder, SMILES, device="cpu", level=0.9)
    with pytest.raises(ValueError, match="holds a run already"):
        fit(molecules, tmp_path / "a", encoder=None)


def test_what_cannot_be_is_said_before_the_work(tmp_path):
    ring = IS_RING.astype(float)
    ring[110] = 2  # one that is not seen in training
    molecules = table(ring=ring, size=SIZE)
    train, test = torch.arange(100), torch.arange(100, 120)
    split = Split("by hand", train, torch.empty(0, dtype=torch.long), test)
    with pytest.raises(ValueError, match="labels of a classification must be 0 or 1"):
        fit(molecules, tmp_path / "a", split, targets=["ring"])
    frame = pd.DataFrame({"smiles": SMILES, "bound": [f"<{size}" for size in SIZE]})
    bounds = MoleculeTable(frame, targets=["bound"], censored=True)
    with pytest.raises(ValueError, match="120 labels are bounds, from which a quick model cannot learn: use finetune"):
        fit(bounds, tmp_path / "a")
    bare = list(molecules)
    for data in bare:
        del data.smiles
    with pytest.raises(ValueError, match="has no `smiles`"):
        fit(bare, tmp_path / "a")
    assert not (tmp_path / "a").exists()


def test_the_same_seed_gives_the_same_model(tmp_path):
    molecules = table(size=SIZE, twice=2 * SIZE)[torch.arange(40)]
    (tmp_path / "b" / ".model.0123.tmp").mkdir(parents=True)  # of a fit that was killed
    for name in "ab":
        fit(molecules, tmp_path / name, encoder=None, targets=["size"], seed=1)
    for file in ("quick.json", "quick.safetensors", "config.json"):
        first, second = ((tmp_path / name / "model" / file).read_bytes() for name in "ab")
        assert first == second, file
    assert not list((tmp_path / "b").glob(".model.*"))
    both = fit(molecules, tmp_path / "c", encoder=None, targets=["twice", "size"], seed=1).model
    new = ["CCCCCCO", "c1ccccc1CC"]  # a target's model does not depend on the others
    alone = QuickModel.load(tmp_path / "a" / "model").predict(new).values[:, 0]
    np.testing.assert_allclose(both.predict(new).values[:, 1], alone, rtol=1e-6)


def test_nothing_looks_at_3d_without_an_encoder(tmp_path):
    with pytest.raises(ValueError, match="nothing looks at 3D"):
        fit(table(size=SIZE), tmp_path / "a", encoder=None, modality="2d+3d")
    with pytest.raises(ValueError, match="120 of the 120 molecules have no coordinates"):
        fit(table(size=SIZE), tmp_path / "a", modality="3d")


def test_what_was_predicted_is_told(run):
    done, molecules, split = run
    told = pd.read_csv(done.folder / "predictions.csv")
    assert told.groupby("part").size().to_dict() == {
        "folds": len(split.train),
        "valid": len(split.valid),
        "test": len(split.test),
    }
    for part, positions in (("folds", split.train), ("test", split.test)):
        rows = told[told["part"] == part]
        assert rows["row"].tolist() == molecules.row[positions].tolist()
        assert rows["smiles"].tolist() == [SMILES[i] for i in positions]
        assert rows["label:size"].tolist() == pytest.approx(molecules.y[positions, 0].tolist())
    tested = told[told["part"] == "test"]
    error = ((tested["prediction:size"] - tested["label:size"]) ** 2).mean() ** 0.5
    assert error == pytest.approx(done.metrics["test"]["rmse_per_task"]["size"])
    assert (tested["lower:size"] < tested["prediction:size"]).all()
    seen = told[told["part"] == "folds"]
    error = ((seen["prediction:status"] - seen["label:status"]) ** 2).mean() ** 0.5
    assert error == pytest.approx(done.metrics["folds"]["targets"]["status"]["rmse"], rel=1e-4)
