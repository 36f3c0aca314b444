r"""When two batches are the same, and can be taken apart in the same way."""

import torch
from torch_geometric.data import Batch, Data


def assert_same_data(found: Data, expected: Data) -> None:
    assert sorted(found.keys()) == sorted(expected.keys())
    for key in expected.keys():  # noqa: SIM118 - iterating over Data gives pairs
        if isinstance(expected[key], torch.Tensor):
            assert found[key].dtype == expected[key].dtype, key
            torch.testing.assert_close(found[key], expected[key], rtol=0, atol=0, equal_nan=True)
        else:
            assert found[key] == expected[key], key


def assert_same_batch(found: Batch, expected: Batch) -> None:
    assert type(found) is type(expected)
    assert_same_data(found, expected)
    assert found.num_graphs == expected.num_graphs
    assert sorted(found._slice_dict) == sorted(expected._slice_dict)
    for key, ends in expected._slice_dict.items():
        assert torch.equal(found._slice_dict[key], ends), key
        ours, theirs = found._inc_dict[key], expected._inc_dict[key]
        assert (ours is None and theirs is None) or torch.equal(ours, theirs), key
    for number in range(expected.num_graphs):
        assert_same_data(found.get_example(number), expected.get_example(number))
