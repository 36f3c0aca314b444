import json
import subprocess
import sys
from pathlib import Path

import pytest

import pyg_moleblend
from pyg_moleblend.cli import app, main
from pyg_moleblend.cli.app import VERBS, make_parser, normalise, with_new_config
from pyg_moleblend.cli.plugins import load_plugin


def test_overview_names_every_verb(capsys):
    assert main(["--help"]) == 0
    overview = capsys.readouterr().out
    assert all(verb in overview for verb in VERBS)
    assert main([]) == 2
    assert main(["--version"]) == 0
    assert capsys.readouterr().out.endswith(pyg_moleblend.__version__ + "\n")


@pytest.mark.parametrize("verb", VERBS)
def test_every_option_is_explained(verb, capsys):
    assert main([verb, "--help"]) == 0
    text = capsys.readouterr().out
    assert f"moleblend {verb}" in text
    parser, _ = make_parser(verb)
    unexplained = [action.dest for action in parser._actions if action.help in (None, "") and action.dest != "help"]
    assert unexplained == []


def test_help_does_not_wait_for_torch():
    check = (
        "import sys; from pyg_moleblend.cli.app import VERBS, main; main(['--help'])\n"
        "for verb in VERBS: main([verb, '--help'])\n"
        "print(sorted({'torch', 'torch_geometric', 'pandas', 'rdkit', 'lightning', 'sklearn'} & sys.modules.keys()))"
    )
    result = subprocess.run([sys.executable, "-c", check], capture_output=True, text=True, check=True)
    assert result.stdout.splitlines()[-1] == "[]"


def test_predicting_imports_neither_a_trainer_nor_scikit_learn():
    check = (
        "import sys, pyg_moleblend.inference.predict, pyg_moleblend.cli.molecules\n"
        "print(sorted({'lightning', 'sklearn', 'torchmetrics', 'matplotlib'} & sys.modules.keys()))"
    )
    result = subprocess.run([sys.executable, "-c", check], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"


def test_the_package_can_be_run():
    words = [sys.executable, "-m", "pyg_moleblend"]
    result = subprocess.run([*words, "--version"], capture_output=True, text=True)
    assert result.stdout.strip() == pyg_moleblend.__version__
    assert subprocess.run([*words, "train"], capture_output=True).returncode == 2


def test_options_are_written_with_dashes_and_switches_alone():
    parser, _ = make_parser("pretrain")
    words = ["--smiles-column", "a-b", "--resume", "--model.num-layers=2", "--machine.compile", "false", "--data=x-y"]
    assert normalise(words, parser) == [
        "--smiles_column", "a-b", "--resume=true", "--model.num_layers=2", "--machine.compile", "false", "--data=x-y",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["train"], "moleblend train: error: unknown verb 'train'; there are prepare, "),
        (["pretrain", "--out", "x"], "moleblend pretrain: error: the following arguments are required: data"),
        (["predict", "m"], "moleblend predict: error: the following arguments are required: molecules"),
        (["predict", "m", "C", "--bogus", "3"], "unrecognized arguments: --bogus 3"),
        (["predict", "m", "C", "--batchsize", "3"], "did you mean --batch_size?"),
        (["check", "t.csv", "--target", "y"], "ambiguous option: --target could match --targets, --targets+; did you "),
        (["predict", "m", "C", "--batch-size", "many"], "batch_size"),
        (["pretrain", "--data", "x", "--out", "y", "--model.heads=7"], "`channels` must be divisible by `heads`"),
        (["pretrain", "--config", "nowhere.yaml"], "nowhere.yaml'"),
    ],
)
def test_errors_are_one_line(words, expected, refused):
    assert expected in refused(*words)


def test_unknown_config_keys_are_named(tmp_path, refused):
    path = tmp_path / "config.yaml"
    path.write_text("data: qm9\nout: x\nmodel: {chanels: 3}\n")
    assert "Group 'model' does not accept option 'chanels'" in refused("pretrain", "--config", path)


def test_tracebacks_are_to_be_had(monkeypatch):
    monkeypatch.setenv("MOLEBLEND_TRACEBACK", "1")
    with pytest.raises(ValueError, match="unknown verb"):
        main(["train"])


CONFIGS = sorted((Path(__file__).parents[2] / "examples" / "configs").rglob("*.yaml"))


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.stem)
def test_example_configs_are_understood(path):
    parser, _ = make_parser("finetune" if path.parent.name == "moleculenet" else path.stem.split("_")[0])
    arguments = parser.instantiate(parser.parse_args(["--config", str(path), "--out", "x"]))
    assert arguments.data
    assert arguments.schedule.learning_rate > 0


def test_every_set_of_moleculenet_has_a_config():
    from pyg_moleblend.datasets.moleculenet.dataset import SOURCES

    published = set(SOURCES) - {"pcba"}  # the paper has nothing on PCBA
    assert {path.stem for path in CONFIGS if path.parent.name == "moleculenet"} == published


def test_paper_config_is_the_paper():
    from pyg_moleblend.cli.component_options import make
    from pyg_moleblend.models import MoleBlendConfig
    from pyg_moleblend.nn import BatchBlending, PairBlending

    path = next(path for path in CONFIGS if path.stem == "pretrain_paper")
    parser, _ = make_parser("pretrain")
    arguments = parser.instantiate(parser.parse_args(["--config", str(path), "--out", "x"]))
    weights = {"spd": 0.1, "bond_path": 0.1, "displacement": 0.5, "denoising": 6.0}
    assert arguments.model == MoleBlendConfig.paper()
    assert arguments.loss_weights == weights
    assert arguments.objectives is None
    blending = make(arguments.blending, "blending")
    assert type(blending) is BatchBlending
    assert repr(blending).split("(", 1)[1] == repr(PairBlending()).split("(", 1)[1]  # the paper's probabilities
    assert arguments.schedule.batch_size * arguments.machine.devices == 4096
    assert arguments.schedule.warmup_steps(220_000) == 20_000


