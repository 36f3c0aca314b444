from pathlib import Path

import pytest
from corpus_files import write_text

from pyg_moleblend.datasets.corpus.inputs import find_files, smiles_texts, text_rows
from pyg_moleblend.datasets.corpus.reading import read_cxsmiles, read_smiles


def test_files_of_a_folder_are_in_alphabetical_order(tmp_path: Path):
    b, a = (write_text(tmp_path / f"{name}_train.SMI", "C") for name in "ba")
    write_text(tmp_path / "c_test.smi", "C")
    write_text(tmp_path / "d_train.pdf", "C")
    assert find_files(tmp_path, (".smi",), "train") == [a, b]
    assert find_files(b, (".csv",)) == [b]
    with pytest.raises(ValueError, match=r"and no \.csv file with 'train' in its name in a folder of that name"):
        find_files(tmp_path, (".csv",), "train")


@pytest.mark.parametrize("name", ["chembl_99_chemreps.txt", "chembl_99_chemreps.txt.gz"])
def test_chembls_own_table_is_known(tmp_path: Path, name: str):
    head = "chembl_id\tcanonical_smiles\tstandard_inchi\tstandard_inchi_key\n"
    path = write_text(tmp_path / name, f"{head}CHEMBL1\tCCO\tx\ty\nCHEMBL2\tCCN\tx\ty\n")
    assert list(smiles_texts(path)) == ["CCO", "CCN"]
    assert list(smiles_texts(write_text(tmp_path / "plain.txt", "CCO\nCCN\n"))) == ["CCO", "CCN"]


def test_rows_are_texts_without_their_names(tmp_path: Path):
    files = [write_text(tmp_path / "a.smi", "CCO ethanol\nCCN\tname\n\n"), write_text(tmp_path / "b.smi", "C\n")]
    whole = text_rows(files, None, 0)
    assert list(whole.rows()) == list(whole.rows()) == [(0, "CCO"), (1, "CCN"), (2, ""), (3, "C")]
    assert (whole.reader, whole.num_taken, whole.choice) == (read_smiles, None, {})
    text = "[H]O[H] |(0,0,1;0,0,0;0,1,0)|"
    given = text_rows([write_text(tmp_path / "c.csv", f'smiles\n"{text}"\n')], None, 0, cxsmiles=True)
    assert (list(given.rows()), given.reader) == ([(0, text)], read_cxsmiles)


def test_a_sample_depends_on_its_seed(tmp_path: Path):
    path = write_text(tmp_path / "a.smi", "\n".join("C" * n for n in range(1, 41)))
    first, again, other = (text_rows([path], 10, seed) for seed in (0, 0, 1))
    assert (first.num_rows, first.num_taken, first.choice) == (40, 10, {"size": 10, "seed": 0})
    assert list(first.rows()) == list(again.rows()) != list(other.rows())
    assert all(text == "C" * (row + 1) for row, text in first.rows())
    everything = text_rows([path], 40, 0)
    assert (everything.num_taken, everything.choice, len(list(everything.rows()))) == (40, {}, 40)
