r"""A Ray cluster to work on."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


def find_ray() -> Any:
    r"""The module ``ray``.

    Raises:
        ImportError: If it is not installed.
    """
    try:
        import ray
        import ray.data
    except ImportError as error:
        raise ImportError("engine 'ray' needs Ray: pip install 'pyg-moleblend[ray]'") from error
    return ray


@contextmanager
def ray_cluster() -> Iterator[Any]:
    r"""The module ``ray``, joined to a cluster: the one that this process has joined, or that ``RAY_ADDRESS`` names, or
    this machine.

    Raises:
        ImportError: If Ray is not installed.
    """
    ray = find_ray()
    if ray.is_initialized():
        yield ray
        return
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    local = {} if "RAY_ADDRESS" in os.environ else {"include_dashboard": False}
    ray.init(log_to_driver=False, logging_level="error", **local)
    ray.data.DataContext.get_current().enable_progress_bars = False
    logging.getLogger("ray.data").setLevel(logging.ERROR)
    try:
        yield ray
    finally:
        ray.shutdown()
