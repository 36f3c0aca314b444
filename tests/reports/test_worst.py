from xml.etree import ElementTree

import pandas as pd

from pyg_moleblend.reports.worst import SHOWN, draw_molecule, worst_molecules


def known(part: str, smiles: list[str], labels: list[float], predictions: list[float]) -> pd.DataFrame:
    return pd.DataFrame({"part": part, "smiles": smiles, "label": labels, "prediction": predictions})


def test_the_largest_errors_of_the_test_come_first():
    test = known("test", ["C", "CC", "CCC"], [1.0, 1.0, 1.0], [1.5, -1.0, 2.0])
    valid = known("valid", ["O"], [0.0], [100.0])
    found = worst_molecules(pd.concat([valid, test], ignore_index=True), "regression")
    assert [(one.part, one.smiles, one.prediction) for one in found] == [
        ("test", "CC", -1.0),
        ("test", "CCC", 2.0),
        ("test", "C", 1.5),
    ]
    assert all("<svg" in one.drawing for one in found)
    assert [one.part for one in worst_molecules(valid, "regression")] == ["valid"]
    assert worst_molecules(valid[:0], "regression") == []


def test_no_more_than_a_few_are_shown():
    many = known("test", ["C"] * 20, [0.0] * 20, list(range(20)))
    assert [one.prediction for one in worst_molecules(many, "regression")] == [19.0 - i for i in range(SHOWN)]


def test_a_drawing_is_svg_and_what_cannot_be_drawn_has_none():
    assert ElementTree.fromstring(draw_molecule("c1ccccc1O")).tag.endswith("svg")
    assert draw_molecule("a name, no SMILES") == ""
