import shutil
import tempfile

import pytest

import lab


def pytest_configure(config):
    config.addinivalue_line("markers", "slow: only in `make nightly`")


@pytest.fixture
def folder():
    """Short, because unix socket paths are."""
    path = tempfile.mkdtemp(prefix="tri-")
    yield path
    shutil.rmtree(path, ignore_errors=True)


@pytest.fixture
def daemon(folder):
    made = []

    def make(config="", **kwargs):
        d = lab.Daemon(folder, config, **kwargs)
        made.append(d)
        return d

    yield make
    for d in made:
        d.stop()


@pytest.fixture
def hook():
    h = lab.Hook().start()
    yield h
    h.stop()


@pytest.fixture
def web():
    w = lab.Web().start()
    yield w
    w.stop()


@pytest.fixture
def syslog(folder):
    s = lab.Syslog(f"{folder}/log.sock")
    yield s
    s.close()
