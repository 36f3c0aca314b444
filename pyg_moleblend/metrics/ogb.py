r"""OGB's own evaluators, for who wants the number of the benchmark's package itself."""

from typing import Any

PCQM4MV2 = "pcqm4mv2"


def ogb_evaluator(name: str) -> Any:
    r"""OGB's ``Evaluator`` of a set, or its ``PCQM4Mv2Evaluator``.

    Ours (:class:`~pyg_moleblend.metrics.Evaluator`) gives the same digits for float64 arguments, and needs no package;
    importing OGB's takes seconds and looks for a newer version on the web.

    Args:
        name: ``"ogbg-molhiv"`` and so on, or ``"pcqm4mv2"``.

    Raises:
        ImportError: If the package ``ogb`` is not installed.
        ValueError: If OGB has no such set.
    """
    try:
        from ogb.graphproppred import Evaluator
        from ogb.lsc import PCQM4Mv2Evaluator
    except ModuleNotFoundError as error:
        raise ImportError("OGB's evaluators need its package: pip install 'pyg-moleblend[ogb]'") from error
    return PCQM4Mv2Evaluator() if name == PCQM4MV2 else Evaluator(name)
