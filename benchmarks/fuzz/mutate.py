r"""Damaged inputs of whole ones: bytes, lines and cells, and trees of JSON or YAML."""

from __future__ import annotations

import bz2
import copy
import gzip
import io
import json
import lzma
import random
import re
import zipfile
from collections.abc import Callable, Sequence
from typing import Any

import pyarrow as pa
import yaml

Mutate = Callable[[random.Random, Sequence[bytes]], bytes]

NUMBERS = (b"-1", b"0", b"255", b"65536", b"2147483648", b"99999999999999999999", b"1e400", b"-1e309", b"NaN", b"inf")
TOKENS = (
    *NUMBERS,
    *(b"", b"\0", b'"', b"'", b",", b"\t", b";", b"\n", b"\r", b"\r\n", b"\xff", b"\xed\xa0\x80", b"\xc3\xa9", b" "),
    *(b"\xef\xbb\xbf", b"\xff\xfe", b"\xe2\x80\xa8", b"%", b"$$$$\n", b"M  END\n", b"@<TRIPOS>ATOM\n", b"V3000"),
    *(b"[", b"]", b"(", b"{", b"}", b"[" * 3000, b"null", b"true", b"smiles", b"../x", b"A" * 5000),
)
SMILES = (
    *(
        "C",
        "c",
        "[",
        "]",
        "(",
        ")",
        "=",
        "#",
        "$",
        ":",
        ".",
        "/",
        "\\",
        "%",
        "%99",
        "1",
        "0",
        "@",
        "@@",
        "@TH9",
        "@SP1",
    ),
    *("[13CH4]", "[#0]", "[#119]", "[U+9]", "[Fe-99]", "*", "[*:1]", "->", "<-", ">>", "~", "é", "\ud800", "\0", " n"),
    *(" |^1:0|", " |$R1;;$|", " |c:99|", " |SgD:0:x:y:::|", "[H]", "[nH]", "Cl", "[C@@H]", "%(12345)", "-", "+", "N"),
)
CELLS = ("", "nan", "inf", "1e999", "-0", "1,5", '"', '""', "é", "x" * 3000, "True", "0x10", "1_0", "١", "C\0", "=1+1")
VALUES: tuple[Any, ...] = (
    *(None, True, -1, 0, 1, 2**31, 2**63, 10**30, -0.5, 1e308, float("nan"), float("inf"), "", "x", "\ud800", "\0"),
    *([], {}, [[]], [None], {"": None}, {"component": "x", "arguments": {}}, {"class_path": "fuzz_marker.run"}),
    *("fuzz_marker", "fuzz_marker.run", "../../x", "[" * 500, ["x"] * 3, [1, 2, 3], {"x": 1}, "1" * 5000),
)


def damage_bytes(draw: random.Random, seeds: Sequence[bytes], tokens: Sequence[bytes] = TOKENS) -> bytes:
    r"""A seed with one to four changes anywhere."""
    data = bytearray(draw.choice(seeds))
    for _ in range(draw.choice((1, 1, 2, 4))):
        start = draw.randint(0, len(data))
        stop = min(len(data), start + draw.choice((1, 1, 4, 16, 200)))
        how = draw.randrange(9)
        if how == 0 and start < len(data):
            data[start] ^= 1 << draw.randrange(8)
        elif how == 1:
            del data[start:stop]
        elif how == 2:
            data[start:start] = data[start:stop] * draw.choice((1, 1, 3, 300))
        elif how == 3:
            data[start:start] = draw.choice(tokens)
        elif how == 4:
            data[start:stop] = draw.choice(tokens)
        elif how == 5:
            del data[start:]
        elif how == 6:
            other = draw.choice(seeds)
            data[start:] = other[draw.randint(0, len(other)) :]
        elif how == 7:
            data[start:stop] = bytes(draw.choice((0, 255, draw.randrange(256))) for _ in range(stop - start))
        elif numbers := list(re.finditer(rb"\d+(\.\d+)?", bytes(data[:20_000]))):
            found = draw.choice(numbers)
            data[found.start() : found.end()] = draw.choice(NUMBERS)
    return bytes(data)


def damage_smiles(draw: random.Random, seeds: Sequence[bytes]) -> bytes:
    r"""Atoms, bonds and brackets of a SMILES, cut, doubled and mixed with others."""
    parts = re.findall(r"\[[^]]*\]|Cl|Br|%\d\d|.", draw.choice(seeds).decode(), re.DOTALL)
    for _ in range(draw.randint(1, 6)):
        place = draw.randint(0, len(parts))
        how = draw.randrange(4)
        if how == 0:
            del parts[place : place + draw.randint(1, 3)]
        elif how == 1:
            parts[place:place] = parts[place : place + draw.randint(1, 8)] * draw.choice((1, 2, 40))
        else:
            parts[place : place + (how == 2)] = [draw.choice(SMILES)]
    return "".join(parts).encode("utf-8", "surrogatepass")


def damage_cells(draw: random.Random, seeds: Sequence[bytes]) -> bytes:
    r"""Lines and cells of a table, moved, doubled and replaced."""
    text = draw.choice(seeds).decode("utf-8", "replace")
    separator = "\t" if "\t" in text else ","
    lines = text.split("\n")
    for _ in range(draw.choice((1, 1, 2, 4))):
        place, other = draw.randrange(len(lines)), draw.randrange(len(lines))
        how = draw.randrange(5)
        if how == 0:
            lines[place], lines[other] = lines[other], lines[place]
        elif how == 1:
            lines.insert(other, lines[place])
        elif how == 2 and len(lines) > 1:
            del lines[place]
        else:
            cells = lines[place].split(separator)
            cells[draw.randrange(len(cells))] = draw.choice((*CELLS, *SMILES))
            lines[place] = separator.join(cells)
    return draw.choice(("\n", "\n", "\n", "\r\n", "\r")).join(lines).encode("utf-8", "surrogatepass")


