import json
import shutil

from benchmarks import ogb


def test_the_floor_on_the_official_split(shared_data, tmp_path):
    shutil.copytree(shared_data / "ogb" / "ogbg_molesol", tmp_path / "ogbg_molesol")
    out = tmp_path / "results"
    ogb.main(["--root", f"{tmp_path}", "--out", f"{out}", "--sets", "ogbg-molesol", "--seeds", "1", "--trees", "5"])
    content = json.loads((out / "ecfp_ogbg-molesol.json").read_text())
    (run,) = content["cells"][0]["runs"]
    assert run["split"] == "ogbg-molesol official scaffold"
    assert (run["train"], run["valid"], run["test"]) == (902, 113, 113)
    assert run["value"] < run["constant_value"]