OLD_CONFIG = """data: molecules.csv
model:
  channels: 32
  heads: 4
  relation_probabilities: [0.5, 0.3, 0.2]
  blend_scope: batch
  geometry_objective: distance
  bond_vocabulary: release
  pair_channels: 8
  loss_weights: {spd: 0.1, bond_path: 0.2, displacement: 0.5, distance: 0.7, denoising: 0.0}
schedule:
  epochs: 3
"""


def test_configuration_files_of_the_first_format_are_understood(tmp_path):
    from pyg_moleblend.cli.component_options import make_pretraining
    from pyg_moleblend.nn import BatchBlending, DistanceRecovery

    path = tmp_path / "old.yaml"
    path.write_text(OLD_CONFIG)
    parser, _ = make_parser("pretrain")
    for words in (["--config", str(path), "--out", "x"], [f"--config={path}", "--out", "x"]):
        arguments = parser.instantiate(parser.parse_args(with_new_config(words)))
        model = make_pretraining(
            arguments.model, arguments.relations, arguments.objectives, arguments.blending, arguments.loss_weights
        )
        assert arguments.schedule.epochs == 3
        assert (model.config.channels, model.config.heads) == (32, 4)
        assert list(model.objectives) == ["spd", "bond_path", "denoising", "distance"]
        assert type(model.objectives["distance"]) is DistanceRecovery
        assert model.objectives["bond_path"].num_classes == 24
        assert model.objectives["spd"].head.row.out_features == 8
        assert type(model.blending) is BatchBlending
        assert model.blending.relations.probabilities == {"spd": 0.5, "bond_path": 0.3, "distance": 0.2}
        assert model.loss_weighting.weights == {"spd": 0.1, "bond_path": 0.2, "distance": 0.7, "denoising": 0.0}


def test_a_plugin_is_named_on_the_command_line_only(tmp_path, refused):
    path = tmp_path / "config.yaml"
    path.write_text("data: qm9\nout: x\nplugin: evil.py\n")
    assert "a plugin is code" in refused("pretrain", "--config", path)
    assert "there is no plugin file" in refused("pretrain", "--plugin", tmp_path / "absent.py", "--data", "qm9")
    assert "needs the path" in refused("pretrain", "--plugin")


EVIL = {"class_path": "evil_module_of_a_test.Evil", "init_args": {}}


@pytest.mark.parametrize(
    "content",
    [
        {"model": EVIL},
        {"schedule": EVIL},
        {"relations": {"own": EVIL}},
        {"relations": {"own": {"component": "SPDBias", "arguments": {"scale": EVIL}}}},
        {"objectives": {"own": EVIL}},
        {"blending": EVIL},
    ],
    ids=lambda content: next(iter(content)),
)
def test_a_configuration_file_makes_no_module_be_imported(
    content: dict, table, tmp_path, refused, monkeypatch: pytest.MonkeyPatch
):
    (tmp_path / "evil_module_of_a_test.py").write_text(
        "from pyg_moleblend.models import MoleBlendConfig\nclass Evil(MoleBlendConfig): ...\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    (tmp_path / "config.yaml").write_text(json.dumps(content))
    refused("pretrain", "--config", tmp_path / "config.yaml", "--data", table, "--out", tmp_path / "run")
    assert "evil_module_of_a_test" not in sys.modules


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ({"shedule": {"epochs": 1}}, ["did you mean schedule?", "there are blending,", "machine,", "relations,"]),
        ({"schedule": {"epoch": 1}}, ["did you mean epochs?", "there are accumulate, batch_size,"]),
        ({"model": {"chanels": 1}}, ["did you mean channels?", "num_gaussians"]),
        ({"machine": {"zyx": 1}}, ["; there are accelerator, activation_checkpointing,"]),
    ],
)
def test_a_misspelt_key_of_a_configuration_file_is_told_with_those_that_there_are(
    content: dict, said: list[str], table, tmp_path, refused
):
    (tmp_path / "config.yaml").write_text(json.dumps(content))
    message = refused("pretrain", "--config", tmp_path / "config.yaml", "--data", table, "--out", tmp_path / "run")
    for words in said:
        assert words in message


def test_a_run_goes_on_with_the_plugins_that_it_was_begun_with(tmp_path, monkeypatch):
    plugin = tmp_path / "plugin_of_run.py"
    plugin.write_text("A = 1\n")
    monkeypatch.setattr("pyg_moleblend.cli.plugins.LOADED", [])
    load_plugin(str(plugin))
    app._keep(tmp_path, "seed: 1\n", False)
    app._keep(tmp_path, "seed: 1\n", True)
    plugin.write_text("A = 2\n")
    with pytest.raises(ValueError, match="begun with plugins of another content"):
        app._keep(tmp_path, "seed: 1\n", True)


def test_torchrun_does_not_run_a_verb_of_one_process_twice(monkeypatch, table, tmp_path, refused):
    monkeypatch.setenv("TORCHELASTIC_RUN_ID", "1")
    monkeypatch.setenv("WORLD_SIZE", "2")
    line = refused("fit", table, "--targets", "gap", "--out", tmp_path / "run")
    assert "fit is the work of one process: start it without torchrun, which shares out pretrain, finetune" in line
    assert not (tmp_path / "run").exists()
