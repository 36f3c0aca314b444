from pyg_moleblend.cli import main


def test_a_run_is_pushed(property_model, monkeypatch, capsys):
    calls = []
    monkeypatch.setattr(
        "huggingface_hub.HfApi.create_repo",
        lambda self, repo, private, exist_ok: calls.append((repo, private)) or f"https://huggingface.co/{repo}",
    )
    monkeypatch.setattr(
        "huggingface_hub.HfApi.upload_folder",
        lambda self, repo_id, folder_path, **_: calls.append(sorted(path.name for path in folder_path.iterdir())),
    )
    assert main(["push", str(property_model), "someone/gap", "--private"]) == 0
    assert calls == [("someone/gap", True), ["README.md", "config.json", "model.safetensors"]]
    assert f"{property_model} is in https://huggingface.co/someone/gap" in capsys.readouterr().err


def test_errors_name_input_and_remedy(property_model, refused, monkeypatch):
    assert "is called USER/NAME, got 'gap'" in refused("push", property_model, "gap")

    def refuse(*_, **__):
        from huggingface_hub.errors import LocalTokenNotFoundError

        raise LocalTokenNotFoundError("log in first")

    monkeypatch.setattr("huggingface_hub.HfApi.create_repo", refuse)
    assert "log in first" in refused("push", property_model, "someone/gap")
