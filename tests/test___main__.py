import subprocess
import sys

import pyg_moleblend


def test_the_package_is_the_command():
    command = [sys.executable, "-m", "pyg_moleblend"]
    version = subprocess.run([*command, "--version"], capture_output=True, text=True, check=True).stdout
    assert pyg_moleblend.__version__ in version
    wrong = subprocess.run([*command, "predikt"], capture_output=True, text=True)
    assert wrong.returncode == 2
    assert "predikt" in wrong.stderr
