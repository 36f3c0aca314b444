r"""The results that are in the repository hang together."""

import json
import re
from pathlib import Path

import pytest

from benchmarks.table import markdown, splits_of
from pyg_moleblend.splits import random_split

FOLDER = Path(__file__).parents[2] / "benchmarks" / "results"
MODELS = ("ecfp", "frozen", "quick", "quick-tiny")
PATHS = sorted(path for model in MODELS for path in FOLDER.glob(f"{model}_*.json"))


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)
def test_files_say_what_they_are(path):
    content = json.loads(path.read_text(encoding="utf-8"))
    data = content["data"]
    assert path.stem.partition("_")[2] == content["set"]
    assert data["rows"] == data["molecules"] + len(data["lost"])
    for cell in content["cells"]:
        values = [run["value"] for run in cell["runs"]]
        assert cell["mean"] == pytest.approx(sum(values) / len(values))
        assert len({run["seed"] for run in cell["runs"]}) == len(values)
        assert {run["train"] + run["valid"] + run["test"] for run in cell["runs"]} == {data["molecules"]}


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)
def test_random_splits_are_still_the_same(path):
    content = json.loads(path.read_text(encoding="utf-8"))
    for run in (run for cell in content["cells"] if cell["split"] == "random" for run in cell["runs"]):
        split = random_split(content["data"]["molecules"], seed=run["seed"])
        assert (run["split"], run["split_hash"]) == (split.name, split.hash)


def test_the_official_split_is_our_scaffold_split():
    ours, theirs = (
        {run["split_hash"] for cell in json.loads((FOLDER / name).read_text())["cells"] for run in cell["runs"]}
        for name in ("ecfp_esol.json", "ecfp_ogbg-molesol.json")
    )
    assert len(theirs) == 1
    assert theirs < ours


@pytest.mark.parametrize(
    "name", ["ecfp_moleculenet", "ecfp_ogb", "ecfp_qm9", *(path.stem for path in FOLDER.glob("*_moleculeace.md"))]
)
def test_tables_are_those_of_the_files(name):
    model, _, table = name.partition("_")
    contents = [json.loads(path.read_text(encoding="utf-8")) for path in sorted(FOLDER.glob(f"{model}_*.json"))]
    contents = [content for content in contents if content["table"] == table]
    text = (FOLDER / f"{name}.md").read_text(encoding="utf-8")
    assert text == f"{markdown(contents)}\n\n{splits_of(contents)}\n"
    assert all(re.search(rf"^\| {content['set']} \|", text, re.M) for content in contents)
