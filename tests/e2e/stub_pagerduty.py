"""PagerDuty's Events API v2: the schema of an event, 512,000 bytes, and the alerts that come of it."""
import datetime
import json
import re
import time

from stub_service import Refused, Service

PAYLOAD = {"summary", "source", "severity", "timestamp", "component", "group", "class",
           "custom_details"}
EVENT = {"routing_key", "event_action", "dedup_key", "client", "client_url", "payload", "links",
         "images"}


def invalid(*errors):
    return Refused(400, {"status": "invalid event", "message": "Event object is invalid",
                         "errors": list(errors)})


class PagerDuty(Service):
    def __init__(self, key="R0123456789ABCDEFabcdef012345678"):
        super().__init__()
        self.key = key
        self.alerts = []  # in the order of their opening

    @property
    def enqueue(self):
        return self.url("/v2/enqueue")

    def alert(self, dedup_key):
        return next((a for a in reversed(self.alerts) if a["key"] == dedup_key), None)

    @staticmethod
    def check_payload(payload):
        if not isinstance(payload, dict):
            raise invalid("'payload' is missing or blank")
        for name in ("summary", "source", "severity"):
            if not isinstance(payload.get(name), str) or not payload[name].strip():
                raise invalid(f"'payload.{name}' is missing or blank")
        if len(payload["summary"]) > 1024:
            raise invalid("Length of 'payload.summary' is incorrect (should be at most 1024)")
        if payload["severity"] not in ("critical", "error", "warning", "info"):
            raise invalid("'payload.severity' is invalid (must be one of the following: "
                          "'critical', 'error', 'warning' or 'info')")
        if set(payload) - PAYLOAD:
            raise invalid(f"unknown fields {set(payload) - PAYLOAD}")
        if "timestamp" in payload:
            datetime.datetime.fromisoformat(payload["timestamp"].replace("Z", "+00:00"))

    @staticmethod
    def check_links(links):
        for link in links:
            if set(link) - {"href", "text"} or not re.match(r"https?://\S+$", link.get("href", "")):
                raise invalid("'links' is invalid")

    def apply(self, event):
        alert, action = self.alert(event["dedup_key"]), event["event_action"]
        is_open = alert is not None and alert["state"] != "resolved"
        if action == "trigger" and not is_open:
            alert = {"key": event["dedup_key"], "state": "triggered", "events": []}
            self.alerts.append(alert)
        elif action == "acknowledge" and is_open:
            alert["state"] = "acknowledged"
        elif action == "resolve" and is_open:
            alert["state"] = "resolved"
        if action == "trigger":
            alert.update(severity=event["payload"]["severity"], summary=event["payload"]["summary"])
        if alert is not None:
            alert["events"].append(action)

    def take(self, request, raw):
        if request.route != "/v2/enqueue":
            raise Refused(404, b"")
        if len(raw) > 512000:
            raise Refused(413, b"")
        try:
            event = json.loads(raw)
        except ValueError:
            raise Refused(400, {"status": "invalid event", "message": "Event object is invalid",
                                "errors": ["JSON is invalid"]}) from None
        key = event.get("routing_key", "")
        if len(key) != 32:
            raise invalid("Length of 'routing_key' is incorrect (should be 32 characters)")
        if key != self.key:
            raise invalid("Invalid routing key")
        if set(event) - EVENT:
            raise invalid(f"unknown fields {set(event) - EVENT}")
        if event.get("event_action") not in ("trigger", "acknowledge", "resolve"):
            raise invalid("'event_action' is invalid (must be one of the following: 'trigger', "
                          "'acknowledge', or 'resolve')")
        if not event.get("dedup_key") or len(event["dedup_key"]) > 255:
            raise invalid("'dedup_key' is missing or too long")
        if event["event_action"] == "trigger":
            self.check_payload(event.get("payload"))
        self.check_links(event.get("links", []))
        self.taken.append({**event, "bytes": len(raw), "at": time.monotonic()})
        self.apply(event)
        return 202, {"status": "success", "message": "Event processed",
                     "dedup_key": event["dedup_key"]}
