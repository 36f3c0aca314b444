import json

from corpus_files import WRITTEN, write_benchmarks, write_chembl, write_moses

from pyg_moleblend.cli import main


def test_a_corpus_by_one_command(tmp_path, capsys, refused):
    root, out = tmp_path / "root", tmp_path / "out"
    write_moses(root)
    (chembl, _) = write_chembl(root)
    write_benchmarks(root, esol=["CCCCO", "CCCCN"])
    words = ["--root", root, "--exclude", ",".join(WRITTEN), "--num-workers", "0", "--progress", "false"]
    command = ["corpus", "--out", out, "--sources", f"moses,chembl={chembl}", "--valid-size", "3", *words]
    assert main([str(word) for word in [*command, "--moses-size", "40", "--quantum-lists"]]) == 0
    captured = capsys.readouterr()
    first, second, *lists = captured.out.splitlines()
    assert first == "chembl: 58 molecules, 56 train + 2 valid"
    assert second.startswith("moses: ")
    assert "chembl: 60 of 60 rows; left out: 1 size, 1 benchmark\n" in captured.err
    assert "moses: 40 of 60 rows; left out: " in captured.err
    assert [line.partition(":")[0] for line in lists] == ["quantum_small.smi", "quantum_drug.smi"]
    manifest = json.loads((out / "manifest.json").read_text())
    assert manifest["sources"]["moses"]["steps"]["taken"] == 40
    assert len((out / "quantum_drug.smi").read_text().splitlines()) > 15

    assert "differs in inputs" in refused(*command, "--moses-size", "41")
    assert "unknown benchmarks ['qm7']" in refused("corpus", "--out", tmp_path / "no", "--exclude", "qm7")
    assert "unknown sources ['zinc']" in refused("corpus", "--out", tmp_path / "no", "--sources", "zinc=/tmp")


def test_nothing_has_to_be_left_out(tmp_path, capsys):
    write_moses(tmp_path)
    words = [
        "--out",
        tmp_path / "out",
        "--root",
        tmp_path,
        "--sources",
        "moses",
        "--exclude",
        "none",
        "--num-workers",
        "0",
    ]
    assert main([str(word) for word in ["corpus", *words, "--progress", "false", "--max-heavy-atoms", "11"]]) == 0
    assert capsys.readouterr().out == "moses: 10 molecules, 10 train + 0 valid\n"


def test_a_download_that_fails_is_one_line(tmp_path, refused, monkeypatch):
    monkeypatch.setenv("MOLEBLEND_OFFLINE", "1")
    monkeypatch.setattr("pyg_moleblend.datasets.corpus.sources.installed_file", lambda package, path: None)
    line = refused("corpus", "--out", tmp_path / "out", "--root", tmp_path, "--sources", "moses")
    assert "downloads are turned off" in line
    assert "pip install --no-deps molsets" in line
