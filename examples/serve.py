r"""A run's predictions over HTTP, with FastAPI (extra: serve).

    python examples/serve.py runs/esol --port 8000
    curl localhost:8000/predict --json '{"smiles": ["CCO", "not a molecule"]}'

One process, one model: requests wait for each other. It has no names, passwords or TLS, and no limit to the rate: what
strangers can reach needs these in front of it.
"""

import argparse
import math
from threading import Lock
from typing import Annotated, Any

from fastapi import FastAPI
from pydantic import BaseModel, Field

from pyg_moleblend.checkpoints import read_metadata
from pyg_moleblend.inference import load_predictor
from pyg_moleblend.inference.loaded_model import OWN_COLUMNS, table_of

MOST_MOLECULES, MAX_ATOMS, MOST_CHARACTERS = 1000, 200, 5000


class Request(BaseModel):
    smiles: list[Annotated[str, Field(max_length=MOST_CHARACTERS)]] = Field(min_length=1, max_length=MOST_MOLECULES)


class Row(BaseModel):
    smiles: str
    status: str
    r"""ok, or why there are no values; rows that go wrong cost the others nothing."""
    values: dict[str, float | None]
    r"""What `predict` gives by column: each target, its _lower and _upper where intervals are known, _std of several
    models."""


class Response(BaseModel):
    kind: str
    units: dict[str, str]
    rows: list[Row]


def app_of(run: str, device: str = "auto") -> FastAPI:
    r"""The application for a folder of a run of fit or finetune; the model is loaded once, now."""
    model, task, turn = load_predictor(run, device=device), read_metadata(run)["task"], Lock()
    app = FastAPI(title=f"Predictions of {', '.join(task['names'])}")

    @app.get("/health")
    def health() -> dict[str, str]:
        return {"status": "ok"}

    @app.post("/predict")
    def predict(request: Request) -> Response:
        with turn:
            frame = model.of_table(table_of(request.smiles, model.recipe, MAX_ATOMS))
        names = [name for name in frame if name not in OWN_COLUMNS]
        rows = [
            Row(smiles=smiles, status=of["status"], values={name: finite(of[name]) for name in names})
            for smiles, of in zip(request.smiles, frame.to_dict("records"), strict=True)
        ]
        return Response(kind=task["kind"], units=dict(zip(task["names"], task["units"], strict=True)), rows=rows)

    return app


def finite(value: Any) -> float | None:
    r"""The number; None for NaN, which JSON does not have."""
    return float(value) if math.isfinite(value) else None


def main() -> None:
    import uvicorn

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", help="folder of a run")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8000)
    parser.add_argument("--device", default="auto")
    args = parser.parse_args()
    uvicorn.run(app_of(args.run, args.device), host=args.host, port=args.port)


if __name__ == "__main__":
    main()