def damage_tree(draw: random.Random, tree: Any) -> Any:
    r"""A tree of JSON values with one to three changes: values replaced, keys taken away, renamed or added."""
    tree = json.loads(json.dumps(tree))
    for _ in range(draw.choice((1, 1, 2, 3))):
        places: list[tuple[Any, Any]] = []
        _places(tree, places)
        if not places:
            return _value(draw)
        holder, key = draw.choice(places)
        how = draw.randrange(6)
        if how == 0:
            del holder[key]
        elif how == 1 and isinstance(holder, dict):
            holder[str(draw.choice(VALUES))] = holder.pop(key)
        elif how == 2:
            holder[key] = [holder[key]]
        elif how == 3:
            other, name = draw.choice(places)
            holder[key] = json.loads(json.dumps(other.get(name) if isinstance(other, dict) else other))
        else:
            holder[key] = _value(draw)
    return tree if draw.random() > 0.02 else _value(draw)


def damage_json(draw: random.Random, seeds: Sequence[bytes]) -> bytes:
    r"""A JSON file with another tree, or now and then with other bytes."""
    if draw.random() < 0.2:
        return damage_bytes(draw, seeds)
    return json.dumps(damage_tree(draw, json.loads(draw.choice(seeds)))).encode()


def damage_yaml(draw: random.Random, seeds: Sequence[bytes]) -> bytes:
    r"""A YAML file with another tree, or with other bytes, tags that would make objects among them."""
    if draw.random() < 0.4:
        tags = (b"!!python/object/apply:fuzz_marker.run []", b"!!python/name:os.system", b"&a [*a]", b"<<: *a", b": ")
        return damage_bytes(draw, seeds, (*TOKENS, *tags, b"!!binary x", b"2001-01-01", b"0o7", b"- ", b"|\n", b"~"))
    return yaml.safe_dump(damage_tree(draw, yaml.safe_load(draw.choice(seeds)))).encode("utf-8", "surrogatepass")


def damage_safetensors(draw: random.Random, seeds: Sequence[bytes]) -> bytes:
    r"""A safetensors file with another head of the right length, other numbers, or other bytes anywhere."""
    seed = draw.choice(seeds)
    end = 8 + int.from_bytes(seed[:8], "little")
    how = draw.randrange(3)
    if how == 0:
        return damage_bytes(draw, seeds)
    head, body = json.loads(seed[8:end]), seed[end:]
    if how == 1:
        head = damage_tree(draw, head)
    else:
        values = bytearray(body)
        for _ in range(draw.choice((1, 3, 20))):
            start = draw.randrange(max(1, len(values)))
            values[start : start + 4] = draw.choice(
                (b"\xff\xff\xff\xff", b"\0\0\0\0", b"\0\0\x80\x7f", draw.randbytes(4))
            )
        body = bytes(values[: len(body)])
    text = json.dumps(head).encode()
    return len(text).to_bytes(8, "little") + text + body


def damage_archive(draw: random.Random, seeds: Sequence[bytes]) -> bytes:
    r"""A zip archive as PyTorch writes it, one of its files damaged, or other bytes anywhere."""
    if draw.random() < 0.2:
        return damage_bytes(draw, seeds)
    with zipfile.ZipFile(io.BytesIO(draw.choice(seeds))) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    tokens = (
        *TOKENS,
        b"cfuzz_marker\nrun\n(tR.",
        b"cos\nsystem\n(S'x'\ntR.",
        b"q\0",
        b"h\0",
        b"R",
        b".",
        b"}",
        b"t",
        b"Q",
    )
    name = draw.choice([name for name in files if name.endswith(".pkl")] * 8 + list(files))
    files[name] = damage_bytes(draw, [files[name]], tokens)
    whole = io.BytesIO()
    with zipfile.ZipFile(whole, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return whole.getvalue()


def damage_compressed(draw: random.Random, seeds: Sequence[bytes]) -> bytes:
    r"""Text, compressed in some way: damaged before it, after it, or both."""
    text = damage_cells(draw, seeds) if draw.random() < 0.6 else draw.choice(seeds)
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", draw.choice((0, 8, 12, 14))) as file:
        for name in draw.choice(
            (["a.csv"], ["a.csv"], ["a.csv", "b.csv"], ["../../a.csv"], ["a/"], ["__MACOSX/a"], [])
        ):
            file.writestr(name, text)
    packed = draw.choice(
        (
            gzip.compress(text),
            bz2.compress(text),
            lzma.compress(text),
            zstd(text),
            archive.getvalue(),
            gzip.compress(b""),
        )
    )
    return packed if draw.random() < 0.3 else damage_bytes(draw, [packed])


def zstd(data: bytes) -> bytes:
    r"""Bytes compressed by Zstandard."""
    packed: bytes = pa.Codec("zstd").compress(data, asbytes=True)
    return packed


def _value(draw: random.Random) -> Any:
    return copy.deepcopy(draw.choice(VALUES))  # which may be changed next


def _places(tree: Any, found: list[tuple[Any, Any]]) -> None:
    for key in list(tree) if isinstance(tree, dict) else range(len(tree)) if isinstance(tree, list) else ():
        found.append((tree, key))
        _places(tree[key], found)
