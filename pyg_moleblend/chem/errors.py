r"""The one error of everything that reads a molecule."""

SHOWN_CHARACTERS: int = 80
r"""Longer inputs are cut to this many characters in messages; :attr:`MoleculeError.input` is complete."""


class MoleculeError(ValueError):
    r"""A molecule that cannot be used: what was given, why not, and what to do about it.

    The arguments are kept as they are, so that a caller can report the row and go on, and the error can be
    sent between processes.

    Args:
        input: The SMILES, molblock or description of the molecule, as it was given.
        reason: Why it cannot be used, in RDKit's words where RDKit said it.
        remedy: What the caller can do.
    """

    def __init__(self, input: str, reason: str, remedy: str) -> None:
        super().__init__(input, reason, remedy)
        self.input = input
        self.reason = reason
        self.remedy = remedy

    def __str__(self) -> str:
        shown = self.input if len(self.input) <= SHOWN_CHARACTERS else f"{self.input[:SHOWN_CHARACTERS]}..."
        return f"cannot use molecule {shown!r}: {self.reason}; {self.remedy}"
