r"""MoleBLEND in PyG's GraphGym: importing this module makes its parts known to a configuration.

=================================  ====================================================================================
in the YAML file                   what it names
=================================  ====================================================================================
``model.type: moleblend``          the encoder with a head for the targets; its shape, or a saved encoder, is in
                                   ``moleblend``
``gnn.layer_type: moleblendconv``  :class:`~pyg_moleblend.nn.MoleBlendConv`, in GraphGym's own network
``node_encoder_name: moleblend``   OGB's atom features and the degree, embedded (of ``dataset``)
``format: MoleBlend``              a table of molecules, ``name`` being its path (of ``dataset``)
``moleblend.relations: true``      shortest paths and their bonds attached to the graphs of GraphGym's own formats
=================================  ====================================================================================
"""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

from torch import Tensor, nn
from torch_geometric.data import Batch, Data, InMemoryDataset
from torch_geometric.transforms import Compose

from pyg_moleblend.checkpoints import encoder_from_pretrained, read_metadata
from pyg_moleblend.datasets import MoleculeTable
from pyg_moleblend.datasets.recipe import Recipe
from pyg_moleblend.models import MoleBlendConfig, MoleBlendForPropertyPrediction
from pyg_moleblend.nn import AtomEmbedding, MoleBlendConv
from pyg_moleblend.splits import random_split
from pyg_moleblend.transforms import AddRelations
from pyg_moleblend.utils import pack
from pyg_moleblend.utils.molecules import Modality, check_modality

try:
    from yacs.config import CfgNode
except ImportError as error:
    raise ImportError("GraphGym needs the package yacs: pip install 'pyg-moleblend[graphgym]'") from error

from torch_geometric.graphgym import register
from torch_geometric.graphgym.config import cfg
from torch_geometric.graphgym.loader import load_ogb, load_pyg, set_dataset_attr

__all__ = ["MoleBlendAtomEncoder", "MoleBlendConvLayer", "MoleBlendNetwork", "add_moleblend_config", "load_molecules"]

FORMAT = "MoleBlend"
_PARTS = ("train_graph_index", "val_graph_index", "test_graph_index")


@register.register_config("moleblend")
def add_moleblend_config(cfg: Any) -> None:
    r"""The group ``moleblend`` of the configuration: the fields of :class:`~pyg_moleblend.models.MoleBlendConfig`, and

    * ``encoder``: a saved encoder instead, as :func:`~pyg_moleblend.checkpoints.from_pretrained` finds it;
    * ``modality``: which inputs to use, ``2d``, ``3d`` or ``2d+3d``;
    * ``relations``: whether graphs of GraphGym's own formats get shortest paths and their bonds attached;
    * ``smiles`` and ``targets``: columns of a table.
    """
    own = {"encoder": "", "modality": "2d+3d", "relations": False, "smiles": "", "targets": []}
    cfg.moleblend = CfgNode({**asdict(MoleBlendConfig()), **own})


@register.register_network("moleblend")
class MoleBlendNetwork(nn.Module):
    r"""A :class:`~pyg_moleblend.models.MoleBlendForPropertyPrediction` as the configuration describes it.

    Args:
        dim_in: Not looked at: the molecules' atom features are OGB's.
        dim_out: T, the number of targets.

    Shapes:
        - **input:** a batch of molecules
        - **output:** predictions ``[B, T]`` and the batch's ``y``
    """

    def __init__(self, dim_in: int, dim_out: int) -> None:
        super().__init__()
        self.modality: Modality = check_modality(cfg.moleblend.modality)
        encoder = encoder_from_pretrained(cfg.moleblend.encoder).train() if cfg.moleblend.encoder else None
        config = _config() if encoder is None else encoder.config
        self.model = MoleBlendForPropertyPrediction(config, dim_out, encoder)

    @property
    def encoder(self) -> nn.Module:
        r"""The encoder."""
        return self.model.encoder

    def forward(self, batch: Batch) -> tuple[Tensor, Tensor | None]:
        return self.model(batch, self.modality), batch.y


