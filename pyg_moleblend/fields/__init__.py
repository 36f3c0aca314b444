r"""What this package reads from and puts on :class:`torch_geometric.data.Data`, in one place.

``field.py`` is the registry of fields, and has the numbers that several modules share; ``bond_classes.py`` makes bonds
one byte. Nothing here knows of chemistry.
"""

from typing import TYPE_CHECKING

from pyg_moleblend.runtime.lazy import export_lazily

if TYPE_CHECKING:
    from pyg_moleblend.fields.bond_classes import (
        BOND_FEATURE_SIZES,
        NUM_BOND_CLASSES,
        BondVocabulary,
        bond_class,
        bond_class_features,
        bond_class_targets,
        bond_class_unchecked,
        num_bond_classes,
        raise_for_bonds,
    )
    from pyg_moleblend.fields.field import (
        ATOM_FEATURE_SIZES,
        FIELDS,
        MAX_PATH_LENGTH,
        PAIR_FIELDS,
        SPD_MAX,
        SPD_UNREACHABLE,
        Field,
        Level,
        declare,
        level_of,
        transforms_for,
    )

__all__ = [
    "ATOM_FEATURE_SIZES",
    "BOND_FEATURE_SIZES",
    "FIELDS",
    "MAX_PATH_LENGTH",
    "NUM_BOND_CLASSES",
    "PAIR_FIELDS",
    "SPD_MAX",
    "SPD_UNREACHABLE",
    "BondVocabulary",
    "Field",
    "Level",
    "bond_class",
    "bond_class_features",
    "bond_class_targets",
    "bond_class_unchecked",
    "declare",
    "level_of",
    "num_bond_classes",
    "raise_for_bonds",
    "transforms_for",
]

export_lazily(__name__)
