"""The picture of a run on a stream."""

import json

import pytest

from plastic_rl.pictures.task_curve import draw_task_curve, read_curves

BEGINS = [{"global_step": 0, "seed": seed, "task/index": 0, "units/dead": 0.0} for seed in (0, 1)]
ENDS = [
    {"global_step": 10, "seed": 0, "task/index": 0, "online/accuracy": 0.5},
    {"global_step": 10, "seed": 1, "task/index": 0, "online/accuracy": 0.25},
    {"global_step": 20, "seed": 0, "task/index": 1, "online/accuracy": 1.0},
    {"global_step": 20, "seed": 1, "task/index": 1, "online/accuracy": 0.0},
]


def metrics_file(folder, records, tail=""):
    path = folder / "metrics.jsonl"
    path.write_text("".join(json.dumps(record) + "\n" for record in records) + tail)
    return path


def test_curves_have_a_row_for_each_task_and_a_column_for_each_seed(tmp_path):
    curves = read_curves(metrics_file(tmp_path, [*BEGINS, *ENDS], tail='{"global_step": 30, "task/in'))
    assert set(curves) == {"online/accuracy"}
    tasks, values = curves["online/accuracy"]
    assert tasks.tolist() == [0, 1]
    assert values.tolist() == [[0.5, 0.25], [1.0, 0.0]]


def test_a_quantity_that_was_not_measured_is_no_curve(tmp_path):
    records = [{"global_step": 1, "task/index": 0, "online/error": 2.0, "test/error": None}]
    assert set(read_curves(metrics_file(tmp_path, records))) == {"online/error"}


@pytest.mark.parametrize(
    ("records", "drawn"),
    [
        (ENDS, "online accuracy"),
        ([{**line, "test/accuracy": 0.5} for line in ENDS], "test accuracy"),
        ([{**line, "test/accuracy": 0.5, "test/average": 0.4} for line in ENDS], "test average"),
        ([{"global_step": 9, "task/index": 0, "online/error": 2.0}], "online error"),
    ],
)
def test_what_is_drawn_is_the_test_where_there_is_one(tmp_path, monkeypatch, records, drawn):
    from matplotlib.axes import Axes

    labels, plain = [], Axes.set
    monkeypatch.setattr(Axes, "set", lambda axes, **words: (labels.append(words.get("ylabel")), plain(axes, **words)))
    picture = tmp_path / "learning_curve.png"
    draw_task_curve(metrics_file(tmp_path, records), picture, "sgd on permuted-digits, s0")
    assert labels == [drawn]
    assert picture.read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"


def test_the_picture_shows_the_data(tmp_path):
    pictures = []
    for ends in (ENDS[:2], ENDS):
        pictures.append(tmp_path / f"{len(ends)}.png")
        draw_task_curve(metrics_file(tmp_path, ends), pictures[-1], "sgd on permuted-digits, s0")
    assert pictures[0].read_bytes() != pictures[1].read_bytes()


def test_a_network_that_changes_has_panels_for_its_size_and_its_units(tmp_path, monkeypatch):
    from matplotlib.axes import Axes

    labels, drawn, set_label, plot = [], [], Axes.set_ylabel, Axes.plot
    monkeypatch.setattr(Axes, "set_ylabel", lambda axes, label: (labels.append(label), set_label(axes, label)))
    monkeypatch.setattr(
        Axes, "plot", lambda axes, x, y, *rest, **words: (drawn.append(y), plot(axes, x, y, *rest, **words))
    )
    ends = [{**line, "dynamic/units": 3, "dynamic/births": 4 * line["global_step"]} for line in ENDS]
    draw_task_curve(metrics_file(tmp_path, ends), tmp_path / "picture.png", "dynamic on permuted-digits, s0")
    assert labels == ["online accuracy", "backbone units", "units in a task"]
    assert [each.tolist() for each in drawn[-2:]] == [[3, 3], [40, 40]]  # what each task added
