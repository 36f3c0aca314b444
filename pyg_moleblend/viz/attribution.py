r"""Of what a prediction is made, as an SVG drawing."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import accumulate
from typing import Any, NamedTuple
from xml.sax.saxutils import escape

from rdkit import Chem
from rdkit.Chem import rdDepictor
from rdkit.Chem.Draw import rdMolDraw2D
from torch import Tensor

from pyg_moleblend.inference.attribution import ATOMS, Attribution

RAISES, LOWERS = (214, 96, 77), (67, 147, 195)
r"""Colours of what makes the prediction higher and lower, from ColorBrewer's RdBu; white is 0."""

_INK, _PALE = "#222222", "#767676"
_COLUMNS, _MARGIN, _ROW = 2, 24, 24
_PANEL, _ASPECT, _CAPTION, _HEAD = 350.0, 0.74, 46.0, 86.0
_BARS = (130.0, 130.0)  # what is left of a bar for its name, and right of it for its number
_LONGEST = 80


class _Pair(NamedTuple):
    r"""Two atoms, or one twice, and what their bias adds in both directions."""

    value: float
    first: int
    second: int


def draw_attribution(attribution: Attribution, strongest: int = 12) -> str:
    r"""Draws of what a prediction is made: the way from the baseline to the prediction, a bar a part; the atoms,
    coloured by their parts; and for each relation its strongest pairs, as lines.

    Red raises the prediction, blue lowers it, white is 0. Lines are as wide as the pairs are strong, on a scale of
    each relation's own, both directions of a pair together; an atom's pair with itself is a ring. A relation that adds
    nothing anywhere has a bar, and no picture.

    Args:
        attribution: From :func:`~pyg_moleblend.inference.attribute`.
        strongest: Most lines of a relation. (default: :obj:`12`)

    Returns:
        The text of an SVG file.

    Raises:
        ValueError: If there is no prediction, or no molecule to draw, or ``strongest`` is negative.
    """
    if strongest < 0:
        raise ValueError(f"`strongest` must not be negative, got {strongest}")
    if not len(attribution.atoms) or attribution.mol.GetNumAtoms() != len(attribution.atoms):
        raise ValueError(f"molecule {attribution.smiles!r} cannot be drawn: its status is {attribution.status!r}")
    side = _PANEL * min(max(math.sqrt(len(attribution.atoms) / 30), 1.0), 2.0)
    drawn, numbers = _Drawn(attribution.mol, side), _Numbers.of(attribution)
    totals = attribution.totals
    panels = [_panel(ATOMS, totals[ATOMS], numbers, *_atoms(drawn, attribution.atoms.tolist(), numbers), drawn)]
    for name, part in attribution.pairs.items():
        if pairs := _both_directions(part):
            lines = _lines(drawn, pairs[:strongest], len(pairs), numbers)
            panels.append(_panel(name, totals[name], numbers, *lines, drawn))

    width = _COLUMNS * side + (_COLUMNS + 1) * _MARGIN
    parts = [_header(attribution, numbers), _bars(attribution, numbers, width)]
    y = _HEAD + _ROW * (len(totals) + 2) + _MARGIN
    for number, panel in enumerate(panels):
        x = _MARGIN + (number % _COLUMNS) * (side + _MARGIN)
        parts.append(f'<g transform="translate({x:.1f} {y:.1f})">{panel}</g>')
        if number % _COLUMNS == _COLUMNS - 1 or number == len(panels) - 1:
            y += drawn.height + _CAPTION + _MARGIN
    missing = f"missing from the sum: {attribution.gap:.1g}{numbers.unit}".replace("-", "−")
    parts.append(_text(_MARGIN, y + 2, f"red raises the prediction, blue lowers it; {missing}", 12, _PALE))
    size = f'width="{width:.0f}" height="{y + _MARGIN:.0f}"'
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} viewBox="0 0 {width:.0f} {y + _MARGIN:.0f}" '
        'font-family="Helvetica, Arial, DejaVu Sans, sans-serif">\n'
        '<rect width="100%" height="100%" fill="#ffffff"/>\n' + "\n".join(parts) + "\n</svg>\n"
    )


