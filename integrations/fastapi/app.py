"""A churn model behind FastAPI; three lines have it write its own serving windows."""

from __future__ import annotations

import json
import math
import os
from pathlib import Path
from typing import Any

from fastapi import FastAPI
from pydantic import BaseModel

from lineage_bridge.service import Model, Service, ServiceMiddleware

HERE = Path(__file__).parent
MODELS = Path(os.environ.get("CHURN_MODELS", HERE / "models" / "churn"))
SERVING = Path(os.environ.get("CHURN_SERVING", "var/serving"))


class Customer(BaseModel):
    """Whom the model is asked about."""

    tenure_months: float
    balance: float


class Churn:
    """The newest model in the folder: a logistic regression, as JSON."""

    def __init__(self) -> None:
        self.load()

    def load(self) -> Model:
        """Load the newest version."""
        newest = max(MODELS.iterdir(), key=lambda folder: int(folder.name))
        self.weights = json.loads((newest / "model.json").read_text(encoding="utf-8"))
        self.model = Model.of_folder(newest, name="churn")
        return self.model

    def predict(self, features: dict[str, float]) -> float:
        """Return the chance that a customer leaves."""
        score = sum(self.weights[name] * value for name, value in features.items())
        return 1 / (1 + math.exp(-score - self.weights["intercept"]))


churn = Churn()
app = FastAPI()
service = Service(SERVING, name="churn-api", model=churn.model, valid_range=(0, 1), log_share=1.0)
app.add_middleware(ServiceMiddleware, service=service)


@app.post("/predict")
def predict(customer: Customer) -> dict[str, Any]:
    """Answer how likely a customer leaves."""
    features = customer.model_dump()
    with service.prediction(features) as answer:
        chance = answer.value = churn.predict(features)
    return {"id": answer.request_id, "chance": None if math.isnan(chance) else chance}


@app.post("/reload")
def reload() -> dict[str, str]:
    """Serve the newest model in the folder."""
    service.serve(churn.load())
    return {"version": churn.model.version}
