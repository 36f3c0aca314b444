import sys

import pytest

from pyg_moleblend.runtime.ray_cluster import ray_cluster


def test_without_ray_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(ImportError, match=r"pip install 'pyg-moleblend\[ray\]'"), ray_cluster():
        pass


def test_a_cluster_that_was_joined_is_used_and_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    ray = pytest.importorskip("ray")
    monkeypatch.setattr(ray, "is_initialized", lambda: True)
    monkeypatch.setattr(ray, "shutdown", lambda: pytest.fail("it is not ours"))
    with ray_cluster() as found:
        assert found is ray
