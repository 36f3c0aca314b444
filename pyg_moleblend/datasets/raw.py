r"""Raw files of published datasets: from an installed package, or from the web."""

import os
import shutil
import tempfile
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from urllib.error import URLError

from torch_geometric.data import download_url, extract_gz, extract_zip

from pyg_moleblend.utils.files import atomic_write


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


def fetch(url: str, folder: str | Path, names: Mapping[str, str], remedy: str, log: bool = True) -> None:
    r"""Downloads a file, takes it apart if it is an archive, and puts what is wanted in place.

    Everything is done in a temporary folder first: what is in place is complete.

    Args:
        url: What to download; archives end in ``.zip`` or ``.gz``.
        folder: Where the files shall be.
        names: For each wanted file its name in the archive (of the download, where it is none), and its name
            in `folder`.
        remedy: What to do when the download fails.
        log: Whether PyG says on stderr what it does.

    Raises:
        RuntimeError: If the download fails, or a wanted file is not in it.
    """
    Path(folder).mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder) as temporary:
        try:
            path = download_url(url, temporary, log)
        except (URLError, OSError) as error:
            raise RuntimeError(f"cannot download {url}: {error}; {remedy}") from error
        if path.endswith(".zip"):
            extract_zip(path, temporary, log)
        elif path.endswith(".gz"):
            extract_gz(path, temporary, log)
        missing = [name for name in names if not (Path(temporary) / name).is_file()]
        if missing:
            raise RuntimeError(f"{url} does not hold {missing}; {remedy}")
        for name, wanted in names.items():
            os.replace(Path(temporary) / name, Path(folder) / wanted)
