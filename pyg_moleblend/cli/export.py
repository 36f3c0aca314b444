from __future__ import annotations


def run(run: str, out: str = "model.onnx") -> None:
    """Write a fine-tuned model as one file that needs none of this package, and OUT.json that says what it takes.

    The file is compared with the model on a few molecules before it is written.

    Args:
        run: Folder of a run of finetune, of its model, or a hub repository; the models of several seeds or folds become
            one that gives their mean.
        out: File to write: .onnx for ONNX runtimes (extra: export), .pt2 for torch.export.load.
    """
    from pyg_moleblend.cli.data import say
    from pyg_moleblend.inference.export import export_model

    try:
        told = export_model(run, out)
    except ImportError as error:
        raise ValueError(str(error)) from error
    inputs = ", ".join(f"{name} {of['shape']}" for name, of in told["inputs"].items())
    say(f"{out} takes {inputs}; within {told['largest_difference']:.0e} of the model; {out}.json says more")
