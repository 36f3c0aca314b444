import pytest

from benchmarks import scaling


def test_the_fit_finds_the_rate_and_the_bandwidth_that_made_the_points():
    points = []
    for flops, kept in ((1e9, 1e7), (2e9, 3e7), (9e9, 4e7), (3e10, 8e8), (5e9, 6e8)):
        seconds = flops / (0.4 * 1e11) + kept / 5e9
        points.append({"flops": flops, "estimated_bytes": kept, "matrix_peak_flops": 1e11, "seconds": seconds})
    for point in points:
        point.update(activation_checkpointing=False, batch_bytes=2 * point["estimated_bytes"])
    points.append({**points[0], "activation_checkpointing": True, "seconds": 99.0})  # not fitted
    found = scaling.fit(points)
    assert found["share_of_matrix_peak"] == pytest.approx(0.4)
    assert found["bytes_per_s"] == pytest.approx(5e9)
    assert found["largest_relative_error_seconds"] == pytest.approx(0, abs=1e-9)
    assert found["median_relative_error_bytes"] == pytest.approx(0.5)
    assert points[3]["predicted_seconds"] == pytest.approx(points[3]["seconds"])


def test_a_chain_has_a_bond_between_neighbours():
    chain = scaling.chain(4)
    assert chain.edge_index.tolist() == [[0, 1, 2, 1, 2, 3], [1, 2, 3, 0, 1, 2]]
    assert chain.pos.shape == (4, 3)
    chain.validate()
