"""The C ABI as _native.py has it, and as include/cors.h and the library do."""

import ctypes
import pickle
import re
import shutil
import subprocess
import sys
import textwrap
import zipapp
from pathlib import Path

import pytest

import libcors
from libcors import Reason, Severity, Verdict, _decision, _diagnostic, _native

ROOT = Path(__file__).resolve().parents[3]
INCLUDE = ROOT / "include"
HEADER = (INCLUDE / "cors.h").read_text()


def members(struct):
    """The header's expressions for a struct's fields."""
    names = [name for name, *_ in struct._fields_]
    for name in names:
        if name == "headers":
            yield (
                name,
                [
                    f"headers[{i}].{part}.{member}"
                    for i in range(_native.HEADERS_MAX)
                    for part in ("name", "value")
                    for member in ("ptr", "len")
                ],
            )
        elif f"{name}_len" in names:
            yield name, [f"{name}.ptr"]
        else:
            yield name, [re.sub("_len$", ".len", name)]


def test_structs_lie_as_in_the_header(tmp_path):
    structs = (_native.Diagnostic, _native.Request, _native.Decision)
    expected, lines = [], []
    for struct in structs:
        c_name = f"cors_{struct.__name__.lower()}"
        expected.append(ctypes.sizeof(struct))
        lines.append(f"sizeof({c_name})")
        for name, expressions in members(struct):
            field = getattr(struct, name)
            size = field.size // len(expressions)
            for i, expression in enumerate(expressions):
                expected += [field.offset + i * size, size]
                lines.append(f"offsetof({c_name}, {expression})")
                lines.append(f"sizeof((({c_name} *) 0)->{expression})")
    program = tmp_path / "layout.c"
    program.write_text(
        "#include <cors.h>\n#include <stdio.h>\nint main(void) {\n"
        + "".join(f'printf("%zu\\n", {line});\n' for line in lines)
        + "}\n"
    )
    subprocess.run(
        ["cc", f"-I{INCLUDE}", program, "-o", tmp_path / "layout"], check=True
    )
    output = subprocess.run(
        [tmp_path / "layout"], check=True, stdout=subprocess.PIPE, text=True
    ).stdout
    assert list(map(int, output.split())) == expected


@pytest.mark.parametrize("name", ["Diagnostic", "Request", "Decision"])
def test_structs_have_every_member_of_the_header(name):
    body = HEADER.split(f"typedef struct cors_{name.lower()} {{")[1]
    members = re.findall(r"(\w+)(?:\[\w+\])?;$", body.split("\n}")[0], re.M)
    fields = [field for field, *_ in getattr(_native, name)._fields_]
    assert members == [f for f in fields if not f.endswith("_len")]


def test_constants_are_those_of_the_header():
    def value(name):
        return int(re.search(rf"\b{name}(?: =)? (\d+)", HEADER)[1])

    assert value("CORS_OK") == _native.OK
    assert value("CORS_ERROR_POLICY") == _native.ERROR_POLICY
    assert value("CORS_ERROR_IO") == _native.ERROR_IO
    assert value("CORS_HEADERS_MAX") == _native.HEADERS_MAX
    for enum, values in (
        ("VERDICT", _decision.VERDICTS),
        ("REASON", _decision.REASONS),
        ("SEVERITY", _diagnostic.SEVERITIES),
    ):
        known = re.findall(rf"\bCORS_{enum}_(\w+) = (\d+)", HEADER)
        assert {int(n): name.lower() for name, n in known} == {
            n: each.value for n, each in values.items() if each != "unknown"
        }


def test_the_public_suffix_list_has_a_date():
    library = ROOT / "src/origin/public_suffix_list.txt"
    with library.open() as file:
        assert libcors.public_suffix_list_date() == file.readline().strip()


@pytest.mark.parametrize(
    ("name", "enum"), [("verdict", Verdict), ("reason", Reason)]
)
def test_names_are_those_of_the_library(name, enum):
    text = getattr(ctypes.CDLL(str(_native.PATH)), f"cors_{name}_text")
    text.restype = ctypes.c_char_p
    assert [text(i).decode() for i in range(len(enum))] == list(enum)


def test_a_later_verdict_is_unknown_and_no_error(monkeypatch):
    def later(_policy, _request, decision):
        decision._obj.verdict = 77
        decision._obj.reason = -1
        return _native.OK

    monkeypatch.setattr(_native, "evaluate", later)
    policy = libcors.Policy({"allow_origins": ["*"]})
    decision = policy.evaluate(method="GET")
    assert (decision.verdict, decision.reason) == ("unknown", "unknown")
    assert Severity.ERROR == "error"


def test_texts_are_read_by_their_length(monkeypatch):
    text = ctypes.create_string_buffer(b"vary: origin, and no NUL before")
    start = ctypes.addressof(text)

    def inside(_policy, _request, decision):
        decision._obj.header_count = 1
        decision._obj.headers[:4] = [start, 4, start + 6, 6]
        decision._obj.pattern = start
        decision._obj.pattern_len = 4
        return _native.OK

    monkeypatch.setattr(_native, "evaluate", inside)
    monkeypatch.setattr(_decision, "_NAMES", {})
    decision = libcors.Policy({"allow_origins": ["*"]}).evaluate()
    assert decision.headers == ((b"vary", b"origin"),)
    assert (decision.pattern, decision.culprit) == ("vary", None)


