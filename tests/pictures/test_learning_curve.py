import json

import numpy as np

from plastic_rl.pictures.learning_curve import draw_learning_curve, read_life, running_mean

RECORDS = [
    {"global_step": 0, "task/index": 0, "task/friction": 0.5},
    {"global_step": 10, "episode/return": 1.0, "episode/length": 10, "task/index": 0},
    {"global_step": 12, "loss/policy": 0.1},
    {"global_step": 30, "episode/return": 3.0, "episode/length": 20, "task/index": 1},
    {"global_step": 31, "task/index": 0},
    {"global_step": 35, "episode/return": 8.0, "episode/length": 5, "task/index": 1},
    {"global_step": 60, "task/index": 2},
]


def metrics_file(folder, records, tail=""):
    path = folder / "metrics.jsonl"
    path.write_text("".join(json.dumps(record) + "\n" for record in records) + tail)
    return path


def test_running_mean_by_hand():
    # Of three at most: 1, (1+3)/2, (1+3+8)/3, (3+8+1)/3, (8+1+0)/3.
    mean = running_mean(np.array([1.0, 3.0, 8.0, 1.0, 0.0]), 3)
    np.testing.assert_allclose(mean, [1, 2, 4, 4, 3])


def test_running_mean_of_fewer_values_than_the_window_and_of_none():
    np.testing.assert_allclose(running_mean(np.array([2.0, 4.0]), 50), [2, 3])
    assert running_mean(np.array([]), 50).size == 0


def test_a_life_is_its_episodes_and_the_steps_at_which_its_task_changed(tmp_path):
    life = read_life(metrics_file(tmp_path, RECORDS, tail='{"global_step": 70, "episo'), 70)
    assert life.steps.tolist() == [10, 30, 35]
    assert life.returns.tolist() == [1, 3, 8]
    assert life.changes == [30, 60]


def test_what_the_last_rollout_adds_beyond_the_end_is_not_drawn(tmp_path):
    """With 8 episodes to a task, the one of a task that nobody asked for would look like a fall."""
    beyond = [
        {"global_step": 60, "episode/return": 9.0, "episode/length": 20, "task/index": 1},
        {"global_step": 62, "task/index": 2},
        {"global_step": 66, "episode/return": 0.0, "episode/length": 6, "task/index": 2},
    ]
    life = read_life(metrics_file(tmp_path, [*RECORDS[:-1], *beyond]), 60)
    assert life.returns.tolist() == [1, 3, 8, 9]
    assert life.changes == [30]


def test_the_picture_is_drawn_and_shows_the_data(tmp_path):
    picture, empty = tmp_path / "learning_curve.png", tmp_path / "empty.png"
    draw_learning_curve(metrics_file(tmp_path, RECORDS), picture, "ppo in ant, seed 0", 70)
    draw_learning_curve(metrics_file(tmp_path, []), empty, "ppo in ant, seed 0", 70)
    assert picture.read_bytes()[:8] == empty.read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"
    assert picture.read_bytes() != empty.read_bytes()
