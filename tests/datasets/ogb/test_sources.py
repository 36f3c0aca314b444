import pandas as pd
import pytest

from pyg_moleblend.datasets.io.raw import installed_file
from pyg_moleblend.datasets.ogb.sources import OGB_SOURCES


def test_is_what_ogb_says() -> None:
    path = installed_file("ogb", "graphproppred/master.csv")
    if path is None:
        pytest.skip("needs ogb's master.csv")
    master = pd.read_csv(path, index_col=0, keep_default_na=False)
    molecules = [name for name in master if name.startswith("ogbg-mol")]
    assert sorted(molecules) == sorted(OGB_SOURCES)
    for name, source in OGB_SOURCES.items():
        row = master[name]
        assert (source.archive, source.url, source.metric) == (row["download_name"], row["url"], row["eval metric"])
        assert source.num_tasks == int(row["num tasks"])
        assert source.task_type in row["task type"]
        assert (row["split"], row["version"], row["add_inverse_edge"]) == ("scaffold", "1", "True")
