"""`python -m plastic_rl.compare`, from folders to files."""

from base64 import b64encode

import pytest

from plastic_rl.compare import compare
from plastic_rl.compare.command import main
from tests.compare.conftest import GIF


def test_a_table_a_picture_and_a_page(runs, tmp_path, capsys):
    pytest.importorskip("plotly")
    csv, latex, html, pdf = (tmp_path / f"x.{ending}" for ending in ("csv", "tex", "html", "pdf"))
    assert main([str(runs), "--csv", str(csv), "--latex", str(latex), "--html", str(html), "--pdf", str(pdf)]) == 0
    head, bad, good = csv.read_text().splitlines()
    assert head == ",runs,over life,second half,drop at a change,steps to recover,P(better than bad),minutes"
    assert bad == 'bad,2,"1.5 [1, 2]","1.5 [1, 2]","0 [0, 0]","0 [0, 0]",0.50,1.0'
    assert good == 'good,2,"4.5 [4, 5]","4.5 [4, 5]","0 [0, 0]","0 [0, 0]",1.00,1.0'
    assert r"good & 2 & 4.5 [4, 5]" in latex.read_text()
    assert pdf.read_bytes().startswith(b"%PDF")
    page = html.read_text()
    assert "dormant" in page
    assert "<td>bad</td><td>good</td>" in page  # the difference between the settings
    assert 'src="http' not in page
    printed = capsys.readouterr().out
    assert "return over 200 environment steps" in printed
    assert "4.5 [4, 5]" in printed


def test_a_page_shows_the_films_of_policies_and_the_units_that_were_replaced(write_run, filmed, tmp_path):
    pytest.importorskip("plotly")
    replacing = write_run("cbp", 0, [5.0] * 20, period=100)
    metrics = replacing / "metrics.jsonl"
    metrics.write_text(metrics.read_text().replace('"units/dormant"', '"cbp/replaced"'))
    assert main([str(filmed), "--html", str(tmp_path / "page.html")]) == 0
    page = (tmp_path / "page.html").read_text()
    assert page.count("<figure>") == 1
    assert f'<figure><img src="data:image/gif;base64,{b64encode(GIF).decode()}" alt="good, filmed">' in page
    assert "-s1</figcaption>" in page
    assert '"text":"cbp\\u002freplaced"' in page or '"text":"cbp/replaced"' in page


def test_a_page_of_runs_that_nobody_has_filmed_has_no_films(runs, tmp_path):
    pytest.importorskip("plotly")
    assert main([str(runs), "--html", str(tmp_path / "page.html")]) == 0
    assert "<figure>" not in (tmp_path / "page.html").read_text()


def test_the_picture_lies_with_the_runs_unless_asked_otherwise(runs, capsys):
    assert main([str(runs)]) == 0
    assert (runs / "comparison.png").read_bytes().startswith(b"\x89PNG")
    assert str(runs / "comparison.png") in capsys.readouterr().out


def test_a_baseline_of_ones_own_and_short_lives(write_run, runs):
    write_run("short", 0, [9.0] * 5)
    found = compare([runs], baseline="good")
    assert [row[""] for row in found.rows] == ["good", "bad"]
    assert found.rows[1]["P(better than good)"] == "0.00"
    assert [run.settings["agent"] for run in found.left_out] == ["short"]
    assert compare([runs], unfinished=True).ends[-1] == 50


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--baseline", "ppo"], "--baseline ppo is no group: there are bad, good"),
        (["--panels", "rank/x"], "--panels rank/x: nobody measured it; there are units/dormant"),
    ],
)
def test_what_there_is_not_is_refused_with_what_there_is(runs, capsys, words, message):
    assert main([str(runs), *words]) == 2
    assert message in capsys.readouterr().err
    assert not (runs / "comparison.png").exists()
