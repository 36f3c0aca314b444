r"""GraphGym's own main program, with MoleBLEND's parts known to it (extra: graphgym).

    python examples/graphgym/main.py --cfg examples/graphgym/network.yaml
    python examples/graphgym/main.py --cfg examples/graphgym/layers.yaml moleblend.heads 2

`network.yaml` trains a whole encoder, `layers.yaml` MoleBLEND's layers in GraphGym's network. The molecules beside them
are some hundred with their Crippen logP, computed by RDKit.
"""

import os

import torch
from torch_geometric import seed_everything
from torch_geometric.graphgym.cmd_args import parse_args
from torch_geometric.graphgym.config import cfg, dump_cfg, load_cfg, set_out_dir, set_run_dir
from torch_geometric.graphgym.logger import set_printing
from torch_geometric.graphgym.model_builder import create_model
from torch_geometric.graphgym.train import GraphGymDataModule, train
from torch_geometric.graphgym.utils.comp_budget import params_count

import pyg_moleblend.graphgym  # noqa: F401 - its parts are known from here on


def main() -> None:
    args = parse_args()
    load_cfg(cfg, args)
    set_out_dir(cfg.out_dir, args.cfg_file)
    dump_cfg(cfg)
    torch.set_num_threads(cfg.num_threads)
    set_run_dir(cfg.out_dir)
    set_printing()
    seed_everything(cfg.seed)
    cfg.accelerator = "cuda" if torch.cuda.is_available() else "cpu"
    datamodule, model = GraphGymDataModule(), create_model()
    cfg.params = params_count(model)
    train(model, datamodule, trainer_config={"enable_progress_bar": False})


if __name__ == "__main__":
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    main()
