import json
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from pyg_moleblend.cli.plugins import load_plugin, take_plugins

ROOT = Path(__file__).parents[2]
PLUGIN = ROOT / "examples" / "plugin.py"
SMILES = ["CCO", "c1ccccc1", "CC(=O)O", "CCN", "C1CCCCC1", "CC#N", "COC", "CCCCO", "c1ccncc1", "CC(C)=O", "NCC(=O)O"]
TINY = [f"--model.{name}={value}" for name, value in
        {"channels": 16, "num_layers": 1, "heads": 2, "ffn_channels": 16, "num_gaussians": 8}.items()]  # fmt: skip
QUIET = ["--machine.accelerator=cpu", "--machine.progress=false", "--schedule.epochs=2", "--schedule.batch_size=4"]

# The verbs in one process, which knows the plugin's classes from `--plugin` alone.
VERBS = """
import json, sys
from pyg_moleblend.cli import main
for words in json.loads(sys.argv[1]):
    if code := main(words):
        sys.exit(f"{words[0]}: {code}")
"""

# The same in Python: weights and predictions of what the command line has written.
PYTHON = """
import importlib.util, json, sys
from pyg_moleblend.checkpoints import from_pretrained
from pyg_moleblend.inference import embed, predict

spec = importlib.util.spec_from_file_location("mine", sys.argv[1])
mine = importlib.util.module_from_spec(spec)
spec.loader.exec_module(mine)
tuned = from_pretrained(sys.argv[2])
assert type(tuned.readout) is mine.MaxReadout
assert type(tuned.criterion) is mine.LogCosh
assert type(tuned.encoder.attention_bias.blend.relations["same"]) is mine.SameElementBias
assert tuned.encoder.attention_bias.blend.relations["same"].scale == 2.0
pretrained = from_pretrained(sys.argv[3])
assert type(pretrained.blending) is mine.EvenBlending
assert list(pretrained.objectives)[-1] == "size" and type(pretrained.objectives["size"]) is mine.SizeObjective
assert pretrained.loss_weighting.weights["size"] == 3.0
print(json.dumps({
    "predicted": predict(sys.argv[2], ["CCO", "CCCC"])["y"].tolist(),
    "embedded": embed(sys.argv[3], ["CCO"])["e0"].tolist(),
}))
"""


def run(code: str, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", code, *words], capture_output=True, text=True, cwd=ROOT)


def test_every_verb_works_with_components_of_a_plugin_and_says_what_it_lacks_without(tmp_path: Path):
    table, pretrained, tuned = tmp_path / "table.csv", tmp_path / "pretrained", tmp_path / "tuned"
    pd.DataFrame({"smiles": SMILES, "y": [float(len(s)) for s in SMILES]}).to_csv(table, index=False)
    same = json.dumps({"same": {"component": "SameElementBias", "arguments": {"scale": 2.0}}})
    plugin = f"--plugin={PLUGIN}"
    pretrain = ["pretrain", plugin, "--data", str(table), "--out", str(pretrained), "--relations", same]
    pretrain += ["--objectives", '{"size": "SizeObjective"}', "--blending", "EvenBlending", *TINY, *QUIET]
    pretrain += ["--loss_weights", '{"size": 3.0}', "--valid_fraction=0.2"]
    finetune = ["finetune", plugin, "--data", str(table), "--out", str(tuned), "--targets", "y", *QUIET]
    finetune += ["--encoder", str(pretrained / "model"), "--readout", "MaxReadout", "--criterion", "LogCosh"]
    model = str(tuned / "model")
    words = [
        pretrain,
        finetune,
        ["predict", plugin, model, str(table), "--out", str(tmp_path / "predicted.csv")],
        ["embed", plugin, str(pretrained / "model"), str(table), "--out", str(tmp_path / "embedded.csv")],
        ["evaluate", plugin, model, str(table), "--out", str(tmp_path / "scores")],
        ["evaluate", plugin, str(pretrained / "model"), str(table)],
    ]
    done = run(VERBS, json.dumps(words))
    assert done.returncode == 0, done.stderr
    assert "same" in done.stdout
    predicted, embedded = (pd.read_csv(tmp_path / name) for name in ("predicted.csv", "embedded.csv"))
    assert len(predicted) == len(embedded) == len(SMILES)
    assert (predicted["status"] == "ok").all()
    assert "rmse" in json.loads((tmp_path / "scores" / "metrics.json").read_text())

    again = run(PYTHON, str(PLUGIN), model, str(pretrained / "model"))
    assert again.returncode == 0, again.stderr
    found = json.loads(again.stdout.splitlines()[-1])
    assert found["predicted"][0] == pytest.approx(predicted["y"][0], abs=1e-6)
    assert found["embedded"][0] == pytest.approx(embedded["e0"][0], abs=1e-6)

    without = run(VERBS, json.dumps([["predict", model, "CCO"]]))
    assert without.returncode != 0
    for said in (
        "needs the component",
        "config.json",
        "@register",
        "components=[",
        "pyg_moleblend.components",
        "--plugin",
    ):
        assert said in without.stderr, without.stderr
    # The objective is pretraining's alone: an encoder without the relation of one's own would do without the plugin.
    config = json.loads((pretrained / "model" / "config.json").read_text())
    assert config["model"]["arguments"]["objectives"]["size"]["component"] == "SizeObjective"


def test_plugins_are_taken_from_among_the_words():
    assert take_plugins(["a", "--plugin", "x.py", "--b=1", "--plugin=y"]) == (["x.py", "y"], ["a", "--b=1"])
    for words in (["--plugin"], ["--plugin="], ["--plugin", "--out"]):
        with pytest.raises(ValueError, match="needs the path of a Python file"):
            take_plugins(words)


def test_what_cannot_be_loaded_is_said(tmp_path: Path):
    broken = tmp_path / "broken_plugin_of_a_test.py"
    broken.write_text("import no_such_module_at_all\n")
    with pytest.raises(ValueError, match=r"broken_plugin_of_a_test\.py cannot be loaded: ModuleNotFoundError"):
        load_plugin(str(broken))
    broken.write_text("nobody_knows_this_name\n")
    with pytest.raises(ValueError, match="cannot be loaded: NameError: name 'nobody_knows_this_name' is not defined"):
        load_plugin(str(broken))
    broken.write_text("def f(:\n")
    with pytest.raises(ValueError, match="cannot be loaded"):
        load_plugin(str(broken))
    with pytest.raises(ValueError, match="there is no plugin file"):
        load_plugin(str(tmp_path / "absent.py"))
    with pytest.raises(ValueError, match="cannot be loaded"):
        load_plugin("no_such_module_at_all")
    other = tmp_path / "json.py"
    other.write_text("")
    with pytest.raises(ValueError, match="rename it"):
        load_plugin(str(other))
