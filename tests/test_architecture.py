"""What may import what, and what is in the wheel."""

import ast
import re
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
RECIPES = ["agents", "envs", "launch"]
LIBRARY = sorted((ROOT / "plastic_rl").rglob("*.py"))
NOT_FOR_THE_LIBRARY = {"agents", "envs", "launch", "experiments", "benchmarks", "hydra", "omegaconf"}


def imported(path):
    """Return the top-level packages that a file imports, anywhere in it."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names.add(node.module)
    return {name.partition(".")[0] for name in names}


def files_importing(packages):
    return {path.relative_to(ROOT).as_posix() for path in LIBRARY if imported(path) & packages}


def test_imports_are_seen_wherever_they_stand(tmp_path):
    source = tmp_path / "module.py"
    source.write_text("import os.path\ndef f():\n    from hydra.core import x\n    import torch as t, numpy\n")
    assert imported(source) == {"os", "hydra", "torch", "numpy"}


def test_the_library_knows_nothing_of_recipes_and_launching():
    assert len(LIBRARY) > 20
    assert files_importing(NOT_FOR_THE_LIBRARY) == set()


def test_one_room_of_the_library_draws():
    importing = files_importing({"matplotlib"})
    assert importing
    assert {path for path in importing if not path.startswith("plastic_rl/pictures/")} == set()


def test_only_the_seam_imports_stable_baselines():
    importing = files_importing({"stable_baselines3"})
    assert importing
    assert {path for path in importing if not path.startswith("plastic_rl/sb3/")} == set()


def test_recipes_know_nothing_of_hydra_and_drawing():
    recipes = [*(ROOT / "agents").rglob("*.py"), *(ROOT / "envs").rglob("*.py")]
    importing = {path.name for path in recipes if imported(path) & {"hydra", "omegaconf"}}
    assert importing == set()


def test_importing_the_library_imports_no_simulator_and_no_launcher():
    script = "import sys, plastic_rl.runs; print(sorted({'hydra', 'matplotlib', 'mujoco', 'torch'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def faces():
    """Yield each name that a room of the library exports, with the room."""
    for path in sorted((ROOT / "plastic_rl").glob("*/__init__.py")):
        for node in ast.parse(path.read_text()).body:
            if isinstance(node, ast.ImportFrom):
                yield from ((alias.asname or alias.name, node.module) for alias in node.names)


def test_no_public_name_has_two_meanings():
    homes = {}
    for path in LIBRARY:
        for node in ast.parse(path.read_text()).body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                homes.setdefault(node.name, set()).add(path.relative_to(ROOT).as_posix())
    assert {name: home for name, home in homes.items() if len(home) > 1} == {}
    exported = {}
    for name, module in faces():
        exported.setdefault(name, set()).add(module)
    assert len(exported) > 50
    assert {name: modules for name, modules in exported.items() if len(modules) > 1} == {}


# Which room may import which, from the ground up: a room stands below all that import it.
BASE = {
    "choices",
    "continual",
    "errors",
    "evaluation",
    "initialisers",
    "precision",
    "protocols",
    "seeding",
    "settings",
    "validation",
}
MAY_IMPORT = {
    **{room: set() for room in BASE},
    "command": set(),
    "__main__": {"command"},
    "extras": {"errors"},
    "layers": {"seeding"},
    "optim": {"choices", "initialisers", "layers", "seeding", "validation"},
    "networks": {"choices", "initialisers", "layers", "validation"},
    "diagnostics": {"evaluation", "layers", "precision"},
    "forecast": {"optim"},
    "nn": {"choices", "initialisers", "layers", "optim", "precision", "validation"},
    "regimes": {"nn"},
    "runs": {"errors"},
    "streams": {"errors", "extras"},
    "nonstationary": {"extras", "protocols", "runs"},
    "learners": {"choices", "diagnostics", "layers", "networks", "nn", "optim", "streams"},
    "pictures": {"runs"},
    "compare": {"errors", "evaluation", "extras", "pictures", "runs"},
    "training": {"continual", "diagnostics", "errors", "forecast", "learners", "optim", "pictures", "runs", "streams"},
    "sb3": {
        *(
            "choices",
            "continual",
            "diagnostics",
            "errors",
            "forecast",
            "initialisers",
            "layers",
            "networks",
            "nn",
            "nonstationary",
        ),
        *("optim", "pictures", "precision", "regimes", "runs", "seeding", "validation"),
    },
    "doctor": {"diagnostics", "errors", "layers", "nn", "optim", "sb3", "seeding"},
    "probe": {"diagnostics", "doctor", "errors", "sb3"},
    "envs": {"choices", "errors", "nonstationary", "protocols", "settings", "streams"},
    "agents": {
        *("choices", "errors", "initialisers", "learners", "networks", "nn", "optim", "sb3", "settings", "streams"),
    },
    "launch": {
        *(
            "agents",
            "envs",
            "choices",
            "compare",
            "doctor",
            "errors",
            "extras",
            "learners",
            "nonstationary",
            "pictures",
            "probe",
            "runs",
            "sb3",
            "settings",
            "streams",
        ),
        "training",
    },
    "experiments": {
        *(
            "agents",
            "compare",
            "continual",
            "diagnostics",
            "envs",
            "errors",
            "evaluation",
            "extras",
            "launch",
            "layers",
        ),
        *("learners", "networks", "settings"),
        *("nn", "optim", "runs", "streams", "training"),
    },
}


def module_name(path):
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


MODULES = {
    module_name(path): path
    for top in ("plastic_rl", "agents", "envs", "launch", "experiments")
    for path in sorted((ROOT / top).rglob("*.py"))
}


def room_of(module):
    top, _, rest = module.partition(".")
    return rest.partition(".")[0] if top == "plastic_rl" else top


def modules_imported_by(path):
    """Yield the modules of this project that a file imports, anywhere in it: the files behind a face, not the face."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name in MODULES)
        elif isinstance(node, ast.ImportFrom) and node.module in MODULES:
            inside = [f"{node.module}.{alias.name}" for alias in node.names]
            yield from (name for name in inside if name in MODULES)
            if not all(name in MODULES for name in inside):
                yield node.module


