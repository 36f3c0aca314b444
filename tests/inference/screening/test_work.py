import pickle

import pandas as pd

from pyg_moleblend.inference import predict
from pyg_moleblend.inference.screening.work import ScreenChunk
from pyg_moleblend.runtime.worker_pool import all_cores


def test_the_results_are_those_of_the_molecules_alone(load, folder):
    smiles = ["CCO", "bad", "CC", None]
    work = pickle.loads(pickle.dumps(ScreenChunk(load, "cpu")))
    found = work(smiles, [0] * 4, lambda item: None)
    expected = predict(folder, smiles, device="cpu")
    pd.testing.assert_frame_equal(found.drop(columns="id"), expected.drop(columns="id"))
    assert work.model is work.model


def test_what_ended_its_process_and_what_is_too_large_have_no_result(load):
    begun = []
    found = ScreenChunk(load, "cpu", max_atoms=4)(["CCO", "CC", "CCCCC"], [0, 1, 0], begun.append)
    assert found["gap"].isna().tolist() == [False, True, True]
    assert "takes longer than the deadline" in found["status"][1]
    assert found["status"][2] == "it has 5 atoms, more than the 4 that a molecule may have (max_atoms)"
    assert begun[:3] == [0, 1, 2]
    assert begun[-1] == -1


def test_molecules_get_the_conformers_that_the_model_wants(folder):
    from functools import partial

    from pyg_moleblend.inference.predict import load_predictor

    impossible = "F[C@]12[C@@]3(F)[C@]1(F)[C@@]23F"
    smiles = ["CCO", impossible, "bad"]
    for modality in ("2d+3d", "3d"):
        load = partial(load_predictor, folder, modality, seed=3, conformers=2)
        found = ScreenChunk(load, "cpu")(smiles, [0] * 3, lambda item: None)
        expected = predict(folder, smiles, modality, device="cpu", seed=3, conformers=2)
        pd.testing.assert_frame_equal(found.drop(columns="id"), expected.drop(columns="id"))


def test_the_gpus_are_shared_and_the_cores_only_where_there_are_none(load, monkeypatch):
    monkeypatch.setattr("torch.cuda.device_count", lambda: 2)
    devices = {"auto": 2, "cuda": 2, "cpu": all_cores(), "cuda:1": 1, "mps": 1}
    assert {device: ScreenChunk(load, device).default_workers for device in devices} == devices
    monkeypatch.setattr("torch.cuda.device_count", lambda: 0)
    assert ScreenChunk(load).default_workers == all_cores()
