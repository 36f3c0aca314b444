from __future__ import annotations

import re
import shutil
from pathlib import Path
from tempfile import TemporaryDirectory

from torch import nn

from pyg_moleblend.checkpoints.card import model_card
from pyg_moleblend.checkpoints.model_folder import MODEL_FILES, members_of
from pyg_moleblend.checkpoints.pretrained import check_files, save_pretrained

CARD = "README.md"
_REPO = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*", re.ASCII)


def push_to_hub(source: nn.Module | str | Path, repo: str, private: bool = False) -> str:
    r"""Uploads a model to the Hugging Face hub, with a card made of what its run has recorded.

    Afterwards :func:`~pyg_moleblend.checkpoints.from_pretrained` and whatever else takes a model take ``"user/repo"``.

    The files of the model are uploaded, and of its run nothing but what the card tells. A model and a card that are
    there already are replaced. Log in before, by ``hf auth login`` or the environment's ``HF_TOKEN``.

    Args:
        source: Folder of a run of :func:`~pyg_moleblend.training.finetune` or :func:`~pyg_moleblend.training.fit`, of a
            model, or a model.
        repo: ``"user/repo"``; made if there is none.
        private: Whether a repository that is made is private. (default: :obj:`False`)

    Returns:
        The repository's address.

    Raises:
        ValueError: If the repository's name is none, the folder is of a run with several seeds, or its files are
            damaged.
        OSError: If the hub cannot be reached, or refuses.
    """
    from huggingface_hub import HfApi

    if not isinstance(repo, str) or not _REPO.fullmatch(repo):
        raise ValueError(f"a repository of the hub is called USER/NAME, got {repo!r}")
    with TemporaryDirectory() as place:
        if isinstance(source, nn.Module):
            source = save_pretrained(source, Path(place) / "saved")
        members = members_of(source)
        if len(members) > 1:
            raise ValueError(f"{source} holds {len(members)} models: push one of them, {members[0].parent} say")
        folder = members[0]
        check_files(folder)
        whole = Path(place) / "whole"
        for path in (path for pattern in MODEL_FILES for path in folder.glob(pattern)):
            copy = whole / path.relative_to(folder)
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, copy)
        (whole / CARD).write_text(model_card(source, repo), encoding="utf-8")
        api = HfApi()
        address = api.create_repo(repo, private=private, exist_ok=True)
        api.upload_folder(
            repo_id=repo,
            folder_path=whole,
            delete_patterns=list(MODEL_FILES),  # of a model of another kind
            commit_message="A model of pyg_moleblend",
        )
    return str(address)
