from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_is_fitted

from pyg_moleblend.checkpoints import read_metadata
from pyg_moleblend.datasets.recipe import Recipe
from pyg_moleblend.estimators.rows import compute_rows, rows_of, warn_of
from pyg_moleblend.inference.embed import embedding_model
from pyg_moleblend.inference.loaded_model import LoadedModel, conformer_settings
from pyg_moleblend.nn import Readout
from pyg_moleblend.utils.molecules import Modality, check_modality


class MoleBlendEmbedder(TransformerMixin, BaseEstimator):
    r"""Makes a vector of each molecule by a pretrained encoder, as a transformer of scikit-learn; see
    :func:`~pyg_moleblend.inference.embed`.

    ``X`` is as for :class:`MoleBlendRegressor`. Nothing is learnt from it: fitting loads the encoder, which is then
    part of the object and of its pickles.

    Args:
        encoder: The name of an encoder that comes with the package, a folder with a model of any kind, or a hub
            repository. (default: :obj:`"moleblend-tiny"`)
        readout: What makes the vectors, or what makes that of C, such as a class; by default that of a saved
            :class:`~pyg_moleblend.models.MoleBlendForEmbedding`, else the graph token.
        modality: Which inputs to use, ``"2d"``, ``"3d"`` or ``"2d+3d"``. If 3D is among them, SMILES and molecules
            without coordinates get a conformer. (default: :obj:`"2d"`)
        batch_size: Molecules of a batch. (default: :obj:`64`)
        device: ``"auto"`` is a GPU where there is one. (default: :obj:`"auto"`)

    Attributes:
        model_: The :class:`~pyg_moleblend.models.MoleBlendForEmbedding`, on the CPU.
        n_features_in_: 1, the column of molecules.

    Example:
        >>> MoleBlendEmbedder().fit_transform(["CCO", "CCN"]).shape
        (2, 128)
    """

    def __init__(
        self,
        encoder: str | Path = "moleblend-tiny",
        readout: Readout | Callable[[int], Readout] | None = None,
        modality: Modality = "2d",
        batch_size: int = 64,
        device: str = "auto",
    ) -> None:
        self.encoder = encoder
        self.readout = readout
        self.modality = modality
        self.batch_size = batch_size
        self.device = device

    def fit(self, X: Any, y: Any = None) -> MoleBlendEmbedder:
        r"""Loads the encoder.

        Args:
            X: M molecules; only their form is looked at.
            y: Not looked at. (default: :obj:`None`)

        Raises:
            FileNotFoundError: If there is no such encoder.
            ValueError: If ``X`` holds no molecules, or an argument is out of its range.
        """
        rows_of(X)
        check_modality(self.modality)
        self.model_ = embedding_model(self.encoder, readout=self.readout)
        self.recipe_ = Recipe.from_metadata(read_metadata(self.encoder))
        self.n_features_in_ = 1
        return self

    def transform(self, X: Any) -> NDArray[np.float32]:
        r"""Vectors in the order of ``X``, ``[M, F]``.

        What is no molecule gets NaN, and a warning names it.

        Raises:
            ValueError: If ``X`` holds no molecules, or ``Data`` have other hydrogens than the encoder has learnt from.
            sklearn.exceptions.NotFittedError: Before :meth:`fit`.
        """
        check_is_fitted(self)
        rows, model, modality = rows_of(X), self.model_, self.modality
        loaded = LoadedModel(
            lambda batch: model(batch, modality),
            self.get_feature_names_out().tolist(),
            torch.float32,
            [model],
            self.recipe_,
            modality,
            conformer_settings(1, None, self.recipe_),
            False,
            self.batch_size,
            self.device,
        )
        return warn_of(compute_rows(loaded, model, rows))

    def get_feature_names_out(self, input_features: Any = None) -> NDArray[np.object_]:
        r"""``e0``, ``e1``, ..., as :func:`~pyg_moleblend.inference.embed` calls them, ``[F]``.

        Args:
            input_features: Not looked at. (default: :obj:`None`)

        Raises:
            sklearn.exceptions.NotFittedError: Before :meth:`fit`.
        """
        check_is_fitted(self)
        return np.array([f"e{number}" for number in range(self.model_.readout.out_channels)], dtype=object)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.one_d_array = tags.input_tags.string = True
        tags.input_tags.two_d_array = False
        tags.transformer_tags.preserves_dtype = []
        return tags
