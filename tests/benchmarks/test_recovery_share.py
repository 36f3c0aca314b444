from benchmarks.recovery_share import measure_recovery


def test_shares_are_of_the_same_step():
    found = measure_recovery(["CCO", "CCN", "CC"], 1, 1)
    assert found.keys() == {"all", "num_pairs=32"}
    for measured in found.values():
        assert measured["seconds_a_step"].keys() == {"without", "counted", "all_pairs"}
        assert all(share < 1 for share in measured["share"].values())
