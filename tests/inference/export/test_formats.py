import pytest
import torch

from pyg_moleblend.inference.export import DenseModel, export_inputs, formats
from pyg_moleblend.inference.property_model import load_property_models


def test_sizes_stay_open_by_name(folder):
    onnx = pytest.importorskip("onnx")
    pytest.importorskip("onnxscript")
    inputs = {name: torch.from_numpy(array) for name, array in export_inputs(folder, ["CCO", "CCCC"]).items()}
    model = DenseModel(load_property_models(folder)).eval()
    graph = onnx.load_from_string(formats.FORMATS[".onnx"].write(model, inputs)).graph
    shapes = {
        value.name: [size.dim_param or size.dim_value for size in value.type.tensor_type.shape.dim]
        for value in [*graph.input, *graph.output]
    }
    assert shapes == {
        "x": ["batch", "atoms", 9],
        "mask": ["batch", "atoms"],
        "bond_path": ["batch", "atoms", "atoms", model.config.max_path_length],
        "spd": ["batch", "atoms", "atoms"],
        "values": ["batch", 2],
    }
    assert "Loop" not in {node.op_type for node in graph.node}  # one over pairs would be thousands of times slower


def test_what_is_too_large_for_onnx_is_told(folder, monkeypatch):
    model = DenseModel(load_property_models(folder))
    monkeypatch.setattr(formats, "_MOST_BYTES", 1000)
    with pytest.raises(ValueError, match=r"more than one ONNX file may hold: export it as \.pt2"):
        formats.FORMATS[".onnx"].write(model, {})
