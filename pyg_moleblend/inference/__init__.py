r"""Use of trained models: predictions and what they are made of, embeddings, scores, and reports of what was recovered;
of libraries that no memory holds in :mod:`pyg_moleblend.inference.screening`, as one file in
:mod:`pyg_moleblend.inference.export`.

It knows nothing of training, so that a prediction does not import a trainer. Models are saved and loaded next door, in
:mod:`pyg_moleblend.checkpoints`; :mod:`pyg_moleblend.training` scores with what is here.
"""

from typing import TYPE_CHECKING

from pyg_moleblend.runtime.lazy import export_lazily

if TYPE_CHECKING:
    from pyg_moleblend.inference.attribution import Attribution, attribute, load_attributor
    from pyg_moleblend.inference.embed import embed, load_embedder
    from pyg_moleblend.inference.evaluate import evaluate, score_model
    from pyg_moleblend.inference.export.export_model import export_inputs, export_model
    from pyg_moleblend.inference.loaded_model import LoadedModel
    from pyg_moleblend.inference.predict import load_predictor, predict
    from pyg_moleblend.inference.recovery_report import RecoveryReport, recovery_report
    from pyg_moleblend.inference.run_batches import run_batches
    from pyg_moleblend.inference.trivial_guess import trivial_guess

__all__ = [
    "Attribution",
    "LoadedModel",
    "RecoveryReport",
    "attribute",
    "embed",
    "evaluate",
    "export_inputs",
    "export_model",
    "load_attributor",
    "load_embedder",
    "load_predictor",
    "predict",
    "recovery_report",
    "run_batches",
    "score_model",
    "trivial_guess",
]

export_lazily(__name__)
