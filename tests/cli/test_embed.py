import pandas as pd

from pyg_moleblend.cli import main


def test_parquet_of_any_model(pretrained_model, property_model, table, tmp_path, capsys):
    for number, model in enumerate((pretrained_model, property_model)):
        out = tmp_path / f"{number}.parquet"
        assert main(["embed", str(model), str(table), "--out", str(out)]) == 0
        frame = pd.read_parquet(out)
        assert list(frame) == ["id", "smiles", *(f"e{i}" for i in range(16)), "status"]
        assert frame["e0"].isna().sum() == 1
    assert f"11 of 12 molecules embedded; 1 failed (the column status says why) -> {out}" in capsys.readouterr().err


def test_conformers_are_made_and_said(pretrained_model, capsys, caplog):
    assert main(["embed", str(pretrained_model), "CCO", "--modality", "2d+3d"]) == 0
    assert "molecules without coordinates are given conformers; the modality '2d' needs none" in caplog.text
    assert "1 of 1 molecules embedded; 0 failed" in capsys.readouterr().err


def test_a_readout_is_named_as_elsewhere(pretrained_model, tmp_path):
    out, words = tmp_path / "a.csv", '{"component": "EnvironmentReadout", "arguments": {"layers": [0, 1], "size": 4}}'
    assert main(["embed", str(pretrained_model), "CCO", "--readout", words, "--out", str(out)]) == 0
    assert list(pd.read_csv(out)) == ["id", "smiles", *(f"e{i}" for i in range(8)), "status"]
    assert main(["embed", str(pretrained_model), "CCO", "--readout", "PooledReadout", "--out", str(out)]) == 0
    assert len(pd.read_csv(out).columns) == 3 + 48