def copied(folder, engine=True, version=None):
    """Puts the package into a folder, as it is in a wheel, but without any
    metadata."""
    shutil.copytree(
        Path(libcors.__file__).parent,
        folder / "libcors",
        ignore=shutil.ignore_patterns("__pycache__", "libcors.so"),
    )
    if engine:
        shutil.copy(_native.PATH, folder / "libcors/libcors.so")
    if version:
        (folder / "libcors/_version.py").write_text(f"VERSION = {version!r}\n")
    return folder


def run(folder, program, python=sys.executable):
    """What a fresh interpreter does that has nothing but a folder."""
    path = f"import sys; sys.path.insert(0, {str(folder)!r})\n"
    return subprocess.run(
        [python, "-I", "-S", "-c", path + textwrap.dedent(program)],
        capture_output=True,
        text=True,
    )


def test_a_stale_or_missing_engine_is_an_import_error(tmp_path):
    good = copied(tmp_path / "good")
    done = run(good, "import libcors; print(libcors.__version__)")
    assert done.stdout == f"{libcors.__version__}\n"

    stale = copied(tmp_path / "stale", version="99.1.0")
    error = run(stale, "import libcors").stderr
    assert "ImportError: libcors 99.1.0 is installed, but its engine" in error
    assert f"has version {libcors.__version__}; reinstall libcors" in error

    missing = copied(tmp_path / "missing", engine=False)
    error = run(missing, "import libcors").stderr
    assert "ImportError: the engine of libcors cannot be loaded" in error
    assert "; reinstall libcors" in error


def test_the_version_is_that_of_the_crate():
    manifest = (INCLUDE.parent / "Cargo.toml").read_text()
    version = re.search('^version = "(.*)"$', manifest, re.M)[1]
    assert libcors.__version__ == _native.VERSION == version


def test_public_names_are_those_of_the_package():
    for name in set(libcors.__all__) - {"__version__"}:
        public = getattr(libcors, name)
        assert public.__module__ == "libcors"
        assert pickle.loads(pickle.dumps(public)) is public


def test_an_import_loads_no_more_than_it_needs(tmp_path):
    program = """
        import libcors, libcors.asgi, libcors.wsgi
        print(*sys.modules)
    """
    done = run(copied(tmp_path), program)
    loaded = set(done.stdout.split())
    assert "libcors._native" in loaded, done.stderr
    # As dear as all the rest together, and not needed.
    assert not loaded & {"importlib.metadata", "email", "pathlib", "asyncio"}
    assert "json" not in loaded
    assert "libcors._keywords" not in loaded


USE = """
    import warnings
    warnings.simplefilter("error")
    from libcors import Policy, PolicyError, PolicyWarning
    try:
        Policy({"allow_origins": ["https://a.example/"]})
    except PolicyError as error:
        assert error.diagnostics[0].code == "origin-trailing-slash"
    try:
        Policy(
            {
                "allow_origins": ["http://localhost:1"],
                "allow_credentials": True,
            }
        )
    except PolicyWarning:
        pass
    policy = Policy({"allow_origins": ["https://a.example"]})
    decision = policy.evaluate(method="GET", origin="https://a.example")
    assert decision.verdict == "allowed"
"""


def test_a_copy_in_another_package_works(tmp_path):
    copied(tmp_path / "app/vendored")
    (tmp_path / "app/main.py").write_text(
        "import warnings\n"
        "from .vendored.libcors import Policy\n"
        "with warnings.catch_warnings(record=True) as caught:\n"
        "    warnings.simplefilter('always')\n"
        "    Policy({'allow_origins': ['http://localhost:1'],\n"
        "            'allow_credentials': True})\n"
        "print(caught[0].filename)\n"
    )
    done = run(tmp_path, "import app.main")
    # The warning is the caller's, whatever the package is called.
    assert done.stdout == f"{tmp_path / 'app/main.py'}\n", done.stderr


def test_in_subinterpreters(tmp_path):
    use = tmp_path / "use.py"
    use.write_text(textwrap.dedent(USE))
    program = f"""
        try:
            import _interpreters as interpreters
        except ImportError:
            import _xxsubinterpreters as interpreters
        # Python 3.12's ctypes is only for those that share the GIL.
        legacy = sys.version_info[:2] == (3, 12)
        options = {{"isolated": False}} if legacy else {{}}
        program = f"import sys; sys.path[:] = {{sys.path}}\\n"
        program += open({str(use)!r}).read()
        for _ in range(5):
            one = interpreters.create(**options)
            print(interpreters.run_string(one, program))
            interpreters.destroy(one)
    """
    done = run(copied(tmp_path), program)
    assert done.returncode == 0, done.stderr
    assert done.stdout == "None\n" * 5


def test_in_a_zip_the_error_says_what_to_do(tmp_path):
    source = copied(tmp_path / "source")
    (source / "__main__.py").write_text("import libcors\n")
    archive = tmp_path / "app.pyz"
    zipapp.create_archive(source, archive)
    done = subprocess.run(
        [sys.executable, archive], capture_output=True, text=True
    )
    assert done.returncode != 0
    assert f"{archive}/libcors/libcors.so" in done.stderr
    assert "cannot be loaded from inside an archive" in done.stderr
    assert "use an unpacked directory" in done.stderr
