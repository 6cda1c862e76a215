"""What a model service writes of itself: serving windows, its start, a sampled inference log.

    service = Service("var/serving", name="fraud-api", model=Model.of_folder("models/fraud/7"))
    app.add_middleware(ServiceMiddleware, service=service)  # FastAPI, Starlette; WsgiMiddleware
    with service.prediction(features) as answer: answer.value = model.predict(features)

`lineage-bridge backfill var/serving`, or `watch`, reads the files. A request counts in memory and
nothing else; one thread writes. What cannot be written never disturbs a request: it is counted and
logged, and what is in memory has its bounds. `docs/service.md` has the contract.
"""

from lineage_bridge.service.asgi import ServiceMiddleware
from lineage_bridge.service.model import Model
from lineage_bridge.service.predictions import Prediction
from lineage_bridge.service.recorder import Service
from lineage_bridge.service.wsgi import WsgiMiddleware

__all__ = ["Model", "Prediction", "Service", "ServiceMiddleware", "WsgiMiddleware"]