@register.register_layer("moleblendconv")
class MoleBlendConvLayer(nn.Module):
    r"""A :class:`~pyg_moleblend.nn.MoleBlendConv` on a batch whose ``x`` are states; heads, Gaussians and hops are
    those of the configuration's group ``moleblend``.

    Bonds are taken from ``spd`` and ``bond_path``, where the batch has them (``moleblend.relations``), else from
    ``edge_attr``, which an edge encoder must then have left alone.

    Args:
        layer_config: GraphGym's; ``dim_in`` and ``dim_out`` have to be the same.

    Raises:
        ValueError: If they are not.
    """

    def __init__(self, layer_config: Any, **kwargs: Any) -> None:
        super().__init__()
        if layer_config.dim_in != layer_config.dim_out:
            raise ValueError(
                f"moleblendconv keeps the width of its input, got {layer_config.dim_in} to {layer_config.dim_out}: set "
                "gnn.layers_pre_mp to 1, or a node encoder, and gnn.stage_type to stack or skipsum"
            )
        of = cfg.moleblend
        self.conv = MoleBlendConv(layer_config.dim_in, of.heads, of.num_gaussians, of.max_path_length, **kwargs)

    def forward(self, batch: Batch) -> Batch:
        known = {name: batch[name] for name in ("spd", "bond_path") if name in batch}
        pos = batch.pos if batch.get("pos") is not None and bool(batch.pos.isfinite().any()) else None
        attr = None if "bond_path" in known else batch.edge_attr
        batch.x = self.conv(batch.x, batch.edge_index, attr, batch=batch.batch, pos=pos, pairs=known)
        return batch


@register.register_node_encoder("moleblend")
class MoleBlendAtomEncoder(nn.Module):
    r"""OGB's atom features and the degree, embedded as in MoleBLEND: ``x`` becomes ``[ΣN, C]``.

    Args:
        emb_dim: C.
    """

    def __init__(self, emb_dim: int) -> None:
        super().__init__()
        self.embedding = AtomEmbedding(emb_dim, num_gaussians=1)

    def forward(self, batch: Batch) -> Batch:
        molecules = pack(batch, ("spd",), modality="2d")
        batch.x = self.embedding(molecules)[molecules.mask]
        return batch


@register.register_loader("moleblend")
def load_molecules(format: str, name: str, dataset_dir: str) -> Any:
    r"""A table of molecules for the format ``MoleBlend``, split at random by ``dataset.split`` and ``seed``; for
    GraphGym's own formats the dataset with relations, if ``moleblend.relations`` asks for them, and else None.

    Raises:
        ValueError: If a row is no molecule, or lacks a label: GraphGym's losses know of no missing ones.
    """
    relations = AddRelations(cfg.moleblend.max_path_length)
    if format == FORMAT:
        return _table(name, dataset_dir, relations)
    if not cfg.moleblend.relations or format not in ("PyG", "OGB"):
        return None
    dataset = load_pyg(name, dataset_dir) if format == "PyG" else load_ogb(name.replace("_", "-"), dataset_dir)
    dataset.transform = relations if dataset.transform is None else Compose([dataset.transform, relations])
    return dataset


class _Graphs(InMemoryDataset):
    def __init__(self, graphs: list[Data]) -> None:
        super().__init__(None)
        self.data, self.slices = self.collate(graphs)


def _table(name: str, folder: str, relations: AddRelations) -> InMemoryDataset:
    targets = list(cfg.moleblend.targets)
    if not targets:
        raise ValueError("say which columns are the targets, moleblend.targets: [NAME, ...]")
    path = Path(name) if Path(name).is_file() else Path(folder) / name
    if cfg.dataset.task_type == "classification" and len(targets) > 1:
        raise ValueError(f"{len(targets)} targets of two classes each are dataset.task_type: classification_multi")
    recipe = Recipe.from_metadata(read_metadata(cfg.moleblend.encoder)) if cfg.moleblend.encoder else None
    table = MoleculeTable(
        path,
        cfg.moleblend.smiles or None,
        targets,
        on_error="skip",
        hydrogens=(recipe or Recipe()).hydrogens,
        transform=relations,
        progress=False,
    )
    if table.failures:
        row, _, reason = table.failures[0]
        raise ValueError(
            f"{len(table.failures)} rows of {path} are no molecule, row {row} for one ({reason}): take them out"
        )
    if lacking := table.row[table.y.isnan().any(1)].tolist():
        raise ValueError(f"rows {lacking[:8]} of {path} lack a label, and GraphGym's losses want all: take them out")
    split = random_split(len(table), tuple(cfg.dataset.split), cfg.seed)
    if empty := [part for part, rows in split.as_dict().items() if not len(rows)]:
        raise ValueError(f"dataset.split leaves nothing of {path}'s {len(table)} molecules for {empty}: it needs more")
    dataset = _Graphs(list(table))
    dataset._data.y = dataset._data.y.float()
    for key, part in zip(_PARTS, (split.train, split.valid, split.test), strict=True):
        set_dataset_attr(dataset, key, part, len(part))
    return dataset


def _config() -> MoleBlendConfig:
    return MoleBlendConfig(**{name: cfg.moleblend[name] for name in asdict(MoleBlendConfig())})


if "moleblend" not in cfg:  # GraphGym makes its configuration when it is imported, before this
    add_moleblend_config(cfg)
