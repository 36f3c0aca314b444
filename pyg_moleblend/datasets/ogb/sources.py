r"""OGB's molecular graph-property sets: what the benchmark says of each of them."""

from typing import NamedTuple

from pyg_moleblend.metrics import METRICS, TaskType

_URL = "http://snap.stanford.edu/ogb/data/graphproppred/csv_mol_download/{}.zip"


class OGBSource(NamedTuple):
    r"""One of the sets.

    Attributes:
        archive: Name of its archive, and of the folder in it.
        num_tasks: Number of its targets.
        metric: The metric of its leaderboard.
    """

    archive: str
    num_tasks: int
    metric: str

    @property
    def url(self) -> str:
        r"""Where the archive is."""
        return _URL.format(self.archive)

    @property
    def task_type(self) -> TaskType:
        r"""``"classification"`` or ``"regression"``."""
        return METRICS[self.metric].task_type


OGB_SOURCES: dict[str, OGBSource] = {
    "ogbg-molbace": OGBSource("bace", 1, "rocauc"),
    "ogbg-molbbbp": OGBSource("bbbp", 1, "rocauc"),
    "ogbg-molchembl": OGBSource("chembl", 1310, "rocauc"),
    "ogbg-molclintox": OGBSource("clintox", 2, "rocauc"),
    "ogbg-molesol": OGBSource("esol", 1, "rmse"),
    "ogbg-molfreesolv": OGBSource("freesolv", 1, "rmse"),
    "ogbg-molhiv": OGBSource("hiv", 1, "rocauc"),
    "ogbg-mollipo": OGBSource("lipophilicity", 1, "rmse"),
    "ogbg-molmuv": OGBSource("muv", 17, "ap"),
    "ogbg-molpcba": OGBSource("pcba", 128, "ap"),
    "ogbg-molsider": OGBSource("sider", 27, "rocauc"),
    "ogbg-moltox21": OGBSource("tox21", 12, "rocauc"),
    "ogbg-moltoxcast": OGBSource("toxcast", 617, "rocauc"),
}
r"""The sets of OGB 1.3.6 by their names (its ``master.csv``); each is split by scaffold."""