def test_rooms_import_what_stands_below_them_and_nothing_else():
    found = {room: set() for room in MAY_IMPORT}
    for module, path in MODULES.items():
        for other in modules_imported_by(path):
            if "" not in (room_of(module), room_of(other)) and room_of(other) != room_of(module):
                found[room_of(module)].add(room_of(other))
    assert {room: found[room] - MAY_IMPORT[room] for room in found if found[room] - MAY_IMPORT[room]} == {}


def test_the_list_of_rooms_has_no_circle_itself():
    below = {room: set(others) for room, others in MAY_IMPORT.items()}
    while ground := {room for room, others in below.items() if not others}:
        below = {room: others - ground for room, others in below.items() if room not in ground}
    assert below == {}


def test_no_file_imports_itself_by_way_of_others():
    imports = {
        module: set(modules_imported_by(path)) - {module}
        for module, path in MODULES.items()
        if path.name != "__init__.py"
    }
    while ground := {module for module, others in imports.items() if not others & imports.keys()}:
        imports = {module: others for module, others in imports.items() if module not in ground}
    assert sorted(imports) == []


def test_the_entry_point_is_short():
    assert len((ROOT / "train.py").read_text().splitlines()) <= 60


def test_the_wheel_is_told_where_recipes_go():
    told = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["hatch"]["build"]["targets"]["wheel"]
    assert told["only-include"] == ["plastic_rl", *RECIPES]
    assert told["sources"] == {name: f"plastic_rl/_recipes/{name}" for name in RECIPES}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    hatchling = pytest.importorskip("hatchling.builders.wheel")
    built = next(hatchling.WheelBuilder(str(ROOT)).build(directory=str(tmp_path_factory.mktemp("wheel"))))
    return zipfile.ZipFile(built)


def test_the_wheel_claims_one_name_and_has_the_recipes_within(wheel):
    tops = {name.partition("/")[0] for name in wheel.namelist()}
    assert {top for top in tops if not top.endswith(".dist-info")} == {"plastic_rl"}
    recipes = [path for name in RECIPES for path in (ROOT / name).rglob("*.py")]
    expected = {path.relative_to(ROOT).as_posix() for path in LIBRARY}
    expected |= {f"plastic_rl/_recipes/{path.relative_to(ROOT).as_posix()}" for path in recipes}
    assert expected == {name for name in wheel.namelist() if name.endswith(".py")}


def test_docstrings_open_with_a_noun_or_a_verb():
    opens = re.compile(r'^\s*"""(What|How|Whether|Who|When|Where|Why)\b', re.MULTILINE)
    paths = [path for top in ("plastic_rl", "agents", "envs", "launch") for path in (ROOT / top).rglob("*.py")]
    assert [path.relative_to(ROOT).as_posix() for path in paths if opens.search(path.read_text())] == []
