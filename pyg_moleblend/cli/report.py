from __future__ import annotations


def run(run: str, out: str | None = None) -> None:
    """Write what came of a run as a page to look at: one HTML file that needs no network.

    Args:
        run: Folder of a run of fit or finetune that has ended; of several seeds or folds, of one of them (RUN/seed-0).
        out: File to write, .html; report.html in the folder by default.
    """
    from pyg_moleblend.cli.data import say
    from pyg_moleblend.reports import write_report

    if out is not None and not out.endswith(".html"):
        raise ValueError(f"a report is written as .html, got {out!r}")
    say(f"report in {write_report(run, out)}")
