"""The service of integrations/fastapi without a framework: the same routes, in plain ASGI."""

from __future__ import annotations

import json
import math
import os
from pathlib import Path

from lineage_bridge.service import Model, Service, ServiceMiddleware

MODELS = Path(os.environ["CHURN_MODELS"])
state: dict = {}


def load():
    newest = max(MODELS.iterdir(), key=lambda folder: int(folder.name))
    state["weights"] = json.loads((newest / "model.json").read_text())
    return Model.of_folder(newest, name="churn")


service = Service(os.environ["CHURN_SERVING"], name="churn-api", model=load(), log_share=1.0)


async def plain(scope, receive, send):
    assert scope["type"] == "http"
    features = json.loads((await receive())["body"] or "{}")
    if scope["path"] == "/reload":
        service.serve(load())
        answered = {}
    else:
        with service.prediction(features) as answer:
            score = sum(state["weights"][name] * value for name, value in features.items())
            chance = answer.value = 1 / (1 + math.exp(-score - state["weights"]["intercept"]))
        answered = {"id": answer.request_id, "chance": None if math.isnan(chance) else chance}
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": json.dumps(answered).encode()})


app = ServiceMiddleware(plain, service)
