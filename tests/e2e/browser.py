"""A real browser for the tests: Chromium behind tests/ui/driver.mjs, one command at a time."""
import json
import shutil
import subprocess

import pytest

from lab import LIMIT, TOP, free_port

DRIVER = TOP / "tests/ui/driver.mjs"
SERIOUS = ["serious", "critical"]


def why_not():
    if not (TOP / "tests/ui/node_modules/playwright-core").exists():
        return "make ui-tools has not been run"
    if shutil.which("node") is None or not shutil.which("chromium"):
        return "node or chromium is missing"
    return None


def start_with_page(daemon, config, language="en"):
    """A daemon whose dashboard can be opened: over TCP, with its own token."""
    port = free_port()
    d = daemon()
    d.write(f"daemon: {{name: lab, state_dir: {d.state}, language: {language}, log: {{level: debug}}}}\n"
            f"api: {{listen: 127.0.0.1:{port}}}\n{config}", head=False)
    d.start()
    d.url = f"http://127.0.0.1:{port}"
    d.token = (d.state / "token").read_text().strip()
    return d


class Browser:
    """`page("click", selector)` is Playwright's page.click(selector); see the driver for the rest."""

    def __init__(self):
        self.process = subprocess.Popen(["node", DRIVER], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        text=True, cwd=TOP / "tests/ui")
        self.base = None

    def __call__(self, call, *args):
        self.process.stdin.write(json.dumps({"call": call, "args": args}) + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        assert line, f"the browser is gone at {call} {args}"
        answer = json.loads(line)
        if "error" in answer:
            raise AssertionError(f"{answer['error']}\nconsole: {(answer.get('seen') or {}).get('errors')}\n"
                                 f"page: {self.text() if call != 'innerText' else ''}")
        return answer["value"]

    def open(self, daemon, path="/", **want):
        """A fresh profile at `path` of the daemon, logged in unless token=None."""
        self.base = daemon.url
        token = want.pop("token", daemon.token)
        if token and "#" not in path:
            path += "#token=" + token
        self("open", {"base": self.base, "path": path, **want})
        self("waitForSelector", "main h1")

    def go(self, hash_):
        """To a view, until it has read what it shows."""
        self("evaluate", f"location.hash = {json.dumps(hash_)}")
        self("until", "document.querySelector('main h1') && !/Reading…|正在读取/.test("
                                "document.querySelector('main').innerText)")
        self("settle")

    def unfold(self):
        self("evaluate", "document.querySelectorAll('main details').forEach(one => { one.open = true; })")
        self("settle")

    def text(self, selector="body"):
        return self("innerText", selector)

    def wait(self, selector, state="visible"):
        self("waitForSelector", selector, {"state": state})

    def wait_text(self, text, selector="main"):
        self.wait(f"{selector}:has-text({json.dumps(text, ensure_ascii=False)})")

    def expect_clean(self, allow=()):
        """No error in the console, nothing asked of another host."""
        seen = self("seen")
        errors = [e for e in seen["errors"] if not any(a in e for a in allow)]
        assert not errors, errors
        assert not seen["elsewhere"], seen["elsewhere"]

    def expect_accessible(self):
        assert not (found := self("axe", SERIOUS)), "\n".join(found)

    def quit(self):
        if self.process.poll() is None:
            self.process.stdin.close()
            try:
                self.process.wait(LIMIT)
            except subprocess.TimeoutExpired:
                self.process.kill()


@pytest.fixture(scope="module")
def browser():
    if why_not():
        pytest.skip(why_not())
    b = Browser()
    yield b
    b.quit()
