"""Every message says why it was sent: one incident's life, each event with its reason."""
import lab


def reasons(hook, kind):
    return [e["reason"] for e in hook.events(f"incident.{kind}")]


def test_each_event_says_why(daemon, web, hook):
    shop = lab.Web().start()
    try:
        d = daemon(f"""
checks:
  api: {{type: http, url: "{web.url}", interval: 1s, retries: 1}}
  shop: {{type: http, url: "{shop.url}", interval: 1s, retries: 1, needs: [api]}}
receivers:
  hook: {{type: webhook, url: "{hook.url}"}}
routes: [{{to: hook, repeat_interval: 4s}}]
""").start()
        d.wait_state("api", "up")
        d.wait_state("shop", "up")
        web.stop()
        opened = hook.wait("incident.opened", "api")
        assert opened["reason"] == "first" and opened["sequence"] == 1
        shop.stop()
        lab.wait_for("the impact", lambda: "new-impact" in reasons(hook, "updated"))
        lab.wait_for("a reminder", lambda: "repeat" in reasons(hook, "reminder"))
        web.status = 500
        web.start()
        other = lab.wait_for("the other cause", lambda: [
            e for e in hook.events("incident.updated")
            if e["data"]["incident"]["cause"]["code"] == "http.5xx"])[0]
        assert other["reason"] == "cause-changed"
        shop.start()
        web.status = 200
        lab.wait_for("its end", lambda: "recovered" in reasons(hook, "resolved"))
        web.stop()
        lab.wait_for("it comes back", lambda: any("reopened" in reasons(hook, kind) for kind in
                                                  ("opened", "updated")))
        assert {e["data"]["incident"]["id"] for e in hook.events()} == {
            opened["data"]["incident"]["id"]}
        assert lab.triage("test", "hook", env={"TRIAGE_URL": f"unix:{d.folder}/api.sock"}
                          ).returncode == 0
        assert hook.events("test")[0]["reason"] == "test"
        assert all(e["reason"] for e in hook.events())
    finally:
        shop.stop()
