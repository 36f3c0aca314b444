import json
import logging
from pathlib import Path

import pandas as pd
import pytest
import torch

from pyg_moleblend.checkpoints import save_pretrained
from pyg_moleblend.chem import Conformers, from_smiles, generate_conformers, parse_smiles
from pyg_moleblend.datasets import MoleculeTable
from pyg_moleblend.inference import embed, predict
from pyg_moleblend.metrics import Task
from pyg_moleblend.models import MoleBlend, MoleBlendForPropertyPrediction
from pyg_moleblend.nn import Gaussian, Quantile

TASK = Task("regression", ("gap", "mu"), ("eV", "D"), (5.0, 2.0), (1.5, 0.5))
IMPOSSIBLE = "F[C@]12[C@@]3(F)[C@]1(F)[C@@]23F"


def single(model, smiles, modality="2d"):
    with torch.no_grad():
        return TASK.restore(model(from_smiles(smiles), modality))[0].tolist()


def test_predictions_are_in_the_order_given_and_of_each_molecule_alone(model, folder):
    smiles = ["CCCCCCO", "C", "not a molecule", "c1ccccc1", None, "CCO", "CC"]
    frame = predict(folder, smiles, batch_size=2, device="cpu")
    assert list(frame) == ["id", "smiles", "gap", "mu", "status"]
    assert frame["id"].tolist() == [str(row) for row in range(7)]
    good = [0, 1, 3, 5, 6]
    assert frame.loc[good, "smiles"].tolist() == [smiles[row] for row in good]
    assert frame.loc[good, "status"].eq("ok").all()
    for row in good:
        assert frame.loc[row, ["gap", "mu"]].tolist() == pytest.approx(single(model, smiles[row]), rel=1e-4, abs=1e-4)
    assert frame.loc[[2, 4], ["gap", "mu"]].isna().all(axis=None)
    assert frame.loc[4, "status"] == "the value is missing"
    assert "ok" not in frame.loc[2, "status"]


def test_tables_keep_their_ids_and_their_policy(folder):
    given = pd.DataFrame({"smiles": ["CC", "xx", "CCO"], "name": ["a", "b", "c"]})
    kept = predict(folder, MoleculeTable(given, ids="name", on_error="keep", progress=False), device="cpu")
    skipped = predict(folder, MoleculeTable(given, ids="name", on_error="skip", progress=False), device="cpu")
    assert kept["id"].tolist() == ["a", "b", "c"]
    assert skipped["id"].tolist() == ["a", "c"]
    assert skipped["gap"].tolist() == kept["gap"].dropna().tolist()


def test_3d_models_get_conformers_and_say_so(model, tmp_path, caplog):
    folder = save_pretrained(model, tmp_path / "model", {"task": TASK.to_dict(), "modality": "2d+3d"})
    smiles = ["CCO", IMPOSSIBLE]
    with caplog.at_level(logging.WARNING):
        both = predict(folder, smiles, device="cpu")
        assert "1 of 2 molecules had no coordinates and were given a conformer" in caplog.text
    only_3d = predict(folder, smiles, modality="3d", device="cpu")
    flat = predict(folder, smiles, modality="2d", device="cpu")
    assert both["status"][0] == only_3d["status"][0] == "ok"
    assert both["status"][1].startswith("2D only: no conformer was found")
    assert only_3d["status"][1].startswith("no conformer was found")
    assert only_3d["gap"].isna().tolist() == [False, True]
    assert both["gap"][1] == pytest.approx(single(model, IMPOSSIBLE, "2d")[0], rel=1e-4, abs=1e-4)
    assert flat["status"].eq("ok").all()
    assert both["gap"][0] != pytest.approx(flat["gap"][0], abs=1e-3)
    pd.testing.assert_frame_equal(both, predict(folder, smiles, device="cpu"))


def test_no_molecule_is_no_row(folder):
    assert predict(folder, [], device="cpu").shape == (0, 5)
    assert predict(folder, ["xx"], device="cpu")["gap"].isna().all()


@pytest.mark.parametrize(
    "molecules", ["CCO", Path("table.csv"), pd.DataFrame({"smiles": ["CCO"]}), {"smiles": ["CCO"]}]
)
@pytest.mark.parametrize("verb", [predict, embed])
def test_letters_and_column_names_are_not_taken_for_molecules(molecules: object, verb, folder):
    with pytest.raises(ValueError, match=r"must be a list of SMILES or a MoleculeTable, got .*on_error="):
        verb(folder, molecules, device="cpu")


