import numpy as np
import pytest
from rdkit import Chem, DataStructs
from rdkit.Chem import rdFingerprintGenerator
from rdkit.ML.Cluster import Butina

from pyg_moleblend.splits import butina_groups, butina_split, maxmin_split

SMILES = [
    *(f"{'C' * n}{end}" for n in range(2, 12) for end in ("O", "N", "C(=O)O")),
    *(f"c1ccccc1{'C' * n}{end}" for n in range(1, 8) for end in ("O", "N", "Cl")),
    *("c1ccncc1", "C1CCCCC1", "CC#N", "CS(C)(=O)=O", "FC(F)(F)F", "c1ccc2ccccc2c1", "c1ccc2[nH]ccc2c1"),
]


def likeness() -> np.ndarray:
    morgan = rdFingerprintGenerator.GetMorganGenerator(radius=2, fpSize=2048)
    prints = [morgan.GetFingerprint(Chem.MolFromSmiles(text)) for text in SMILES]
    return np.array([DataStructs.BulkTanimotoSimilarity(one, prints) for one in prints])


@pytest.mark.parametrize("cutoff", [0.3, 0.5, 0.7])
def test_clusters_are_rdkits(cutoff: float) -> None:
    distances = 1 - likeness()
    lower = [distances[i, j] for i in range(len(SMILES)) for j in range(i)]
    expected = Butina.ClusterData(lower, len(SMILES), cutoff, isDistData=True)
    found = butina_groups(SMILES, cutoff)
    # Among centres with equally many neighbours RDKit takes another one first, so the sizes are compared, and the law.
    assert sum(map(len, found)) == len(SMILES)
    assert abs(len(found) - len(expected)) <= 2
    assert len(found[0]) == len(expected[0])
    for group in found:
        assert max(min(distances[np.ix_([centre], group)].max() for centre in group), 0) <= cutoff


def test_clusters_stay_together() -> None:
    split = butina_split(SMILES, (0.7, 0.15, 0.15), 0.5)
    group = {position: number for number, members in enumerate(butina_groups(SMILES, 0.5)) for position in members}
    train, valid, test = ({group[i] for i in part.tolist()} for part in split.as_dict().values())
    assert not train & valid | train & test | valid & test
    assert len(split.train) >= len(split.valid) > 0 < len(split.test)
    assert "butina 0.5" in split.name


def test_tested_molecules_are_unlike_each_other() -> None:
    split, like = maxmin_split(SMILES, (0.7, 0.1, 0.2), seed=1), likeness()
    np.fill_diagonal(like, 0)
    test = split.test.tolist()
    nearest = like[np.ix_(test, test)].max()
    random = np.random.default_rng(0)
    chance = [
        like[np.ix_(some, some)].max() for some in (random.permutation(len(SMILES))[: len(test)] for _ in range(50))
    ]
    assert nearest < min(chance)
    assert sorted(np.concatenate([part.numpy() for part in split.as_dict().values()])) == list(range(len(SMILES)))
    assert split.hash == maxmin_split(SMILES, (0.7, 0.1, 0.2), seed=1).hash
    assert len(maxmin_split(SMILES, (1.0, 0.0, 0.0)).train) == len(SMILES)


def test_what_cannot_be_is_refused() -> None:
    with pytest.raises(ValueError, match="no fingerprint of molecule 1"):
        butina_split(["C", "xx"])
    with pytest.raises(ValueError, match="between 0 and 1"):
        butina_groups(["C"], 1.0)
