r"""Datasets that are processed once and kept on disk, complete or not at all, and never stale."""

import json
import sys
import warnings
from abc import ABC, abstractmethod
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import rdkit
import torch
from filelock import FileLock
from torch_geometric.data import Data

import pyg_moleblend
from pyg_moleblend.datasets.base import MoleculeDataset, Transform, store_list
from pyg_moleblend.datasets.io.failures import Failure, load_failures, save_failures
from pyg_moleblend.datasets.io.raw_state import is_state_of, state_of
from pyg_moleblend.datasets.io.transformed import transform_key
from pyg_moleblend.runtime.files import Digest, atomic_write, content_key, digest, is_whole
from pyg_moleblend.runtime.open_file import read_json
from pyg_moleblend.utils.flat_batch import Stored

PROCESSED_FORMAT = 3
r"""Of the processed files and of what they hold; raise it with every change that one release may see."""


class Built(NamedTuple):
    r"""What a dataset makes of its raw files.

    Attributes:
        stored: The molecules.
        failures: The rows without one.
        facts: What else is to be remembered about the dataset, as JSON.
    """

    stored: Stored
    failures: list[Failure]
    facts: dict[str, Any]


class CachedMoleculeDataset(MoleculeDataset, ABC):
    r"""A dataset in a folder: raw files in, processed molecules out.

    The processed files lie in a folder of their own that is named for everything they depend on: the class
    and its parameters, the versions of RDKit and of this package, ``pre_transform`` and ``pre_filter`` by
    their ``repr``. Other parameters are another folder, and raw files of another content are processed again, so
    nothing stale is ever loaded; nor is anything damaged, for the manifest holds the files' checksums. A ``repr``
    that does not tell all arguments, or has a memory address (a lambda, a function), says too little: then the
    molecules are processed each time, with a warning. The files are written under temporary names, and
    ``manifest.json`` last: an interrupted run leaves nothing that looks complete.

    Subclasses give :meth:`parameters`, :meth:`build` and PyG's ``raw_file_names`` and :meth:`download`.

    Args:
        root: Folder of the dataset.
        transform: Applied to every molecule when it is looked at.
        pre_transform: Applied once, before the molecules are stored.
        pre_filter: Says of every molecule whether it is to be stored.
        progress: Whether to say on stderr what is done.
        force_reload: Whether to process the raw files again.
    """

    def __init__(
        self,
        root: str | Path,
        transform: Transform | None = None,
        pre_transform: Transform | None = None,
        pre_filter: Callable[[Data], bool] | None = None,
        progress: bool = True,
        force_reload: bool = False,
    ) -> None:
        told, unknown = {}, False
        for name, given in (("pre_transform", pre_transform), ("pre_filter", pre_filter)):
            try:
                told[name] = repr(None) if given is None else f"{type(given).__module__}: {transform_key(given)}"
            except ValueError as error:
                told[name], unknown = "unknown", True
                warnings.warn(f"the molecules are processed each time: {error}", stacklevel=3)
        self.progress = progress
        self._key = {
            "format": PROCESSED_FORMAT,
            "dataset": type(self).__name__,
            "parameters": self.parameters(),
            **told,
            "pyg_moleblend": pyg_moleblend.__version__,
            "rdkit": rdkit.__version__,
        }
        super().__init__(str(root), transform, pre_transform, pre_filter, progress, force_reload or unknown)
        self._load()

    @abstractmethod
    def parameters(self) -> dict[str, Any]:
        r"""Everything the stored molecules depend on besides the raw files, as JSON."""

    @abstractmethod
    def build(self) -> Built:
        r"""The molecules of the raw files."""

    @property
    def title(self) -> str:
        r"""What the dataset is called."""
        return type(self).__name__

    @property
    def folder(self) -> Path:
        r"""Where ``raw`` and ``processed`` lie."""
        return Path(self.root)

    @property
    def raw_dir(self) -> str:
        return str(self.folder / "raw")

    @property
    def processed_dir(self) -> str:
        return str(self.folder / "processed" / content_key(**self._key))

    @property
    def processed_file_names(self) -> list[str]:
        return ["data.pt", "failures.csv", "manifest.json"]

    @property
    def facts(self) -> dict[str, Any]:
        r"""What :meth:`build` found worth remembering."""
        return dict(self._manifest["facts"])

    @property
    def conformer_errors(self) -> dict[int, str]:
        r"""Why molecules have not the conformers that were asked for, by row of the source."""
        return {int(row): cause for row, cause in self.facts.get("conformer_errors", {}).items()}

    def say(self, text: str) -> None:
        r"""Says something on stderr, if the dataset is to say anything."""
        if self.progress:
            print(f"{self!r}: {text}", file=sys.stderr)

    def _is_processed(self) -> bool:
        paths = [Path(path) for path in self.processed_paths]
        if self.force_reload or not all(path.is_file() for path in paths):
            return False
        return is_state_of(self.raw_paths, self._read_manifest())

    # PyG's own wants the raw files even where they are not needed any more.
    def _download(self) -> None:
        if not self._is_processed():
            with self._lock():
                super()._download()

    # PyG's own would unpickle a file that says which `pre_transform` was used; ours is in the folder's name.
    def _process(self) -> None:
        if not self._is_processed():
            with self._lock():
                if not self._is_processed():  # another process may have done it meanwhile
                    self.process()

    def _lock(self) -> FileLock:
        r"""Held by one process at a time, and by none that has ended, however it ended."""
        self.folder.mkdir(parents=True, exist_ok=True)
        return FileLock(self.folder / ".lock")

    def process(self) -> None:
        r"""Builds the molecules and writes them, the manifest last."""
        built = self.build()
        (data, slices), failures = self._prepare(built.stored), sorted(built.failures)
        data_path, failures_path, manifest_path = map(Path, self.processed_paths)
        manifest_path.unlink(missing_ok=True)
        with atomic_write(data_path) as file:
            torch.save((data.to_dict(), slices), file)
        save_failures(failures_path, failures)
        files = {path.name: digest(path)._asdict() for path in (data_path, failures_path)}
        manifest = {**self._key, "facts": built.facts, **state_of(self.raw_paths), "files": files}
        with atomic_write(manifest_path, "w") as file:
            json.dump(manifest, file, indent=2)
        if failures:
            self.say(f"{len(failures)} rows are not in the dataset, see {failures_path}")

    def _prepare(self, stored: Stored) -> Stored:
        if self.pre_filter is None and self.pre_transform is None:
            return stored
        self.data, self.slices = stored
        molecules = [self.get(i) for i in range(self.len())]
        if self.pre_filter is not None:
            molecules = [data for data in molecules if self.pre_filter(data)]
        if self.pre_transform is not None:
            molecules = [self.pre_transform(data) for data in molecules]
        if not molecules:
            raise ValueError(f"pre_filter={self.pre_filter!r} leaves no molecule of {self.len()}")
        return store_list(molecules)

    def _read_manifest(self) -> dict[str, Any]:
        path = Path(self.processed_paths[-1])
        try:
            return dict(read_json(path))
        except ValueError as error:
            raise ValueError(_damaged(path)) from error

    def _load(self) -> None:
        data_path, failures_path, _ = map(Path, self.processed_paths)
        self._manifest = self._read_manifest()
        for path in (data_path, failures_path):
            if not is_whole(path, Digest(**self._manifest["files"][path.name])):
                raise ValueError(_damaged(path))
        # Memory-mapped: the processes of one machine share one copy.
        data, self.slices = torch.load(data_path, weights_only=True, mmap=True)
        self.data = Data.from_dict(data)
        self.failures = load_failures(failures_path)

    def __repr__(self) -> str:
        return f"{self.title}({len(self)})" if self.__dict__.get("slices") is not None else self.title


def _damaged(path: Path) -> str:
    return f"{path} is damaged; delete its folder, or pass force_reload=True"
