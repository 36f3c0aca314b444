from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable

import torch
from torch import Tensor
from torch_geometric.data import Batch, Data
from torch_geometric.transforms import BaseTransform


class AddPairField(BaseTransform):
    r"""A transform that attaches one flat pair field to a molecule, or to each of a batch.

    A subclass names the field and says in :meth:`values` what it is.
    """

    name: str

    @abstractmethod
    def values(self, data: Data) -> Tensor:
        r"""The field of a single molecule, ``[N * N, ...]`` row-major."""

    def forward(self, data: Data) -> Data:
        if isinstance(data, Batch):
            data[self.name] = torch.cat([self.values(molecule) for molecule in data.to_data_list()])
            record_slices(data, data.ptr.diff(), [self.name])
        else:
            data[self.name] = self.values(data)
        return data


def record_slices(batch: Batch, counts: Tensor, names: Iterable[str]) -> None:
    r"""Notes in a batch where the pair fields of each molecule begin and end, so that it can be taken apart again.

    Args:
        batch: The batch, which has the fields; it is changed, but nothing that it shares with another one.
        counts: Atoms of each molecule, ``[B]``.
        names: Names of the fields.
    """
    names = list(names)
    ends = torch.cat([counts.new_zeros(1), (counts * counts).cumsum(0)]).cpu()
    none = torch.zeros(len(counts), dtype=torch.long)
    batch._slice_dict = {**batch._slice_dict, **dict.fromkeys(names, ends)}
    batch._inc_dict = {**batch._inc_dict, **dict.fromkeys(names, none)}
