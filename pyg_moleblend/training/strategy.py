r"""How the devices of a run share the work: DDP, or FSDP, which shares the weights too."""

from __future__ import annotations

import copy
from typing import Any, TypeVar, cast

import torch
from lightning.pytorch.strategies import ModelParallelStrategy, Strategy
from lightning.pytorch.utilities import rank_zero_only
from torch import nn
from torch.distributed import is_torchelastic_launched
from torch.distributed.checkpoint.state_dict import StateDictOptions, get_model_state_dict
from torch.distributed.device_mesh import DeviceMesh
from torch.distributed.fsdp import FSDPModule, fully_shard, register_fsdp_forward_method

from pyg_moleblend.nn import MoleBlendLayer
from pyg_moleblend.runtime.ranks import forget_start
from pyg_moleblend.training.settings import Machine

M = TypeVar("M", bound=nn.Module)


def make_strategy(machine: Machine) -> str | Strategy:
    r"""Lightning's strategy.

    FSDP is PyTorch's second (``fully_shard``), which also runs on CPUs; checkpoints hold the whole state in one
    file.
    """
    if machine.strategy == "fsdp":
        return ModelParallelStrategy(save_distributed_checkpoint=False)
    return machine.strategy


def is_alone(machine: Machine) -> bool:
    r"""Whether a run has one process, by what it is to use of the machine.

    Variables of a cluster do not tell: they stand in every shell that was started by it.
    """
    if is_torchelastic_launched() or machine.num_nodes > 1:
        return False
    if machine.devices != "auto":
        return str(machine.devices) == "1"
    return machine.accelerator not in ("auto", "gpu", "cuda") or torch.cuda.device_count() <= 1


def settle_rank(machine: Machine) -> None:
    r"""Has the one process of a run know that it is the first.

    Lightning takes its number from whatever variable of a cluster it finds, and what is to be done once would be done
    by nobody.
    """
    if is_alone(machine):
        forget_start()
        cast(Any, rank_zero_only).rank = 0


def sharded(model: M, mesh: DeviceMesh) -> M:
    r"""A copy of a model whose weights are shared out over devices; each layer is put together when it is needed.

    Args:
        model: The model; it is not changed.
        mesh: The devices, in one dimension.
    """
    model = copy.deepcopy(model)
    for module in model.modules():
        if isinstance(module, MoleBlendLayer):
            fully_shard(module, mesh=mesh)
    fully_shard(model, mesh=mesh)
    for name in ("step", "outputs"):  # what training calls beside forward
        if hasattr(model, name):
            register_fsdp_forward_method(model, name)
    return model


def is_sharded(model: nn.Module) -> bool:
    r"""Whether a model comes from :func:`sharded`."""
    return isinstance(model, FSDPModule)


def put_together(model: nn.Module, whole: nn.Module) -> None:
    r"""Fills a whole model with the weights of a sharded one; all processes must call it.

    Args:
        model: From :func:`sharded`.
        whole: The model that it was made of, or one like it.
    """
    options = StateDictOptions(full_state_dict=True)
    state: dict[str, Any] = cast(dict[str, Any], get_model_state_dict(model, options=options))
    whole.load_state_dict(state)
