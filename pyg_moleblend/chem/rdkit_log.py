r"""What RDKit says on its error log while it reads one molecule.

RDKit returns ``None`` for a molecule it cannot read, and writes the reason to a log. The log is redirected
for the one call only, whatever the user has set up for it, and the reason goes into our error instead.
"""

import re
import threading
from typing import Any

from rdkit import rdBase

LOG_LOCK = threading.Lock()
r"""Held while the log is redirected: RDKit has one log a process, and redirections must nest."""

_PREFIX = re.compile(r"^\[\d\d:\d\d:\d\d\] ?(?:ERROR: )?", re.MULTILINE)
_SMILES_PROBLEM = re.compile(r"SMILES Parse Error: (.+?) (?:while parsing|for input)")
_POSITION = re.compile(r"around position (\d+)")


class SilencedLog:
    r"""Stands in where RDKit is too old to hand its messages over: nothing is printed, no reason is known."""

    messages = ""

    def __enter__(self) -> Any:
        self._block = rdBase.BlockLogs()
        self._block.__enter__()
        return self

    def __exit__(self, *error: object) -> None:
        self._block.__exit__(None, None, None)


class CapturedLog(SilencedLog):
    r"""Errors are captured, warnings are not printed: a table can have one for every row."""

    def __enter__(self) -> Any:
        super().__enter__()  # first: it would turn the captured log off, too
        self._capture = rdBase.CaptureErrorLog()
        return self._capture.__enter__()

    def __exit__(self, *error: object) -> None:
        self._capture.__exit__(*error)
        super().__exit__(*error)


ErrorLog = CapturedLog if hasattr(rdBase, "CaptureErrorLog") else SilencedLog
r"""Context manager; ``messages`` holds what RDKit wrote. Enter it under :data:`LOG_LOCK`."""


def reason_from_log(messages: str) -> str:
    r"""One line that says why RDKit refused a molecule.

    Args:
        messages: Text of RDKit's error log.

    Returns:
        The first problem, with the position in the SMILES where RDKit gives one.
    """
    messages = _PREFIX.sub("", messages).strip()
    if not messages:
        return "RDKit cannot read it and gives no reason"
    problem = _SMILES_PROBLEM.search(messages)
    if problem is None:
        return messages.splitlines()[0].strip()
    position = _POSITION.search(messages)
    return problem[1] if position is None else f"{problem[1]} around position {position[1]}"
