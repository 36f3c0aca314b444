import pytest

from benchmarks import peers


def test_training_needs_a_table(capsys: pytest.CaptureFixture[str]):
    with pytest.raises(SystemExit):
        peers.main(["epoch"])
    assert "--train FILE:COLUMN:TARGET" in capsys.readouterr().err
