import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest

from pyg_moleblend.cli.errors import line_of
from pyg_moleblend.runtime.worker_pool import WorkerError


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (ValueError("a\n  b"), "a b"),
        (WorkerError("they end"), "they end"),
        (RecursionError("deep"), "a file or an option is nested too deeply (deep)"),
        (MemoryError(), "there is not enough memory; take a smaller batch"),
        (RuntimeError("DefaultCPUAllocator: can't allocate memory: 9 bytes"), "there is not enough memory: Default"),
        (OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)), "[Errno 28] No space left on device: a disk is full, or"),
        (OSError(errno.ENOENT, "no such file", "a.csv"), "[Errno 2] no such file: 'a.csv'"),
    ],
)
def test_an_error_of_the_machine_or_the_user_is_one_line(error: Exception, line: str) -> None:
    found = line_of(error)
    assert found is not None
    assert found.startswith(line)
    assert "\n" not in found


@pytest.mark.parametrize("error", [KeyError("x"), RuntimeError("shapes differ"), TypeError("None")])
def test_a_fault_of_the_program_is_none(error: Exception) -> None:
    assert line_of(error) is None


def test_a_full_memory_of_processes_has_a_remedy() -> None:
    assert "--shm-size" in str(line_of(OSError(errno.ENOSPC, "No space left on device")))
    full = OSError(errno.ENOSPC, "No space left on device", "/data/a.csv")
    assert "--shm-size" not in str(line_of(full))


def test_names_in_any_script_are_written_whatever_the_locale_is(property_model: Path, tmp_path: Path) -> None:
    table = tmp_path / "table.csv"
    table.write_text("id,smiles\nÄthanol 乙醇,CCO\n", encoding="utf-8")
    ascii_only = {**os.environ, "LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "PYTHONIOENCODING": ""}
    words = ["predict", str(property_model), str(table), "--id-column", "id"]
    done = subprocess.run([sys.executable, "-m", "pyg_moleblend", *words], capture_output=True, env=ascii_only)
    assert done.returncode == 0, done.stderr
    assert "Äthanol 乙醇,CCO," in done.stdout.decode()
    unknown = [sys.executable, "-m", "pyg_moleblend", "predict", str(property_model), str(tmp_path / "ä.csv")]
    done = subprocess.run(unknown, capture_output=True, env=ascii_only)
    assert done.returncode == 2
    assert b"Traceback" not in done.stderr
