import importlib.util
import io
import json
import random
import sys

import numpy as np
import pytest
import torch

from pyg_moleblend.checkpoints import save_pretrained
from pyg_moleblend.components import register
from pyg_moleblend.inference import predict
from pyg_moleblend.inference.export import export_inputs, export_model
from pyg_moleblend.inference.export.export_model import CHECKED
from pyg_moleblend.metrics import Task
from pyg_moleblend.models import MoleBlend, MoleBlendForPretraining, MoleBlendForPropertyPrediction, default_relations
from pyg_moleblend.nn import Gaussian, Quantile, Readout, ResistanceBias
from pyg_moleblend.runtime.files import digest_of

needs_onnx = pytest.mark.skipif(
    not all(importlib.util.find_spec(name) for name in ("onnx", "onnxscript", "onnxruntime")), reason="needs ONNX"
)
OTHERS = ["CC(C)Cc1ccc(cc1)C(C)C(=O)O", "CCN(CC)CC", "O", "C1CC1.CCO", "FC(F)(F)c1ccc(Cl)c(Br)c1"]
CLASSES = Task("classification", ("toxic", "active"), ("", ""), (0.0, 0.0), (1.0, 1.0))


def loaded(path):
    r"""A function of arrays by name, made of the file alone."""
    if path.suffix == ".onnx":
        from onnxruntime import InferenceSession

        session = InferenceSession(str(path), providers=["CPUExecutionProvider"])
        names = [output.name for output in session.get_outputs()]
        return lambda inputs: dict(zip(names, session.run(None, inputs), strict=True))
    program = torch.export.load(io.BytesIO(path.read_bytes())).module()

    @torch.no_grad()
    def run(inputs):
        found = program({name: torch.from_numpy(array) for name, array in inputs.items()})
        return {name: value.numpy() for name, value in found.items()}

    return run


@needs_onnx
def test_an_onnx_file_predicts_what_the_model_does(folder, tmp_path):
    out = tmp_path / "exported" / "model.onnx"
    told = export_model(folder, out)
    assert json.loads((out.parent / "model.onnx.json").read_text()) == told
    assert told["sha256"] == digest_of(out)
    assert told["largest_difference"] < 1e-5
    assert [(of["name"], of["unit"]) for of in told["targets"]] == [("gap", "eV"), ("mu", "D")]
    run = loaded(out)
    inputs = export_inputs(folder, OTHERS)
    for name, array in inputs.items():
        said = told["inputs"][name]
        assert said["dtype"] == str(array.dtype)
        sizes = {"batch": len(OTHERS), "atoms": inputs["mask"].shape[1]}
        assert [sizes.get(size, size) for size in said["shape"]] == list(array.shape)
    expected = predict(folder, OTHERS, device="cpu")[["gap", "mu"]].to_numpy()
    np.testing.assert_allclose(run(inputs)["values"], expected, atol=1e-5)
    for row, smiles in enumerate(OTHERS):  # a batch of one, and for water a molecule of one atom
        np.testing.assert_allclose(run(export_inputs(folder, [smiles]))["values"], expected[[row]], atol=1e-5)


@pytest.mark.parametrize("suffix", [pytest.param(".onnx", marks=needs_onnx), ".pt2"])
def test_3d_and_classes(model, tmp_path, suffix):
    folder = save_pretrained(model, tmp_path / "model", {"task": CLASSES.to_dict(), "modality": "2d+3d"})
    told = export_model(folder, tmp_path / f"file{suffix}")
    assert told["kind"] == "classification"
    assert told["outputs"]["values"] == {"dtype": "float32", "shape": ["batch", 2]}
    assert told["inputs"]["pos"] == {"dtype": "float32", "shape": ["batch", "atoms", 3]}
    run, inputs = loaded(tmp_path / f"file{suffix}"), export_inputs(folder, OTHERS)
    names = ["toxic", "active"]
    in_3d = predict(folder, OTHERS, device="cpu")[names].to_numpy()
    np.testing.assert_allclose(run(inputs)["values"], in_3d, atol=1e-5)
    flat = predict(folder, OTHERS, modality="2d", device="cpu")[names].to_numpy()
    assert np.abs(flat - in_3d).max() > 1e-3
    some = inputs["pos"].copy()
    some[::2] = np.nan
    expected = np.where(np.arange(len(OTHERS))[:, None] % 2 == 0, flat, in_3d)
    np.testing.assert_allclose(run({**inputs, "pos": some})["values"], expected, atol=1e-5)


