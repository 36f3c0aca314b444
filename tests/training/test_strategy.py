r"""Two processes, under torchrun and under Lightning's own launcher, against one."""

import json
import os
import subprocess
import sys
from itertools import chain
from pathlib import Path

import lightning.pytorch as pl
import pandas as pd
import pytest
import torch
import two_processes
from torch_geometric.data import Batch
from two_processes import CONFIG, SCHEDULE, SMILES, VALID_FRACTION

from pyg_moleblend.checkpoints import from_pretrained, save_pretrained
from pyg_moleblend.cli.data import load_data
from pyg_moleblend.datasets.targets import take
from pyg_moleblend.inference import evaluate, predict
from pyg_moleblend.loader import SizeBucketBatchSampler, molecule_sizes
from pyg_moleblend.metrics import Task
from pyg_moleblend.models import MoleBlend, MoleBlendForPretraining, MoleBlendForPropertyPrediction
from pyg_moleblend.splits import Split, random_split
from pyg_moleblend.training import Machine, PretrainingModule
from pyg_moleblend.training.module import warmup_cosine
from pyg_moleblend.training.strategy import make_strategy
from pyg_moleblend.training.trainer import quiet_lightning


def start(folder, launcher, *jobs):
    words = [sys.executable, *launcher, two_processes.__file__, str(folder), *jobs]
    paths = os.pathsep.join([str(Path(two_processes.__file__).parent), os.environ.get("PYTHONPATH", "")])
    settings = {"OMP_NUM_THREADS": "1", "OMP_WAIT_POLICY": "passive", "PYTHONPATH": paths}
    settings |= {"MASTER_ADDR": "127.0.0.1", "MOLEBLEND_TRACEBACK": "1"}
    return subprocess.Popen(
        words, env={**os.environ, **settings}, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )


def finish(process):
    output, _ = process.communicate(timeout=600)
    return output


def train_in_one(model, molecules, loss_of):
    r"""A plain loop over what the two processes take together; the model's change is returned."""
    before = vector(model.state_dict())
    sizes = molecule_sizes(molecules)
    samplers = [
        SizeBucketBatchSampler(sizes, SCHEDULE.batch_size, shuffle=True, seed=3, rank=rank, num_replicas=2)
        for rank in range(2)
    ]
    total = SCHEDULE.epochs * len(samplers[0])
    optimizer = torch.optim.AdamW(model.parameters(), lr=SCHEDULE.learning_rate, weight_decay=0)
    step = 0
    for epoch in range(SCHEDULE.epochs):
        for sampler in samplers:
            sampler.set_epoch(epoch)
        for parts in zip(*(sampler.batches() for sampler in samplers), strict=True):
            batch = Batch.from_data_list([molecules[position] for position in chain(*parts)])
            optimizer.zero_grad()
            loss_of(batch).backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), SCHEDULE.clip_norm)
            optimizer.param_groups[0]["lr"] = SCHEDULE.learning_rate * warmup_cosine(
                step, SCHEDULE.warmup_steps(total), total
            )
            optimizer.step()
            step += 1
    return vector(model.state_dict()) - before


def vector(state):
    return torch.cat([state[name].flatten().float() for name in sorted(state)])


def assert_same_training(state, model, change):
    difference = vector(state) - vector(model.state_dict())
    assert difference.norm() < 2e-4 * change.norm()  # Adam makes much of rounding where gradients are tiny


