import pandas as pd
import torch

from pyg_moleblend.cli import main
from pyg_moleblend.cli.data import load_data
from pyg_moleblend.cli.splits import make_split
from pyg_moleblend.datasets import MoleculeShards


def test_a_table_becomes_a_folder_to_train_from(table, tmp_path, capsys, tiny_words):
    words = ["prepare", str(table), "--targets", "gap", "--ids", "name", "--num-workers", "0", "--progress", "false"]
    assert main(words) == 0
    captured = capsys.readouterr()
    assert captured.out == "12 rows = 11 molecules + 1 failures\n"
    assert "1 shard, " in captured.err
    assert "molecules.shards/failures.csv" in captured.err
    folder = tmp_path / "molecules.shards"
    assert pd.read_csv(folder / "failures.csv").values.tolist()[0][:3] == [4, "m4", "bad"]
    assert main(words) == 0  # there is nothing left to do

    molecules = load_data(str(folder), "data", progress=False)
    assert isinstance(molecules, MoleculeShards)
    assert molecules.ids == [f"m{row}" for row in molecules.row]
    assert len(make_split(molecules, "scaffold", 0).train) > len(make_split(molecules, "scaffold", 0).test)
    assert len(load_data(str(folder), "data", max_molecules=3, progress=False)) == 3
    for verb, options in (("pretrain", []), ("finetune", ["--targets", "gap"])):
        run = [verb, "--data", str(folder), "--out", str(tmp_path / verb), "--schedule.epochs", "1", *options]
        assert main([*run, *tiny_words]) == 0
        assert (tmp_path / verb / "model").is_dir()


def test_conformers_are_made_once_and_not_again(table, tmp_path, capsys, refused):
    out = tmp_path / "out"
    words = ["--num-workers", "0", "--progress", "false", "--conformers", "2", "--seed", "3"]
    assert main(["prepare", str(table), "--out", str(out), *words]) == 0
    capsys.readouterr()
    assert all(torch.isfinite(data.conformers).all() and data.conformers.size(1) == 2 for data in MoleculeShards(out))
    assert "is prepared already" in refused("pretrain", "--data", out, "--out", tmp_path / "run", "--conformers", "1")


def test_what_cannot_be_prepared_is_one_line(table, tmp_path, refused):
    out = tmp_path / "out"
    assert "conformers must be 0 or more, got -1" in refused("prepare", table, "--conformers=-1")
    assert "row 4, 'bad'" in refused("prepare", table, "--out", out, "--on-error", "raise", "--num-workers", "0")
    assert "no column 'no'" in refused("prepare", table, "--out", out, "--targets", "no")
    assert "is not complete yet" in refused("pretrain", "--data", out, "--out", tmp_path / "run")


def test_options_of_conformers_that_are_not_made_are_told(table, tmp_path, capsys):
    assert main(["prepare", str(table), "--out", str(tmp_path / "out"), "--num-workers", "0", "--seed", "3"]) == 0
    assert "--seed and --deadline are of conformers, and none are to be made" in capsys.readouterr().err
