r"""Property models in seconds to minutes, without a network: kernels on fingerprints and descriptors, and forests.

What a pretrained encoder is worth is what its embedding adds to such a model, so the model takes embeddings as inputs.
It knows nothing of training or of the encoder: embeddings come from :func:`pyg_moleblend.inference.embed`.
A kernel, a member of the mean and a calibration are a file each; :mod:`~pyg_moleblend.quick.model` has them together.
"""

from pyg_moleblend.quick.features import DESCRIPTOR_NAMES, FINGERPRINTS, features_of
from pyg_moleblend.quick.model import QuickModel, QuickPrediction

__all__ = ["DESCRIPTOR_NAMES", "FINGERPRINTS", "QuickModel", "QuickPrediction", "features_of"]
