import pytest
import torch

from pyg_moleblend.nn.look_up import sum_of_rows


class Sum(torch.nn.Module):
    def forward(self, rows, table):
        return sum_of_rows(rows, table)


@pytest.fixture
def example():
    generator = torch.Generator().manual_seed(0)
    return torch.randint(7, (3, 4, 5), generator=generator), torch.randn(7, 6, generator=generator)


def test_it_is_a_plain_loop(example):
    rows, table = example
    expected = torch.stack([torch.stack([sum(table[i] for i in row.tolist()) for row in rows_]) for rows_ in rows])
    torch.testing.assert_close(sum_of_rows(rows, table), expected)


def test_exported_it_is_the_same_without_bags(example):
    program = torch.export.export(Sum(), example)
    torch.testing.assert_close(program.module()(*example), sum_of_rows(*example))
    assert not any("embedding_bag" in str(node.target) for node in program.graph.nodes)
