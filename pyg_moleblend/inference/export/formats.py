r"""The two forms of an exported model, ONNX and a program of ``torch.export``: how it is traced, and run again."""

from __future__ import annotations

import io
import logging
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.attention import SDPBackend, sdpa_kernel

from pyg_moleblend.inference.export.dense_model import DenseModel

Inputs = dict[str, Tensor]
Run = Callable[[Inputs], NDArray[np.float64]]

_MOST_BYTES = 2**31  # of an ONNX file
_LOUD = ("torch.onnx", "onnxscript", "onnx_ir")


class Format(NamedTuple):
    r"""A form of exported models.

    Attributes:
        require: Raises :class:`ImportError` if a package that it needs is not installed.
        write: The file's content, by a model and inputs like those that it is to take.
        run: Makes of a file's content a function of inputs that gives the ``values``.
    """

    require: Callable[[], None]
    write: Callable[[DenseModel, Inputs], bytes]
    run: Callable[[bytes], Run]


def dims_of(level: str) -> list[str]:
    r"""Names of the first dimensions of an input, ``"batch"`` and ``"atoms"``, by its level."""
    return {"graph": ["batch"], "atom": ["batch", "atoms"], "pair": ["batch", "atoms", "atoms"]}[level]


def _shapes(model: DenseModel, dims: Mapping[str, Any]) -> dict[str, Any]:
    r"""Which dimensions are to stay open, as ``torch.export`` has it."""
    levels = model.levels.items()
    return {"inputs": {name: {place: dims[dim] for place, dim in enumerate(dims_of(level))} for name, level in levels}}


def _write_program(model: DenseModel, inputs: Inputs) -> bytes:
    dims = {name: torch.export.Dim(name) for name in ("batch", "atoms")}
    with torch.no_grad(), _told("torch.export"):
        program = torch.export.export(model, (inputs,), dynamic_shapes=_shapes(model, dims), strict=False)
    file = io.BytesIO()
    torch.export.save(program, file)
    return file.getvalue()


def _run_program(content: bytes) -> Run:
    program = torch.export.load(io.BytesIO(content)).module()

    @torch.no_grad()
    def run(inputs: Inputs) -> NDArray[np.float64]:
        return np.asarray(program(inputs)["values"].double().numpy())

    return run


def _write_onnx(model: DenseModel, inputs: Inputs) -> bytes:
    size = sum(parameter.numel() * parameter.element_size() for parameter in model.parameters())
    if size >= _MOST_BYTES:
        raise ValueError(f"the weights are {size / 1e9:.1f} GB, more than one ONNX file may hold: export it as .pt2")
    # The fused kernel would be traced with the layout of its result, which what replaces it in ONNX does not have.
    with torch.no_grad(), sdpa_kernel(SDPBackend.MATH), _told("ONNX", "; as .pt2 it may"), _quiet():
        program: Any = torch.onnx.export(
            model,
            kwargs={"inputs": inputs},
            input_names=list(inputs),
            output_names=model.outputs,
            dynamic_shapes=_shapes(model, {name: name for name in ("batch", "atoms")}),
            dynamo=True,
            verbose=False,
        )
        return bytes(program.model_proto.SerializeToString())


def _run_onnx(content: bytes) -> Run:
    from onnxruntime import InferenceSession

    session = InferenceSession(content, providers=["CPUExecutionProvider"])

    def run(inputs: Inputs) -> NDArray[np.float64]:
        found = session.run(["values"], {name: value.numpy() for name, value in inputs.items()})
        return np.asarray(found[0], dtype=np.float64)

    return run


def _require_onnx() -> None:
    try:
        import onnx  # noqa: F401
        import onnxruntime  # noqa: F401
        import onnxscript  # noqa: F401
    except ImportError as error:
        raise ImportError(
            f"ONNX needs the packages onnx, onnxscript and onnxruntime ({error}): pip install 'pyg-moleblend[export]'"
        ) from error


@contextmanager
def _told(what: str, remedy: str = "") -> Iterator[None]:
    r"""Turns what tracing raises, of many types and pages, into one ``ValueError``."""
    try:
        yield
    except Exception as error:
        lines = [*str(error.__cause__ or error).splitlines(), type(error).__name__]
        reason = next(line for line in lines if line.strip())
        raise ValueError(f"the model cannot be exported, {what} cannot trace a part of it{remedy}: {reason}") from error


@contextmanager
def _quiet() -> Iterator[None]:
    r"""Keeps back what the exporter says of its own progress."""
    loggers = [logging.getLogger(name) for name in _LOUD]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)


FORMATS = {
    ".onnx": Format(_require_onnx, _write_onnx, _run_onnx),
    ".pt2": Format(lambda: None, _write_program, _run_program),
}
r"""By the suffix of the file."""
