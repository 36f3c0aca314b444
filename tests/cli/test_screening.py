import json

import pandas as pd

from pyg_moleblend.cli import main


def test_a_folder_goes_on_and_says_what_it_is_of(property_model, table, tmp_path, capsys, refused):
    out = tmp_path / "out"
    words = ["predict", str(property_model), str(table), "--out", str(out), "--id-column", "name"]
    for _ in range(2):
        assert main(words) == 0
        said = capsys.readouterr().err
        assert f"11 of 12 molecules predicted; 1 failed (the column status says why) -> {out}" in said
    key = json.loads((out / "manifest.json").read_text())["key"]
    assert (key["verb"], key["modality"], list(key["model"])) == ("predict", "2d", ["config.json", "model.safetensors"])
    assert len(pd.read_parquet(out / "part-000000.parquet")) == 12
    assert "max_atoms was 1000, is 500" in refused(*words, "--max-atoms", "500")
    assert "verb was 'predict', is 'embed'" in refused("embed", *words[1:])


def test_the_best_by_a_target(property_model, table, tmp_path, refused):
    out = tmp_path / "out.csv"
    words = ["predict", str(property_model), str(table), "--out", str(out)]
    assert main([*words, "--top", "3", "--lowest"]) == 0
    best = pd.read_csv(out)["gap"]
    assert len(best) == 3
    assert best.is_monotonic_increasing
    assert "name how many (--top)" in refused(*words, "--by", "gap")
    assert "no results 'mu'" in refused(*words, "--top", "3", "--by", "mu")


def test_tables_that_cannot_be_dealt_out_are_refused(property_model, table, tmp_path, refused):
    words = ["predict", property_model, table, "--engine", "ray"]
    assert "writes to a folder (--out FOLDER)" in refused(*words)
    assert "reads .parquet files" in refused(*words, "--out", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_options_without_an_effect_are_told(property_model, table, tmp_path, refused, caplog):
    words = ["predict", str(property_model), str(table), "--out", str(tmp_path / "out.csv")]
    assert "--part-rows is of a folder of results" in refused(*words, "--part-rows", "10")
    assert main([*words, "--seed", "3"]) == 0
    assert "the seed 3 is of conformers, and has no effect with the modality '2d'" in caplog.text


def test_results_of_another_plugin_are_not_mixed(property_model, table, tmp_path, refused):
    plugin = tmp_path / "plugin_of_results.py"
    plugin.write_text("A = 1\n")
    words = ["embed", str(property_model), str(table), "--out", str(tmp_path / "out"), "--plugin", str(plugin)]
    assert main(words) == 0
    plugin.write_text("A = 2\n")
    assert "plugins was [" in refused(*words)
