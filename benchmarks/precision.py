r"""What a fine-tuned model's predictions lose, and gain in speed, in bfloat16 and in int8, on a CPU (extra: export).

    python benchmarks/precision.py runs/esol --table esol.csv:smiles --out precision.json

The forms of the model are run in turn on the same dense batches, which are made before: what is timed is the model
alone. Errors are differences from float32, in standard deviations of the training labels, or in probability. Seconds
are medians, and their ratios can be compared between runs, not they themselves.
"""

from __future__ import annotations

import argparse
import copy
import json
import sys
from collections.abc import Callable, Sequence
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

if not __package__:  # run as a script: this folder itself would hide the package `ogb`
    sys.path[0] = str(Path(__file__).parents[1])

from benchmarks.speed import readable, tables
from benchmarks.timing import alternate, environment, write_json
from pyg_moleblend.inference.export import DenseModel, export_inputs, export_model
from pyg_moleblend.inference.property_model import load_property_models

Inputs = dict[str, Tensor]
Form = Callable[[Inputs], Any]
FLOAT32 = "float32"


def main(argv: Sequence[str] | None = None) -> dict[str, Any]:
    r"""Measures, prints and writes the result."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", help="folder of a run of finetune")
    parser.add_argument("--table", action="append", required=True, metavar="FILE:COLUMN", help="CSV file, its SMILES")
    parser.add_argument("--molecules", type=int, default=512, help="how many molecules, evenly spread over all")
    parser.add_argument("--batch-size", type=int, default=64)
    parser.add_argument("--repeats", type=int, default=9, help="timed rounds of each form over all batches")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads(), help="of torch and of onnxruntime")
    parser.add_argument("--out", type=Path, help="JSON file")
    args = parser.parse_args(argv)
    torch.set_num_threads(args.threads)
    smiles = sorted(readable(tables(args.table), args.molecules), key=len)  # batches of like size
    with TemporaryDirectory() as folder:
        result = {
            "environment": {**environment(), "onnxruntime": version("onnxruntime")},
            "molecules": len(smiles),
            "batch_size": args.batch_size,
            **measure(args.run, smiles, args.batch_size, args.repeats, args.threads, Path(folder)),
        }
    print(json.dumps(result, indent=2))
    if args.out is not None:
        write_json(args.out, result)
    return result


def measure(
    run: str, smiles: Sequence[str], batch_size: int, repeats: int, threads: int, folder: Path
) -> dict[str, Any]:
    r"""Errors and seconds of every form of a run's model.

    Args:
        run: Folder of the run.
        smiles: Molecules.
        batch_size: Molecules of a batch.
        repeats: Timed rounds.
        threads: Of onnxruntime.
        folder: Where files that are needed meanwhile go.
    """
    members = load_property_models(run)
    task = members[0].task
    cuts = [smiles[i : i + batch_size] for i in range(0, len(smiles), batch_size)]
    batches = [{name: torch.from_numpy(of) for name, of in export_inputs(run, cut).items()} for cut in cuts]
    forms = {**torch_forms(DenseModel(members).eval()), **onnx_forms(run, folder, threads)}
    values = {name: _values(form, batches) for name, form in forms.items()}
    seconds = alternate(
        {name: lambda form=form: [form(batch) for batch in batches] for name, form in forms.items()}, repeats
    )
    std = np.array(task.std)

    def figures(name: str) -> dict[str, float]:
        errors = np.abs(values[name] - values[FLOAT32]) / std
        return {
            "mean_error": float(errors.mean()),
            "largest_error": float(errors.max()),
            "seconds": seconds[name],
            "speed_ratio": seconds[FLOAT32] / seconds[name],
        }

    return {
        "model": {
            "kind": task.kind,
            "channels": members[0].model.config.channels,
            "num_layers": members[0].model.config.num_layers,
            "modality": members[0].modality,
        },
        "unit": "probability" if task.kind == "classification" else "standard deviations of the training labels",
        "deviation_of_predictions": float((values[FLOAT32] / std).std(0).mean()),
        "forms": {name: figures(name) for name in forms},
    }


def torch_forms(model: DenseModel) -> dict[str, Form]:
    r"""The model in float32, under autocast, and with bfloat16 weights."""
    half = copy.deepcopy(model).bfloat16()

    def autocast(inputs: Inputs) -> Tensor:
        with torch.autocast("cpu", torch.bfloat16):
            return _run(model, inputs)

    return {
        FLOAT32: lambda inputs: _run(model, inputs),
        "bfloat16 autocast": autocast,
        "bfloat16 weights": lambda inputs: _run(half, inputs),
    }


@torch.inference_mode()
def _run(model: DenseModel, inputs: Inputs) -> Tensor:
    return model(inputs)["values"]


def onnx_forms(run: str, folder: Path, threads: int) -> dict[str, Form]:
    r"""The exported model as it is, and with the weights of its matrix products in int8."""
    from onnxruntime import InferenceSession, SessionOptions
    from onnxruntime.quantization import QuantType, quantize_dynamic

    whole, small = folder / "model.onnx", folder / "int8.onnx"
    export_model(run, whole)
    quantize_dynamic(whole, small, weight_type=QuantType.QInt8, op_types_to_quantize=["MatMul", "Gemm"])

    def form(path: Path) -> Form:
        options = SessionOptions()
        options.intra_op_num_threads = threads
        session = InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        return lambda inputs: session.run(["values"], {name: of.numpy() for name, of in inputs.items()})[0]

    return {"onnxruntime float32": form(whole), "onnxruntime int8": form(small)}


def _values(form: Form, batches: Sequence[Inputs]) -> NDArray[np.float64]:
    return np.concatenate([np.asarray(form(batch), dtype=np.float64) for batch in batches])


if __name__ == "__main__":
    main()
