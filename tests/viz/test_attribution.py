import re
from xml.etree import ElementTree

import pytest
import torch
from rdkit import Chem

from pyg_moleblend.inference import Attribution
from pyg_moleblend.viz import draw_attribution
from pyg_moleblend.viz.attribution import LOWERS, RAISES

SVG = "{http://www.w3.org/2000/svg}"
SMILES = "CC(=O)N"


def attribution(**changes: object) -> Attribution:
    r"""Of acetamide: the oxygen lowers, a carbon raises by half as much; two pairs, and one atom with itself."""
    atoms = torch.tensor([0.5, 0.0, -1.0, 0.0], dtype=torch.double)
    path = torch.zeros(4, 4, dtype=torch.double)
    path[0, 2], path[2, 0], path[1, 1], path[0, 1] = 0.2, 0.1, -0.15, 0.01
    pairs = {"spd": torch.zeros(4, 4, dtype=torch.double), "my <path>": path}
    mol = Chem.MolFromSmiles(SMILES)
    whole = Attribution("m&m", SMILES, "gap", "eV", 4.66, 5.0, atoms, pairs, mol, "ok")
    return whole._replace(**changes)


def colour(rgb: tuple[int, int, int]) -> str:
    return "#" + "".join(f"{part:02x}" for part in rgb)


def texts(svg: str) -> list[str]:
    return [element.text or "" for element in ElementTree.fromstring(svg).iter(f"{SVG}text")]


def test_it_is_a_drawing_with_every_total():
    svg = draw_attribution(attribution())
    said = texts(svg)
    assert "gap = 4.660 eV" in said
    assert f"m&m: {SMILES}" in said
    assert {"baseline", "atoms", "spd", "my <path>", "prediction"} <= set(said)
    assert {"5.000 eV", "−0.500 eV", "0 eV", "+0.160 eV", "4.660 eV"} <= set(said)
    assert said.count("−0.500 eV") == said.count("+0.160 eV") == 2  # the bar and the picture
    assert said.count("spd") == 1  # nothing to draw
    assert said[-1].startswith("red raises the prediction, blue lowers it; missing from the sum: ")


def test_atoms_have_the_colours_of_their_parts():
    svg = draw_attribution(attribution(pairs={}))
    fills = re.findall(r'<circle [^>]*r="[0-9.]+" fill="(#\w{6})"/>', svg)[2:]  # after the ends of the bars
    half = tuple(round(255 + 0.5 * (part - 255)) for part in RAISES)
    assert fills == [colour(half), "#ffffff", colour(LOWERS), "#ffffff"]


def test_pairs_are_lines_as_wide_as_they_are_strong():
    svg = draw_attribution(attribution())
    bent = re.findall(r'<path d="[^"]* Q [^"]*" fill="none" stroke="(#\w{6})" stroke-width="([0-9.]+)"', svg)
    rings = re.findall(r'<circle [^>]* fill="none" stroke="(#\w{6})"', svg)
    assert [shade for shade, _ in bent] == [colour(RAISES)] * 2
    widths = [float(width) for _, width in bent]
    assert widths == sorted(widths)
    assert widths[-1] == 7
    assert rings == [colour(LOWERS)]
    assert "3 strongest of 3 pairs; widest line: 0.3 eV" in texts(svg)
    fewer = draw_attribution(attribution(), strongest=1)
    assert "1 strongest of 3 pairs; widest line: 0.3 eV" in texts(fewer)
    assert fewer.count(" Q ") < svg.count(" Q ")
    assert "0 strongest of 3 pairs" in texts(draw_attribution(attribution(), strongest=0))


def test_a_molecule_of_one_atom_and_one_that_is_all_zero():
    one = torch.zeros(1, dtype=torch.double)
    svg = draw_attribution(
        attribution(mol=Chem.MolFromSmiles("C"), atoms=one, pairs={"spd": one[None]}, prediction=5.0, unit="")
    )
    assert "gap = 5.00" in texts(svg)


def test_names_may_hold_anything():
    assert "a<b>: CC(=O)N" in texts(draw_attribution(attribution(id="a\x00<b\x1b>")))


def test_what_cannot_be_drawn_is_refused():
    with pytest.raises(ValueError, match=r"'CC\(=O\)N' cannot be drawn: its status is 'no'"):
        draw_attribution(attribution(mol=Chem.Mol(), status="no"))
    with pytest.raises(ValueError, match="strongest"):
        draw_attribution(attribution(), strongest=-1)
