"""Each value of every settings that the documents and the tree show, in turn left out, empty, a list, a map, and a
variable that is not set: what reads them complains or not, and never falls over.

The program that plays them is the fuzz target `settings`, which reads and compiles them as the daemon does.
"""
import json
import subprocess
import sys

import yaml

import lab

sys.path.insert(0, str(lab.TOP / "tests/lint"))
import pages  # noqa: E402

PLAYER = lab.BUILD / "tests/fuzz/settings_fuzz"
GONE = object()
VALUES = (GONE, None, "", "${T_UNSET}", {}, [])
AT_ONCE = 500
CHECK = {"api": {"type": "http", "url": "http://127.0.0.1/"}}


def shown():
    for name in pages.names():
        for block in pages.blocks(name):
            if block.language == "yaml":
                yield block.text
    for folder, names in (("tests/conf/good", "*.yaml"), ("etc", "*.yaml"), ("tests/init/expected", "*.yaml"),
                          ("tests/fuzz/corpus/settings", "*")):
        for path in sorted((lab.TOP / folder).glob(names)):
            yield path.read_text()


def documents():
    """Those that are settings; a piece of some has a check, too, so that it is looked at."""
    for text in shown():
        try:
            doc = yaml.safe_load(text)
        except yaml.YAMLError:
            continue
        if isinstance(doc, dict):
            yield doc
            if "checks" not in doc:
                yield {"checks": CHECK, **doc}


def changed(node, whole):
    """The whole as text, with each value below the node changed in each way; it is as before at the end."""
    items = list(node.items()) if isinstance(node, dict) else list(enumerate(node)) if isinstance(node, list) else []
    for key, value in items:
        for other in VALUES:
            if other is GONE and isinstance(node, dict):
                del node[key]
            else:
                node[key] = None if other is GONE else other
            yield json.dumps(whole, default=str)
            node[key] = value
        yield from changed(value, whole)


def play(files):
    return subprocess.run([PLAYER, "--once", *files], capture_output=True, text=True, errors="replace", timeout=300,
                          cwd=lab.TOP)


def test_no_value_ends_it(tmp_path):
    texts = dict.fromkeys(text for doc in documents() for text in changed(doc, doc))
    assert len(texts) > 5000
    files = []
    for number, text in enumerate(texts):
        files.append(tmp_path / f"{number}.yaml")
        files[-1].write_text(text)
    for at in range(0, len(files), AT_ONCE):
        if play(files[at:at + AT_ONCE]).returncode != 0:
            ends = next(f for f in files[at:at + AT_ONCE] if play([f]).returncode != 0)
            raise AssertionError(f"{ends.read_text()}\n{play([ends]).stderr[-3000:]}")
