r"""MoleculeACE's files: where they are to be had, and how many molecules each of them has."""

from pathlib import Path

from pyg_moleblend.datasets.io.raw import copy_file, fetch, installed_file

PACKAGE = "MoleculeACE"
FOLDER = "Data/benchmark_data"
VERSION = "3.0.0"
URL = (
    "https://files.pythonhosted.org/packages/fb/06/3bbb140a8bb29e099a67b2f4b34b8d6dce3f41a684ca4c988c88a24ef28c/"
    f"MoleculeACE-{VERSION}-py3-none-any.whl"
)
SHA256 = "c2028c9a75281eab53d3b3e7dc11cbc8ac970d008bac4a0d3927f11ac2024bdc"

COLUMNS = ("smiles", "exp_mean [nM]", "y", "cliff_mol", "split")

TARGETS: dict[str, int] = {
    "CHEMBL1862_Ki": 794,
    "CHEMBL1871_Ki": 659,
    "CHEMBL2034_Ki": 750,
    "CHEMBL2047_EC50": 631,
    "CHEMBL204_Ki": 2754,
    "CHEMBL2147_Ki": 1456,
    "CHEMBL214_Ki": 3317,
    "CHEMBL218_EC50": 1031,
    "CHEMBL219_Ki": 1865,
    "CHEMBL228_Ki": 1704,
    "CHEMBL231_Ki": 973,
    "CHEMBL233_Ki": 3142,
    "CHEMBL234_Ki": 3657,
    "CHEMBL235_EC50": 2349,
    "CHEMBL236_Ki": 2598,
    "CHEMBL237_EC50": 955,
    "CHEMBL237_Ki": 2603,
    "CHEMBL238_Ki": 1052,
    "CHEMBL239_EC50": 1721,
    "CHEMBL244_Ki": 3097,
    "CHEMBL262_Ki": 856,
    "CHEMBL264_Ki": 2862,
    "CHEMBL2835_Ki": 615,
    "CHEMBL287_Ki": 1328,
    "CHEMBL2971_Ki": 976,
    "CHEMBL3979_EC50": 1125,
    "CHEMBL4005_Ki": 960,
    "CHEMBL4203_Ki": 731,
    "CHEMBL4616_EC50": 682,
    "CHEMBL4792_Ki": 1471,
}
r"""The 30 targets by the benchmark's names, and the number of molecules of each: 48,714 in all."""


def put_files(folder: Path, targets: list[str], progress: bool = True) -> None:
    r"""Puts the files of some targets in place, from the installed package or else from its archive.

    The package is never imported. It pins an old RDKit, so that ``pip install`` of it with its dependencies would
    replace the one that is there; this needs nothing but its files.

    Args:
        folder: Where they shall be, each as ``<target>.csv``; what is there already is left alone.
        targets: Keys of :data:`TARGETS`.
        progress: Whether to show a progress bar.

    Raises:
        RuntimeError: If they are in no installed package and cannot be downloaded.
    """
    missing = {}
    for target in targets:
        name = f"{target}.csv"
        if (folder / name).is_file():
            continue
        packaged = installed_file(PACKAGE, f"{FOLDER}/{name}")
        if packaged is None:
            missing[f"{PACKAGE}/{FOLDER}/{name}"] = name
        else:
            copy_file(packaged, folder / name)
    if missing:
        remedy = (
            f"put the files of {URL.rsplit('/', 1)[1]} (pip download --no-deps moleculeace=={VERSION}; it is a zip "
            f"archive) into {folder}"
        )
        fetch(URL, folder, missing, remedy, progress, sha256=SHA256)