class _Numbers(NamedTuple):
    r"""How the numbers of an attribution are written: with so many digits behind the point that its largest part has
    three, so that the parts can be seen to add up."""

    decimals: int
    unit: str

    @classmethod
    def of(cls, attribution: Attribution) -> _Numbers:
        largest = max(map(abs, attribution.totals.values()))
        decimals = 2 - math.floor(math.log10(largest)) if largest else 2
        return cls(min(max(decimals, 0), 12), attribution.unit and f" {attribution.unit}")

    def value(self, value: float) -> str:
        return f"{value:.{self.decimals}f}{self.unit}".replace("-", "−")

    def part(self, value: float) -> str:
        form = f".{self.decimals}f" if abs(value) >= 0.5 * 10**-self.decimals else ".1g"
        return f"{value:+{form}}{self.unit}".replace("-", "−") if value else f"0{self.unit}"

    def scale(self, value: float) -> str:
        return f"{value:.2g}{self.unit}".replace("-", "−")


class _Drawn:
    r"""A molecule as RDKit draws it, and where its atoms are."""

    def __init__(self, mol: Chem.Mol, side: float) -> None:
        drawer = rdMolDraw2D.MolDraw2DSVG(int(side), int(_ASPECT * side))
        options: Any = drawer.drawOptions()  # RDKit's stubs give its attributes the type of the whole
        options.useBWAtomPalette()
        options.clearBackground = False
        options.padding = 0.09
        options.minFontSize = 10
        options.fixedBondLength = side / 7
        flat = Chem.Mol(mol)
        rdDepictor.Compute2DCoords(flat, canonOrient=True)
        flat = rdMolDraw2D.PrepareMolForDrawing(flat, addChiralHs=False)
        drawer.DrawMolecule(flat)
        drawer.FinishDrawing()
        self.side, self.height = side, _ASPECT * side
        self.places = [(point.x, point.y) for point in map(drawer.GetDrawCoords, range(mol.GetNumAtoms()))]
        self.molecule = drawer.GetDrawingText().split("<!-- END OF HEADER -->")[1].replace("</svg>", "").strip()
        bonds = [
            math.dist(self.places[bond.GetBeginAtomIdx()], self.places[bond.GetEndAtomIdx()]) for bond in mol.GetBonds()
        ]
        self.radius = 0.36 * min([*bonds, side / 7])


def _atoms(drawn: _Drawn, values: Sequence[float], numbers: _Numbers) -> tuple[str, str]:
    r"""What lies under the molecule, and what is said of it: circles in the colours of the atoms' parts."""
    largest = max(map(abs, values))
    circles = [
        f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{drawn.radius:.1f}" fill="{_colour(value, largest)}"/>'
        for (x, y), value in zip(drawn.places, values, strict=True)
    ]
    return "".join(circles), f"darkest atom: {numbers.scale(max(values, key=abs))}"


def _lines(drawn: _Drawn, pairs: Sequence[_Pair], count: int, numbers: _Numbers) -> tuple[str, str]:
    r"""The same with lines between the atoms of pairs, the strongest on top."""
    lines = []
    for value, first, second in reversed(pairs):
        share = abs(value / pairs[0].value)
        (x, y), (u, v) = drawn.places[first], drawn.places[second]
        style = (
            f'fill="none" stroke="{_colour(value, abs(value))}" stroke-width="{0.8 + 6.2 * share:.2f}" '
            f'stroke-opacity="{0.35 + 0.5 * share:.2f}" stroke-linecap="round"'
        )
        if first == second:
            lines.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{drawn.radius:.1f}" {style}/>')
        else:
            bent = (x + u) / 2 + 0.18 * (v - y), (y + v) / 2 - 0.18 * (u - x)
            lines.append(f'<path d="M {x:.1f} {y:.1f} Q {bent[0]:.1f} {bent[1]:.1f} {u:.1f} {v:.1f}" {style}/>')
    widest = f"; widest line: {numbers.scale(pairs[0].value)}" if pairs else ""
    return "".join(lines), f"{len(pairs)} strongest of {count} pairs{widest}"


