"""The policy manager on data/policies.db: `uvicorn main:app --reload --port 8000`."""

from wardline.policy.standalone import app as policy_manager
from wardline.policy.standalone import settings

app = policy_manager.create(settings.from_environment())
