import json

import pytest
import torch

from pyg_moleblend.splits import Split, random_split
from pyg_moleblend.training.problem import pose

SPLIT = random_split(14, (0.6, 0.2, 0.2))


def test_a_problem_is_told_by_everything_in_it(molecules):
    problem = pose(molecules, SPLIT, ["size", "twice"], metric="r2")
    assert (problem.metric, problem.mode, problem.modality) == ("r2", "max", "2d+3d")
    assert pose(molecules, SPLIT).mode == "min"
    assert [len(problem.parts[part]) for part in ("train", "valid", "test")] == [8, 3, 3]
    facts = json.loads(json.dumps(problem.facts()))
    assert facts == json.loads(json.dumps(pose(molecules, SPLIT, ["size", "twice"], metric="r2").facts()))

    changed = [data.clone() for data in molecules]
    changed[int(SPLIT.valid[0])].y = torch.tensor([[99.0, torch.nan]])
    other = json.loads(json.dumps(pose(changed, SPLIT, ["size", "twice"], metric="r2").facts()))
    assert [name for name in facts if facts[name] != other[name]] == ["labels"]
    assert [part for part in facts["labels"] if facts["labels"][part] != other["labels"][part]] == ["valid"]


def test_bounds_are_part_of_the_problem(molecules):
    def posed(side, values=lambda data: data.y):
        changed = [data.clone() for data in molecules]
        for data in changed:
            data.y, data.label_side = values(data), torch.zeros(1, 2, dtype=torch.int8)
        changed[int(SPLIT.train[0])].label_side[0, 0] = side
        return pose(changed, SPLIT)

    facts = [json.dumps(posed(side).facts()) for side in (-1, 0, 1)]
    assert len(set(facts)) == 3
    assert facts[1] == json.dumps(pose(molecules, SPLIT).facts())
    with pytest.raises(ValueError, match="1 labels are bounds, which classes cannot have"):
        posed(1, lambda data: data.y.nan_to_num().sign())


def test_what_does_not_fit_is_refused(molecules):
    with pytest.raises(ValueError, match="for regression, got 'ap'"):
        pose(molecules, SPLIT, metric="ap")
    with pytest.raises(ValueError, match="is of at least 14 molecules, got 5"):
        pose(molecules[:5], SPLIT)
    with pytest.raises(ValueError, match="has no training molecule"):
        pose(molecules, Split("none", SPLIT.train[:0], SPLIT.valid, SPLIT.test))
