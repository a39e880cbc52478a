"""The study of utilities: its estimates on a network where they can be worked out, and its committed tables."""

import torch

from experiments.runs import ROOT, read_table
from experiments.utility_ranks import ESTIMATES, RESULTS, Trained, estimates, ranks, removal, summary
from plastic_rl.streams import Examples


def test_the_second_order_estimate_is_removal_itself_where_the_loss_is_quadratic():
    """Of the last hidden layer, the output is linear: ½(δ + h v)² - ½δ² = δ h v + ½ h² v²; the first is its slope."""
    torch.manual_seed(0)
    some = Examples(torch.randn(4000, 3), torch.randn(4000, 1))
    trained = Trained([some] * 3, is_regression=True, seed=0, updates=30)
    found, effects = estimates(trained), removal(trained, some.inputs, some.targets)
    torch.testing.assert_close(found["Taylor, second order"][-1].detach(), effects[-1], rtol=0.1, atol=2e-4)
    assert set(found) == set(ESTIMATES)


def test_removal_silences_one_unit():
    trained = Trained([Examples(torch.randn(9, 3), torch.randn(9, 1))] * 3, is_regression=True, seed=0, updates=1)
    inputs = trained.examples[0].inputs
    whole, without = trained.through(inputs)[0], trained.through(inputs, (1, 7))[0]
    assert torch.equal(whole[0], without[0])
    assert not without[1][:, 7].any()
    torch.testing.assert_close(trained.through(inputs)[1], trained.network(inputs))


def test_a_correlation_is_there_for_each_layer_and_estimate():
    rows = ranks("digits", seed=0, updates=2)
    assert [row["layer"] for row in rows] == ["1", "2", "3"]
    assert all(-1 <= float(row[name]) <= 1 for row in rows for name in ESTIMATES)


def test_the_table_on_the_page_is_the_committed_summary_which_follows_from_the_ranks():
    rows = read_table(RESULTS / "summary.csv")
    assert summary(read_table(RESULTS / "ranks.csv")) == rows
    page = (ROOT / "docs" / "dynamic_networks.md").read_text()
    for row in (*rows, *read_table(RESULTS / "costs.csv")):
        assert f"| {' | '.join(row.values())} |" in page