def test_two_processes_train_and_evaluate_as_one(tmp_path, monkeypatch):
    two_processes.leave_nothing_to_chance(monkeypatch.setattr)
    table = str(two_processes.write_table(tmp_path))
    killed = finish(start(tmp_path, [], "killed"))  # by Lightning's own launcher
    assert (tmp_path / "killed" / "checkpoints" / "last.ckpt").is_file(), killed
    assert not (tmp_path / "killed" / "model").exists()
    torch.manual_seed(0)
    task = Task("regression", ("size", "gaps"), ("", ""), (3.0, 7.0), (1.0, 2.0))
    save_pretrained(MoleBlendForPropertyPrediction(CONFIG, 2), tmp_path / "fresh", {"task": task.to_dict()})
    torchrun = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2"]
    running = start(tmp_path, torchrun, "predict", "resume", "ddp", "fsdp", "finetune")

    molecules = load_data(table, "", conformers=1, seed=3, progress=False)
    split = random_split(molecules, (1 - VALID_FRACTION, VALID_FRACTION, 0), 3)
    train, valid = take(molecules, split.train), take(molecules, split.valid)
    pl.seed_everything(3, verbose=False)
    model = MoleBlendForPretraining(CONFIG)
    change = train_in_one(model, train, lambda batch: model(batch).loss)

    labelled = load_data(table, "", targets=("size", "gaps"), progress=False)
    train = take(labelled, random_split(labelled, seed=3).train)
    pl.seed_everything(3, verbose=False)
    property_model = MoleBlendForPropertyPrediction(CONFIG, 2, MoleBlend(CONFIG))
    task = Task.from_labels(train.y, ("size", "gaps"))

    def squared_error(batch):
        errors = (property_model(batch, "2d") - task.standardize(batch.y))[~batch.y.isnan()]
        return errors.square().sum() / max(len(errors), 1)

    property_change = train_in_one(property_model, train, squared_error)

    output = finish(running)
    assert running.returncode == 0, output
    check_pretraining(tmp_path, model, change, valid)
    last = torch.load(tmp_path / "finetuned" / "checkpoints" / "last.ckpt", weights_only=True)["state_dict"]
    last = {name.removeprefix("model."): value for name, value in last.items()}
    assert_same_training(last, property_model, property_change)
    check_evaluation(tmp_path, labelled)
    assert output.count("model in ") == 4  # said once a run, not once a process


def check_pretraining(folder, model, change, valid):
    r"""DDP, FSDP, and DDP that was killed and went on, come to the same; so does their validation."""
    weights = {name: from_pretrained(folder / name / "model").state_dict() for name in ("ddp", "fsdp", "killed")}
    for state in weights.values():
        assert_same_training(state, model, change)
    for name, value in weights["ddp"].items():
        assert torch.equal(value, weights["killed"][name])
    metrics = {name: json.loads((folder / name / "metrics.json").read_text()) for name in weights}
    assert metrics["killed"] == metrics["ddp"]
    assert metrics["fsdp"]["valid"] == pytest.approx(metrics["ddp"]["valid"], rel=1e-3)
    steps = pd.read_csv(folder / "killed" / "csv" / "version_1" / "metrics.csv")
    assert steps["epoch"].min() == 1  # the first epoch was not done again

    module = PretrainingModule(from_pretrained(folder / "ddp" / "model"), SCHEDULE, 3)
    data = two_processes.valid_data(valid)
    with quiet_lightning():
        trainer = pl.Trainer(accelerator="cpu", logger=False, enable_progress_bar=False, enable_checkpointing=False)
        alone = trainer.validate(module, datamodule=data, verbose=False)[0]
    together = {f"valid/{name}": value for name, value in metrics["ddp"]["valid"].items() if name != "molecules"}
    assert together == pytest.approx(alone, rel=1e-5)


def check_evaluation(folder, labelled):
    r"""Validation, test and prediction count every molecule once."""
    model = folder / "finetuned" / "model"
    metrics = json.loads((folder / "finetuned" / "metrics.json").read_text())
    split = Split.load(folder / "finetuned" / "split.json", labelled.row)
    for part in ("valid", "test"):
        alone = evaluate(model, take(labelled, split.as_dict()[part]), device="cpu")
        assert flat(metrics[part]) == pytest.approx(flat(alone), rel=1e-4)
    curve = pd.read_csv(folder / "finetuned" / "csv" / "version_0" / "metrics.csv")["valid/rmse"]
    assert curve.min() == pytest.approx(metrics["valid"]["rmse"], rel=1e-4)
    alone = predict(folder / "fresh", SMILES, device="cpu")
    together = [pd.read_csv(folder / "predicted.csv")]
    together += [pd.read_json(folder / f"predicted-{rank}.json") for rank in range(2)]
    for frame, count in zip(together, (len(SMILES), 1, 1), strict=True):
        assert frame["smiles"].tolist() == SMILES[:count]
        for target in ("size", "gaps"):
            assert frame[target].tolist() == pytest.approx(alone[target].tolist()[:count], rel=1e-4)


def flat(metrics):
    return pd.json_normalize(metrics).iloc[0].to_dict()


def test_names():
    assert make_strategy(Machine()) == "auto"
    assert make_strategy(Machine(strategy="ddp")) == "ddp"
    assert type(make_strategy(Machine(strategy="fsdp"))).__name__ == "ModelParallelStrategy"
