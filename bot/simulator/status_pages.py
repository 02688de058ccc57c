"""The providers' public status pages as JSON, in the form ``channels.status_feeds`` reads, with what the switches admit.

https://status.twilio.com/api/v2/status.json (Atlassian Statuspage) and https://metastatus.com/data/orgs.json. In real
outages they spoke 25 to 78 minutes late: so they are switches of their own, beside the faults.
"""

from __future__ import annotations

from sanic import Blueprint, HTTPResponse, Request
from sanic.response import json

from bot.simulator.faults import Faults

TWILIO_PATH, META_PATH = "/status/twilio.json", "/status/meta.json"


class StatusPages:
    """Serves both."""

    def __init__(self, faults: Faults) -> None:
        self.faults = faults

    def blueprint(self) -> Blueprint:
        """The routes."""
        routes = Blueprint("status-pages")
        routes.add_route(self.twilio, TWILIO_PATH, name="twilio")
        routes.add_route(self.meta, META_PATH, name="meta")
        return routes

    async def twilio(self, request: Request) -> HTTPResponse:
        """Statuspage's ``status.json``."""
        trouble = self.faults.is_on("twilio", "status_page")
        status = ("major", "Partial System Outage") if trouble else ("none", "All Systems Operational")
        return json(
            {
                "page": {"id": "gpkpyklzq55q", "name": "Twilio", "url": "https://status.twilio.com"},
                "status": {"indicator": status[0], "description": status[1]},
            }
        )

    async def meta(self, request: Request) -> HTTPResponse:
        """The part of ``orgs.json`` about WhatsApp for businesses."""
        trouble = self.faults.is_on("meta", "status_page")
        said = "High disruptions" if trouble else "No known issues"
        return json(
            [
                {
                    "id": "whatsapp-business-api",
                    "name": "WhatsApp Business API",
                    "services": [{"name": "Cloud API", "status": said}],
                }
            ]
        )
