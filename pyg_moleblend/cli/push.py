from __future__ import annotations


def run(run: str, repo: str, private: bool = False) -> None:
    """Upload a model to the Hugging Face hub, with a card made from its run: data, split, scores, how to load it.

    Log in before: hf auth login, or HF_TOKEN in the environment. Verbs that take a model then take REPO.

    Args:
        run: Folder of a run of fit or finetune, or of a model.
        repo: USER/NAME; made if there is none. A model that is there already is replaced.
        private: Whether a repository that is made is private.
    """
    from pyg_moleblend.checkpoints import push_to_hub
    from pyg_moleblend.cli.data import say

    say(f"{run} is in {push_to_hub(run, repo, private)}")