def test_a_model_without_a_task_cannot_predict(config, model, tmp_path):
    for number, kind in enumerate((MoleBlend(config), model)):
        folder = save_pretrained(kind, tmp_path / str(number))
        with pytest.raises(ValueError, match="knows no property: predict with a fine-tuned model"):
            predict(folder, ["C"])


def test_conformers_that_would_not_be_looked_at_are_refused(model, folder):
    for function in (predict, embed):
        with pytest.raises(ValueError, match="3 conformers are of no use to modality='2d'"):
            function(folder, ["CCO"], modality="2d", conformers=3)


def test_several_conformers_give_a_mean_and_its_spread(model, folder):
    given = "CO |(0,0,0;1.43,0,0.1)|"
    smiles = ["CC(N)CO", IMPOSSIBLE, given, "CCCCC"]
    frame = predict(folder, smiles, modality="2d+3d", batch_size=2, device="cpu", seed=5, conformers=4)
    assert list(frame) == ["id", "smiles", "gap", "mu", "gap_std", "mu_std", "status"]
    for row in (0, 3):
        values = []
        for at in generate_conformers(parse_smiles(smiles[row]), Conformers(seed=5, count=4)).positions:
            data = from_smiles(smiles[row])
            data.pos = torch.from_numpy(at)
            with torch.no_grad():
                values.append(TASK.restore(model(data, "2d+3d"))[0])
        values = torch.stack(values)
        assert frame.loc[row, ["gap", "mu"]].tolist() == pytest.approx(values.mean(0).tolist(), rel=1e-4)
        spread = values.std(0, correction=0)
        assert spread.min() > 1e-5
        assert frame.loc[row, ["gap_std", "mu_std"]].tolist() == pytest.approx(spread.tolist(), rel=0.05, abs=2e-6)
    assert frame.loc[1, ["gap", "mu"]].tolist() == pytest.approx(single(model, smiles[1]), rel=1e-4)
    assert frame.loc[2, ["gap", "mu"]].tolist() == pytest.approx(single(model, given, "2d+3d"), rel=1e-4)
    assert (frame.loc[[1, 2], ["gap_std", "mu_std"]] == 0).all(axis=None)
    assert frame.loc[1, "status"].startswith("2D only: no conformer was found")
    alone = predict(folder, smiles, modality="3d", device="cpu", seed=5, conformers=4)
    assert alone.loc[1, ["gap", "gap_std"]].isna().all()
    assert alone.loc[[0, 2, 3], "gap"].notna().all()
    vectors = embed(folder, smiles, modality="2d+3d", device="cpu", seed=5, conformers=4)
    assert list(vectors)[-2:] == ["e15", "status"]


def test_what_is_too_large_costs_its_own_row_only(folder, caplog):
    smiles = ["CCO", "C" * 4000, "CC", "C" * 100_000, "C" * 300, "CN"]
    frame = predict(folder, smiles, device="cpu", max_atoms=200)
    assert frame["gap"].isna().tolist() == [False, True, False, True, True, False]
    assert frame["status"][1] == "it has 4000 atoms, more than the 200 that a molecule may have (max_atoms)"
    assert frame["status"][3].startswith("it has 100000 atoms")
    assert frame["smiles"].tolist() == smiles
    added = MoleculeTable(
        pd.DataFrame({"smiles": ["CC", "CCCC"]}), hydrogens="add", on_error="keep", progress=False, max_atoms=10
    )
    assert added.status == ["ok", "it has 14 atoms, more than the 10 that a molecule may have (max_atoms)"]
    with pytest.raises(ValueError, match="`max_atoms` must be at least 1, got 0"):
        predict(folder, ["C"], max_atoms=0)


def members(config, tmp_path, tasks=(TASK, TASK, TASK), modalities=("2d",) * 3):
    for seed, (task, modality) in enumerate(zip(tasks, modalities, strict=True)):
        torch.manual_seed(seed)
        model = MoleBlendForPropertyPrediction(config, 2)
        save_pretrained(model, tmp_path / f"seed-{seed}" / "model", {"task": task.to_dict(), "modality": modality})
    (tmp_path / "summary.json").write_text(json.dumps({"members": ["seed-0", "seed-1", "seed-2"]}))
    return tmp_path


def test_runs_of_several_seeds_predict_together(config, tmp_path):
    folder, smiles = members(config, tmp_path), ["CCO", "xx", "c1ccccc1"]
    frame = predict(folder, smiles, device="cpu")
    alone = [predict(folder / f"seed-{seed}", smiles, device="cpu")["gap"] for seed in range(3)]
    assert list(frame) == ["id", "smiles", "gap", "mu", "gap_std", "mu_std", "status"]
    assert frame["gap"].tolist() == pytest.approx(pd.concat(alone, axis=1).mean(1).tolist(), nan_ok=True)
    assert frame["gap_std"].tolist() == pytest.approx(pd.concat(alone, axis=1).std(1).tolist(), nan_ok=True)
    both = predict(folder, smiles, modality="2d+3d", conformers=2, device="cpu")
    assert list(both) == list(frame)


