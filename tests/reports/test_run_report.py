import json
import xml.etree.ElementTree as ET
from html.parser import HTMLParser

import numpy as np
import pandas as pd
import pytest

from pyg_moleblend.cli import main
from pyg_moleblend.metrics import Task
from pyg_moleblend.metrics.predictions import PartPredictions, write_predictions
from pyg_moleblend.reports import write_report

VOID = {"meta", "link", "br", "img", "hr", "input"}


class Balanced(HTMLParser):
    r"""Fails on a tag that is not closed; keeps the texts."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.texts: list[str] = []
        self.loaded: list[str] = []

    def handle_starttag(self, tag, attrs):
        self.loaded += [value for name, value in attrs if name in ("src", "xlink:href") and not value.startswith("#")]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        pass

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.texts.append(data.strip())


def read(path) -> Balanced:
    page = Balanced()
    page.feed(path.read_text())
    page.close()
    assert not page.open
    assert not page.loaded  # one file, and no network
    return page


def a_run(folder, kind="regression", names=("y",)):
    r"""What a run leaves behind."""
    draw = np.random.default_rng(0)
    folder.mkdir()
    (folder / "model").mkdir()
    count = len(names)
    task = Task(kind, names, ("eV",) * count, (0.0,) * count, (1.0,) * count)
    config = {"format": 2, "model": {"component": "MoleBlend", "arguments": {}}, "metadata": {"task": task.to_dict()}}
    (folder / "model" / "config.json").write_text(json.dumps(config))
    metric = "rmse" if kind == "regression" else "rocauc"
    parts = {part: {"molecules": 20, metric: 0.5, "mae": None} for part in ("valid", "test")}
    known = {"metric": metric, "split": "random seed 0", "modality": "2d", "seed": 0, "train_molecules": 60, **parts}
    (folder / "metrics.json").write_text(json.dumps(known))
    told = []
    for part in ("valid", "test"):
        labels = draw.normal(size=(20, count))
        labels = labels if kind == "regression" else (labels > 0).astype(float)
        labels[3] = np.nan
        predictions = 0.8 * labels + 0.1
        predictions[-1] = 1 - labels[-1]  # the worst
        values = {"label": labels, "prediction": predictions}
        told.append(PartPredictions(part, np.arange(20), ["C" * (i + 1) for i in range(19)] + ["<script>"], values, {}))
    write_predictions(folder, names, told)
    return folder


@pytest.mark.parametrize("kind", ["regression", "classification"])
def test_one_page_has_everything(kind, tmp_path):
    page = read(write_report(a_run(tmp_path / "my run", kind)))
    text = " ".join(page.texts)
    for word in ("my run", "60", "random seed 0", "Largest errors (test)", "torch", "2307.06235", "test: R"):
        assert word in text
    assert "<script>" in page.texts  # a cell of the table is text, and nothing else
    assert "<script>" not in write_report(tmp_path / "my run", tmp_path / "b.html").read_text()


def test_figures_are_whole_svgs(tmp_path):
    text = write_report(a_run(tmp_path / "a")).read_text()
    figures = ["<svg" + part.split("</svg>")[0] + "</svg>" for part in text.split("<svg")[1:]]
    assert len(figures) >= 5
    for figure in figures:
        ET.fromstring(figure)


def test_the_same_run_gives_the_same_page(tmp_path):
    run = a_run(tmp_path / "a")
    assert write_report(run, tmp_path / "1.html").read_bytes() == write_report(run, tmp_path / "2.html").read_bytes()


def test_many_targets_are_cut_and_said(tmp_path):
    names = tuple(f"t{i}" for i in range(14))
    text = " ".join(read(write_report(a_run(tmp_path / "a", names=names))).texts)
    assert "2 more targets are in metrics.json" in text


def test_labels_of_one_class_have_no_ranking(tmp_path):
    run = a_run(tmp_path / "a", "classification")
    told = pd.read_csv(run / "predictions.csv")
    told["label:y"] = 1.0
    told.to_csv(run / "predictions.csv", index=False)
    assert "too few labels for figures" in " ".join(read(write_report(run)).texts)


def test_damaged_files_are_named(tmp_path):
    run = a_run(tmp_path / "a")
    text = (run / "predictions.csv").read_text()
    (run / "predictions.csv").write_text(text[: 2 * len(text) // 3])
    with pytest.raises(ValueError, match=r"predictions.csv is not whole: it is to have \{'test': 20\}"):
        write_report(run)
    (run / "predictions.csv").write_text("")
    with pytest.raises(ValueError, match=r"predictions\.csv"):
        write_report(run)
    (run / "metrics.json").write_text("[]")
    with pytest.raises(ValueError, match=r"metrics\.json"):
        write_report(run)


def test_a_run_without_held_out_molecules_has_a_page(tmp_path):
    run = a_run(tmp_path / "a")
    known = json.loads((run / "metrics.json").read_text())
    (run / "metrics.json").write_text(json.dumps({k: v for k, v in known.items() if k not in ("valid", "test")}))
    write_predictions(run, ("y",), [])
    assert "nothing is known of what the model is worth" in " ".join(read(write_report(run)).texts)


def test_what_is_no_run_is_told(tmp_path):
    with pytest.raises(FileNotFoundError, match="a run of fit or finetune that has ended"):
        write_report(tmp_path)
    assert main(["report", str(tmp_path), "--out", "x.pdf"]) == 2


def test_a_run_of_the_command_line_has_a_page(tmp_path, capsys):
    path = tmp_path / "molecules.csv"
    path.write_text("smiles,y\n" + "".join(f"{'C' * n}{end},{n}\n" for n in range(1, 13) for end in "ON"))
    words = ["fit", str(path), "--targets", "y", "--out", str(tmp_path / "a"), "--split", "random", "--device", "cpu"]
    assert main([*words, "--encoder", "none"]) == 0
    assert "report.html" in capsys.readouterr().err
    text = " ".join(read(tmp_path / "a" / "report.html").texts)
    for word in ("quick model", "lie in the 90 % intervals", "similarity to the nearest", "descriptors_linear"):
        assert word in text
    assert "split: random" in (tmp_path / "a" / "report.html").read_text()  # the configuration
