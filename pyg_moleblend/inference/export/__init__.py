r"""Fine-tuned models as one file that needs none of this package: ONNX, or a program of ``torch.export``.

``dense_model.py`` is what is traced, dense tensors to values; ``formats.py`` traces it, ``export_model.py`` compares
and writes it.
"""

from typing import TYPE_CHECKING

from pyg_moleblend.runtime.lazy import export_lazily

if TYPE_CHECKING:
    from pyg_moleblend.inference.export.dense_model import DenseModel
    from pyg_moleblend.inference.export.export_model import export_inputs, export_model

__all__ = ["DenseModel", "export_inputs", "export_model"]

export_lazily(__name__)
