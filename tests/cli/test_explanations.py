import pytest

from pyg_moleblend.cli.explanations import check_folder


def test_a_folder_that_is_not_there_or_empty_is_taken(tmp_path):
    check_folder(str(tmp_path))
    check_folder(str(tmp_path / "new"))
    (tmp_path / "v1.0").mkdir()
    check_folder(str(tmp_path / "v1.0"))  # a folder, though it has a suffix


def test_what_is_no_such_folder_is_refused(tmp_path):
    (tmp_path / "file").touch()
    for out, why in (("", "without a suffix"), ("a.csv", "without a suffix"), (str(tmp_path / "file"), "is a file")):
        with pytest.raises(ValueError, match=why):
            check_folder(out)
    with pytest.raises(ValueError, match="is not empty"):
        check_folder(str(tmp_path))
