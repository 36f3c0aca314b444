import json
import math

from pyg_moleblend.metrics import Score
from pyg_moleblend.metrics.results import describe_scores, write_metrics


def test_metrics_are_json_that_any_reader_takes(tmp_path):
    path = write_metrics(tmp_path / "new", {"a": math.nan, "b": {"c": (1.5, math.inf)}, "d": "text", "e": 3})
    text = path.read_text()
    assert json.loads(text, parse_constant=lambda name: f"not JSON: {name}") == {
        "a": None,
        "b": {"c": [1.5, None]},
        "d": "text",
        "e": 3,
    }


def test_scores_of_several_tasks_say_how_many_were_scored():
    score = Score("rocauc", 0.75, 1, (0.75, math.nan))
    described = describe_scores({"rocauc": score}, ("a", "b"))
    assert described["rocauc"] == 0.75
    assert described["rocauc_tasks_scored"] == 1
    assert described["rocauc_per_task"]["a"] == 0.75
    assert describe_scores({"rocauc": Score("rocauc", 0.75, 1, (0.75,))}, ("a",)) == {"rocauc": 0.75}
