"""bindings/README.md lists the hosts, and which of them have exceptions."""

import importlib
import pathlib
import re

from conftest import HOSTS

README = pathlib.Path(__file__).resolve().parents[2] / "bindings/README.md"


def test_the_table_of_exceptions_is_that_of_the_adapters():
    table = README.read_text().split("<!-- exceptions")[1]
    rows = dict(re.findall(r"^\| (\w+) \|(.*)\|$", table, re.M))
    rows.pop("host")
    assert list(rows) == HOSTS
    for name in HOSTS:
        adapter = importlib.import_module(name)
        unable = getattr(adapter, "unable", None)
        assert bool(rows[name].strip()) == bool(adapter.EXCEPTIONS or (
            unable and unable("PURGE", [])
        )), name
