"""plastic_rl keeps learning agents plastic: methods, measures and the changing problems to show both.

The rooms, from the ground up; each is imported by those below it in this list, never the other way round:

* `layers`: hidden units as data, who produces them and who reads them; `initialisers`: how fresh weights are drawn.
* `optim`: methods that wrap an optimiser. `nn`: methods that wrap a network. `networks`: networks of published
  experiments.
* `diagnostics`: measures of a network. `evaluation`: statistics over runs. `forecast`: when units will be replaced.
* `nonstationary`: Gymnasium environments that change; `protocols`: the values of the registered ones. `regimes`:
  telling changes that nobody announces.
* `settings`: what a setting may be, as types; `choices`: the words that settings choose from.
* `streams`: supervised problems that arrive task by task; `streams.data`: the data sets behind them.
* `learners`: who learns from a stream. `training`: the loop that brings stream and learner together.
* `runs`: what a run leaves on disk, and how it goes on after a crash. `pictures`: its learning curve.
* `seeding`: seeds for a moment.
* `sb3`: the seam to Stable-Baselines3. `doctor`: what became of a network.
"""

__version__ = "0.1.0"
