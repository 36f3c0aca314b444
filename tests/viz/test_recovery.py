import math

import pytest

from pyg_moleblend.inference import RecoveryReport
from pyg_moleblend.viz import plot_recovery

REPORT = RecoveryReport(
    quality={
        "nothing": {"spd": 0.4, "distance": 1.0},
        "spd": {"spd": 0.6, "distance": 0.5},
        "guess": {"spd": math.nan},
    },
    quality_names={"spd": "accuracy", "distance": "mae"},
    nats={"nothing": {"spd": 1.5}, "spd": {"spd": 0.5}},
    molecules=3,
)


def test_each_objective_has_its_qualities_and_each_likelihood_its_information():
    axes = [axis for axis in plot_recovery(REPORT).axes if axis.axison]
    assert [axis.get_title() for axis in axes] == [
        "spd: accuracy",
        "distance: mae",
        "spd: usable information [nats]",
    ]
    widths = [[bar.get_width() for bar in axis.patches] for axis in axes]
    assert widths[0][:2] == [0.4, 0.6]
    assert math.isnan(widths[0][2])
    assert widths[1:] == [[1.0, 0.5], [1.0]]
    assert [tick.get_text() for tick in axes[1].get_yticklabels()] == ["nothing", "spd"]


def test_the_control_is_a_line():
    first, second, information = plot_recovery(REPORT).axes[:3]
    assert [axis.lines[0].get_xdata()[0] for axis in (first, second, information)] == [0.4, 1.0, 0.0]


def test_an_empty_report_is_refused():
    with pytest.raises(ValueError, match="no objectives"):
        plot_recovery(RecoveryReport({}, {}, {}))