@pytest.mark.parametrize("suffix", [pytest.param(".onnx", marks=needs_onnx), ".pt2"])
def test_seeds_that_predict_together_become_one_file(suffix, config, tmp_path):
    task = Task("regression", ("gap",), ("eV",), (5.0,), (1.5,))
    for seed, scale in ((0, 1.0), (1, 2.0)):
        torch.manual_seed(seed)
        errors = [[scale * i / 40 for i in range(40)]]
        metadata = {"task": task.to_dict(), "modality": "2d", "errors": errors}
        save_pretrained(MoleBlendForPropertyPrediction(config, 1), tmp_path / f"seed-{seed}" / "model", metadata)
    (tmp_path / "summary.json").write_text('{"members": ["seed-0", "seed-1"]}')
    told = export_model(tmp_path, tmp_path / f"both{suffix}")
    found = loaded(tmp_path / f"both{suffix}")(export_inputs(tmp_path, OTHERS))
    expected = predict(tmp_path, OTHERS, device="cpu")
    np.testing.assert_allclose(found["values"][:, 0], expected["gap"], atol=1e-5)
    np.testing.assert_allclose(found["deviations"][:, 0], expected["gap_std"], atol=1e-5)
    half = (expected["gap_upper"] - expected["gap_lower"]).iloc[0] / 2
    assert told["targets"][0]["interval_half_width"] == pytest.approx(half)
    assert (told["models"], told["interval_level"]) == (2, 0.9)
    assert set(told["model"]) == {f"{n}/{name}" for n in (0, 1) for name in ("config.json", "model.safetensors")}


@register
class Fickle(Readout):
    r"""A readout that Python changes from call to call, which no trace can hold."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.out_channels = channels

    def forward(self, output, molecules):
        return 1000 * random.random() * output.graph


@register
class Choosy(Fickle):
    r"""A readout that looks at numbers to decide what to do, which cannot be traced."""

    def forward(self, output, molecules):
        return output.graph if float(output.graph.sum()) > 0 else -output.graph


@pytest.mark.parametrize(("readout", "message"), [(Fickle, "is not written"), (Choosy, "cannot trace a part of it")])
def test_what_does_not_become_the_same_is_not_written(config, tmp_path, readout, message):
    model = MoleBlendForPropertyPrediction(config, 2, readout=readout(config.channels))
    folder = save_pretrained(model, tmp_path / "model", {"task": CLASSES.to_dict(), "modality": "2d"})
    with pytest.raises(ValueError, match=message):
        export_model(folder, tmp_path / "file.pt2")
    assert not list(tmp_path.glob("file*"))


@needs_onnx
def test_what_onnx_lacks_may_be_had_otherwise(config, tmp_path):
    encoder = MoleBlend(config, {**default_relations(config), "resistance": ResistanceBias(config.heads)})
    model = MoleBlendForPropertyPrediction(config, 2, encoder)
    folder = save_pretrained(model, tmp_path / "model", {"task": CLASSES.to_dict(), "modality": "2d"})
    with pytest.raises(ValueError, match=r"ONNX cannot trace a part of it; as \.pt2 it may"):
        export_model(folder, tmp_path / "file.onnx")
    assert export_model(folder, tmp_path / "file.pt2")["largest_difference"] < 1e-5


def test_errors_name_input_and_remedy(folder, config, tmp_path, monkeypatch):
    with pytest.raises(ValueError, match=r"exported as \.onnx or \.pt2, got model\.bin"):
        export_model(folder, "model.bin")
    pretrained = save_pretrained(MoleBlendForPretraining(config), tmp_path / "pretrained")
    with pytest.raises(ValueError, match="knows no property"):
        export_model(pretrained, tmp_path / "file.pt2")
    with pytest.raises(ValueError, match=r"these are no molecules: 'C1C' \("):
        export_inputs(folder, [*CHECKED, "C1C"])
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(ImportError, match=r"pip install 'pyg-moleblend\[export\]'"):
        export_model(folder, tmp_path / "file.onnx")


@pytest.mark.parametrize("criterion", [Gaussian(), Quantile()])
def test_a_model_with_intervals_of_its_own_is_exported_with_its_means_alone(criterion, config, tmp_path):
    torch.manual_seed(0)
    task = Task("regression", ("gap",), ("eV",), (5.0,), (1.5,))
    metadata = {"task": task.to_dict(), "modality": "2d", "errors": [[i / 40 for i in range(40)]]}
    model = MoleBlendForPropertyPrediction(config, 1, criterion=criterion)
    folder = save_pretrained(model, tmp_path / "model", metadata)
    told = export_model(folder, tmp_path / "file.pt2")
    found = loaded(tmp_path / "file.pt2")(export_inputs(folder, OTHERS))
    np.testing.assert_allclose(found["values"][:, 0], predict(folder, OTHERS, device="cpu")["gap"], atol=1e-5)
    assert told["targets"][0]["interval_half_width"] is None  # one width would be wrong
    assert told["interval_level"] is None