def _panel(name: str, total: float, numbers: _Numbers, below: str, remark: str, drawn: _Drawn) -> str:
    r"""A molecule with what lies under it, below its caption."""
    size = f'width="{drawn.side:.1f}" height="{drawn.height + _CAPTION:.1f}"'
    head = _text(14, 24, name, 15, _INK, bold=True)
    value = _text(drawn.side - 14, 24, numbers.part(total), 15, _dark(total), bold=True, anchor="end")
    picture = f'<g transform="translate(0 {_CAPTION - 4:.1f})">{below}{drawn.molecule}</g>'
    return (
        f'<rect {size} rx="8" fill="none" stroke="#d9d9d9"/>{head}{value}{_text(14, 42, remark, 11.5, _PALE)}{picture}'
    )


def _header(attribution: Attribution, numbers: _Numbers) -> str:
    smiles, name = attribution.smiles, attribution.id
    smiles = smiles if len(smiles) <= _LONGEST else f"{smiles[: _LONGEST - 1]}…"
    title = _text(_MARGIN, 40, f"{attribution.target} = {numbers.value(attribution.prediction)}", 22, _INK, bold=True)
    return title + _text(_MARGIN, 64, f"{name}: {smiles}" if name else smiles, 13, _PALE)


def _bars(attribution: Attribution, numbers: _Numbers, width: float) -> str:
    r"""The way from the baseline to the prediction, a bar a part."""
    totals = attribution.totals
    ends = list(accumulate(totals.values(), initial=attribution.baseline))
    low, high = min(ends), max(ends)
    left, right = _MARGIN + _BARS[0], width - _MARGIN

    def at(value: float) -> float:
        return left + (right - _BARS[1] - left) * ((value - low) / (high - low) if high > low else 0.5)

    def row(number: int, name: str, text: str, colour: str) -> str:
        y = _HEAD + _ROW * number + 16
        return _text(_MARGIN, y, name, 14, _INK) + _text(right, y, text, 14, colour, anchor="end")

    def dot(number: int, value: float) -> str:
        return f'<circle cx="{at(value):.1f}" cy="{_HEAD + _ROW * number + 11:.1f}" r="4.5" fill="{_INK}"/>'

    lines, parts = [], [row(0, "baseline", numbers.value(attribution.baseline), _INK), dot(0, ends[0])]
    for number, end in enumerate(ends):
        y = _HEAD + _ROW * number + 11
        lines.append(f'<path d="M {at(end):.1f} {y:.1f} v {_ROW}" stroke="#bbbbbb"/>')
    for number, (name, value) in enumerate(totals.items(), 1):
        begin, end = sorted((at(ends[number - 1]), at(ends[number])))
        place = f'x="{begin:.1f}" y="{_HEAD + _ROW * number + 3:.1f}" width="{max(end - begin, 1):.1f}" height="16"'
        parts.append(f'<rect {place} rx="2" fill="{_colour(value, abs(value))}"/>')
        parts.append(row(number, name, numbers.part(value), _dark(value)))
    parts += [row(len(ends), "prediction", numbers.value(attribution.prediction), _INK), dot(len(ends), ends[-1])]
    return "".join([*lines, *parts])


def _both_directions(part: Tensor) -> list[_Pair]:
    r"""The pairs of a relation ``[N, N]``, each once, the strongest first."""
    both = (part + part.T).triu(1) + part.diag().diag()
    first, second = both.nonzero().T.tolist()
    pairs = [_Pair(float(both[i, j]), i, j) for i, j in zip(first, second, strict=True)]
    return sorted(pairs, key=lambda pair: -abs(pair.value))


def _colour(value: float, largest: float) -> str:
    r"""Between white for 0 and the colour of the sign for the largest."""
    share = min(abs(value) / largest, 1.0) if largest else 0.0
    return "#" + "".join(f"{round(255 + share * (own - 255)):02x}" for own in (RAISES if value > 0 else LOWERS))


def _dark(value: float) -> str:
    r"""The colour of a sign for text."""
    return _PALE if value == 0 else "#b2182b" if value > 0 else "#2166ac"


def _text(x: float, y: float, text: str, size: float, colour: str, bold: bool = False, anchor: str = "start") -> str:
    weight = ' font-weight="bold"' if bold else ""
    end = "" if anchor == "start" else f' text-anchor="{anchor}"'
    text = "".join(letter for letter in text if letter.isprintable())  # XML knows no others
    return f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size:g}" fill="{colour}"{weight}{end}>{escape(text)}</text>'
