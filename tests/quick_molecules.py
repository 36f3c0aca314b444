r"""Small molecules whose properties one can know, for the tests of quick models."""

import numpy as np

RINGS = ("c1ccccc1", "C1CCCCC1", "c1ccncc1", "C1CCCC1", "c1ccoc1")
ENDS = ("O", "N", "F", "Cl", "C(=O)O", "C#N")
SMILES = [f"{'C' * length}{ring[:-1]}1{end}" for length in (1, 2, 3) for ring in RINGS for end in ENDS]
SMILES += ["C" * length + end for length in range(2, 7) for end in ENDS]
r"""120 different ones."""

SIZE = np.array([sum(letter.isupper() or letter in "cno" for letter in text.replace("Cl", "X")) for text in SMILES])
r"""Their heavy atoms."""

IS_RING = np.array(["1" in text for text in SMILES])
