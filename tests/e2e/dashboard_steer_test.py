"""The dashboard's pages behind the first, in a real browser: the map of a real failure, silences,
receivers and their tests, the history, and what an incident's page leaves behind."""
import pytest
from browser import browser, start_with_page  # noqa: F401: a fixture
from lab import another_day, free_port
from srv_redis import Redis

CONFIG = """
checks:
  cache: {{type: redis, url: "redis://127.0.0.1:{redis}", interval: 1s, retries: 1, group: data,
           labels: {{team: core}}}}
  api: {{type: redis, url: "redis://127.0.0.1:{redis}", interval: 1s, retries: 1, needs: [cache]}}
  alone: {{type: disk, path: /, interval: 5s}}
receivers:
  hook: {{type: webhook, url: "{hook}"}}
  dead: {{type: webhook, url: "http://127.0.0.1:{shut}/"}}
routes:
  - {{match: {{severity: critical}}, to: [hook, dead], repeat_interval: 1h}}
maintenance:
  - {{checks: [alone], schedule: "{day} 04:00-04:30", reason: nightly copies}}
"""


@pytest.fixture
def broken(daemon, hook):
    redis = Redis().start()
    d = start_with_page(daemon, CONFIG.format(day=another_day(), redis=redis.port, hook=hook.url,
                                              shut=free_port()))
    d.wait_state("api", "up")
    redis.stop()
    hook.wait("incident.opened", "cache")
    d.wait_state("api", "down")
    d.redis = redis
    yield d
    redis.stop()


def the_map(browser):
    browser.go("#/map")
    browser.wait("a.node.is-root:has-text('cache')")
    browser.wait("a.node.is-impact:has-text('api')")
    assert browser("evaluate", "document.querySelectorAll('.node').length") == 2
    assert browser("evaluate", "document.querySelectorAll('.edge.is-hot').length") == 1
    assert "needs cache" in browser("evaluate", "document.querySelector('.node.is-impact').textContent")
    browser("check", "#map-whole")
    browser.wait("a.node:has-text('alone')")
    browser("click", "button:has-text('List')")
    browser.wait(".tree li li:has-text('cache')")
    browser("click", "button:has-text('Drawing')")
    browser("focus", "a.node.is-root")
    browser("keyboard.press", "Enter")
    browser.wait("h1:has-text('cache')")


def a_silence(browser, d):
    browser.go("#/silences")
    browser.wait_text("nightly copies")
    browser("click", ".silence-form button[type=submit]")
    browser.wait("#silence-check[aria-invalid=true]")
    browser("fill", "#silence-check", "cach*")
    browser.wait(".preview a:has-text('cache')")
    browser.wait(".preview:has-text('1 open incident fits')")
    browser("selectOption", "#silence-span", "other")
    browser("fill", "#silence-other", "soon")
    browser("keyboard.press", "Enter")
    browser.wait("#silence-other[aria-invalid=true]")
    browser("fill", "#silence-other", "90m")
    browser("fill", "#silence-comment", "moving it")
    browser("fill", "#silence-by", "Eve")
    browser("keyboard.press", "Enter")
    browser.wait("tr:has-text('moving it')")
    made = d.api.get("/api/v1/silences")["silences"][0]
    assert made["match"] == {"check": ["cach*"]} and made["by"] == "Eve"
    browser.go(f"#/incidents/{d.incident}")
    browser.wait_text("Nobody is told of it")
    browser.go("#/silences")
    browser("click", "tr:has-text('moving it') button")
    browser.wait("dialog")
    browser("click", "dialog button[type=submit]")
    browser.wait("tr:has-text('moving it')", "hidden")
    assert d.api.get("/api/v1/silences")["silences"][0]["state"] == "expired"


def the_receivers(browser):
    browser.go("#/receivers/dead")
    browser.wait(".receiver:has-text('dead') .fold-inside table a:has-text('Redis')")
    browser("click", ".receiver:has-text('dead') button")
    browser.wait("dialog:has-text('It was not taken')")
    browser("keyboard.press", "Escape")
    browser.wait("dialog", "detached")
    assert browser("evaluate", "document.activeElement.textContent") == "Send a test"
    browser("click", ".receiver:has-text('hook') button")
    browser.wait("dialog:has-text('It was taken')")
    browser.wait("dialog .transcript:has-text('POST')")
    browser("keyboard.press", "Escape")


def the_history(browser, d):
    browser.go("#/incidents?severity=critical&state=open")
    browser.wait("table.incidents a:has-text('Redis')")
    assert browser("inputValue", "#filter-severity") == "critical"
    browser("fill", "#filter-check", "nothing-of-this-name")
    browser.wait_text("No incident fits.")
    assert "check=nothing-of-this-name" in browser("evaluate", "location.hash")
    browser("click", "button:has-text('Show all')")
    browser.wait("table.incidents a:has-text('Redis')")
    browser("click", "table.incidents a:has-text('Redis')")
    browser.wait("article.incident")
    assert d.incident in browser("evaluate", "location.hash")


def what_is_kept(browser, d):
    browser("click", "button[data-do=copy-record]")
    browser.wait_text("Copied", "body")
    assert browser("clipboard").startswith(f"# Incident {d.incident}")
    browser.wait(".is-told tr:has-text('dead'):has-text('nothing yet')")
    browser.wait(".is-told tr:has-text('hook'):has-text('it opened')")
    browser.wait(".is-impact tr:has-text('api'):has-text('dragged down')")
    browser.wait(".is-timeline li:has-text('opened')")
    d.redis.start()
    browser.wait(".incident-head :has-text('resolved')")
    browser.wait(".is-timeline li.kind-recovered >> nth=0")


def test_the_pages_of_a_failure(browser, broken):
    broken.incident = broken.incidents()[0]["id"]
    browser.open(broken)
    the_map(browser)
    a_silence(browser, broken)
    the_receivers(browser)
    the_history(browser, broken)
    what_is_kept(browser, broken)
    browser.expect_clean()


def test_what_destroys_is_not_copied_by_a_slip(browser, broken):
    incident = broken.incidents()[0]["id"]
    browser.open(broken)
    browser("evaluate", """(() => {
        const ask = window.fetch;
        window.fetch = async (...of) => {
            const answer = await ask(...of);
            if (!/incidents\\/[0-9a-f]{12}$/.test(String(of[0])))
                return answer;
            const doc = await answer.json();
            doc.remedy.push({ text: 'empty it', command: 'redis-cli flushall', destructive: true });
            return new Response(JSON.stringify(doc), { headers: { 'content-type': 'application/json' } });
        };
    })()""")
    browser.go(f"#/incidents/{incident}")
    browser.wait(".danger:has-text('loses data')")
    browser.wait(".danger code.is-guarded")
    browser("click", ".danger button")
    browser.wait(".danger button:has-text('Leave it')")
    assert browser("clipboard") != "redis-cli flushall"
    browser("click", ".danger button:has-text('Copy all the same')")
    browser.wait(".danger button:has-text('Copied')")
    assert browser("clipboard") == "redis-cli flushall"
    browser.expect_accessible()
