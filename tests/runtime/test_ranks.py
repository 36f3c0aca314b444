import pytest

from pyg_moleblend.runtime.processes import is_first
from pyg_moleblend.runtime.ranks import forget_start, started_as

VARIABLES = ("RANK", "LOCAL_RANK", "SLURM_PROCID", "JSM_NAMESPACE_RANK")


@pytest.mark.parametrize("name", VARIABLES)
def test_a_process_is_what_it_was_started_as_until_that_is_forgotten(name: str, monkeypatch: pytest.MonkeyPatch):
    for variable in VARIABLES:
        monkeypatch.delenv(variable, raising=False)
    assert (started_as(), is_first()) == (0, True)
    monkeypatch.setenv(name, "3")
    assert (started_as(), is_first()) == (3, False)
    forget_start()
    assert (started_as(), is_first()) == (0, True)
