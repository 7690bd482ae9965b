"""The same routes inside an app of your own: `uvicorn mounted:app --port 8000`."""

from fastapi import FastAPI

from wardline.policy.standalone import settings
from wardline.policy.standalone.routes import Routes

app = FastAPI(title="My shop")
app.include_router(Routes(settings.from_environment()).router)


@app.get("/")
async def home() -> dict[str, str]:
    """What was there before."""
    return {"shop": "open"}