def test_models_that_differ_do_not_predict_together(config, tmp_path):
    other = Task("regression", ("gap", "alpha"), ("eV", ""), (5.0, 2.0), (1.5, 0.5))
    with pytest.raises(ValueError, match=r"they differ in targets: \('gap', 'mu'\) and \('gap', 'alpha'\)"):
        predict(members(config, tmp_path / "a", (TASK, TASK, other)), ["CC"], device="cpu")
    folder = members(config, tmp_path / "b", modalities=("2d", "3d", "2d"))
    for modality in (None, "2d"):
        with pytest.raises(ValueError, match="they differ in modality: 2d and 3d"):
            predict(folder, ["CC"], modality=modality, device="cpu")


def test_runs_that_have_not_all_ended_do_not_predict(config, tmp_path):
    folder = members(config, tmp_path)
    (folder / "summary.json").unlink()
    with pytest.raises(FileNotFoundError, match=r"have not all ended .* or name one of them \(.*seed-0\)"):
        predict(folder, ["CC"], device="cpu")


def test_a_model_that_knows_deviations_says_them(config, tmp_path):
    torch.manual_seed(0)
    model = MoleBlendForPropertyPrediction(config, 2, criterion=Gaussian()).eval()
    torch.nn.init.normal_(model.out.weight)
    scores = [[0.1 * (i + 1) for i in range(9)], [0.5]]
    metadata = {"task": TASK.to_dict(), "modality": "2d", "errors": scores}
    folder, smiles = save_pretrained(model, tmp_path, metadata), ["CCO", "c1ccccc1"]
    frame = predict(folder, smiles, device="cpu")
    assert list(frame) == ["id", "smiles", "gap", "mu", "gap_std", "mu_std", "gap_lower", "gap_upper", "status"]
    with torch.no_grad():
        outputs = torch.cat([model.outputs(from_smiles(text), "2d") for text in smiles])
    expected = Gaussian().std(outputs)[:, 0] * TASK.std[0]
    assert frame["gap_std"].tolist() == pytest.approx(expected.tolist(), rel=1e-4)
    assert (frame["gap_upper"] - frame["gap"]).tolist() == pytest.approx((0.9 * expected).tolist(), rel=1e-4)
    assert (frame["gap"] - frame["gap_lower"]).tolist() == pytest.approx((0.9 * expected).tolist(), rel=1e-4)


def test_variances_of_models_add_to_that_over_them(config, tmp_path):
    found = []
    for seed in range(3):
        torch.manual_seed(seed)
        model = MoleBlendForPropertyPrediction(config, 2, criterion=Gaussian())
        torch.nn.init.normal_(model.out.weight)
        folder = tmp_path / f"seed-{seed}"
        save_pretrained(model, folder / "model", {"task": TASK.to_dict(), "modality": "2d"})
        found.append(predict(folder, ["CCO", "C"], device="cpu"))
    (tmp_path / "summary.json").write_text(json.dumps({"members": ["seed-0", "seed-1", "seed-2"]}))
    frame = predict(tmp_path, ["CCO", "C"], device="cpu")
    values, stds = (pd.concat([of[name] for of in found], axis=1) for name in ("gap", "gap_std"))
    expected = ((stds**2).mean(1) + values.var(1)) ** 0.5
    assert frame["gap_std"].tolist() == pytest.approx(expected.tolist())


def test_quantiles_are_the_ends_that_calibration_moves(config, tmp_path):
    torch.manual_seed(0)
    model = MoleBlendForPropertyPrediction(config, 2, criterion=Quantile()).eval()
    metadata = {"task": TASK.to_dict(), "modality": "2d", "errors": [[0.25 * i - 1 for i in range(9)], []]}
    frame = predict(save_pretrained(model, tmp_path, metadata), ["CCO"], device="cpu")
    assert list(frame) == ["id", "smiles", "gap", "mu", "gap_lower", "gap_upper", "status"]
    with torch.no_grad():
        lower, _, upper = (Quantile().quantiles(model.outputs(from_smiles("CCO"), "2d"))[0, 0] * 1.5 + 5).tolist()
    assert frame.loc[0, ["gap_lower", "gap_upper"]].tolist() == pytest.approx([lower - 1, upper + 1], rel=1e-5)
