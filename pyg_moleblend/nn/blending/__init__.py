r"""Which relation enters for which pair of atoms: draws that can be replayed (arXiv 2307.06235, section 3.2)."""

from pyg_moleblend.nn.blending.blend import (
    Blend,
    BlendScope,
    check_blend,
    check_probabilities,
    constant_blend,
    draw_blend,
)

__all__ = ["Blend", "BlendScope", "check_blend", "check_probabilities", "constant_blend", "draw_blend"]
