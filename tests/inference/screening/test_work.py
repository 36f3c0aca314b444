import pickle

import pandas as pd

from pyg_moleblend.inference import predict
from pyg_moleblend.inference.screening.work import ScreenChunk


def test_the_results_are_those_of_the_molecules_alone(load, folder):
    smiles = ["CCO", "bad", "CC", None]
    work = pickle.loads(pickle.dumps(ScreenChunk(load)))
    found = work(smiles, [0] * 4, lambda item: None)
    expected = predict(folder, smiles, device="cpu")
    pd.testing.assert_frame_equal(found.drop(columns="id"), expected.drop(columns="id"))
    assert work.model is work.model


def test_what_ended_its_process_and_what_is_too_large_have_no_result(load):
    begun = []
    found = ScreenChunk(load, max_atoms=4)(["CCO", "CC", "CCCCC"], [0, 1, 0], begun.append)
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
        load = partial(load_predictor, folder, modality, device="cpu", seed=3, conformers=2)
        found = ScreenChunk(load)(smiles, [0] * 3, lambda item: None)
        expected = predict(folder, smiles, modality, device="cpu", seed=3, conformers=2)
        pd.testing.assert_frame_equal(found.drop(columns="id"), expected.drop(columns="id"))
