r"""Fixtures shared by all tests."""

import os
from pathlib import Path

import pytest
import torch

torch.set_num_threads(1)  # the molecules of tests are few: more threads wait for each other


@pytest.fixture(scope="session")
def shared_data() -> Path:
    r"""Folder of real datasets that are not part of the project; tests that want it skip without it."""
    root = Path(__file__).parent.parent
    folder = Path(os.environ.get("MOLEBLEND_DATA", root.parent / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip(f"needs the real datasets: set MOLEBLEND_DATA (no folder {folder})")
    return folder
