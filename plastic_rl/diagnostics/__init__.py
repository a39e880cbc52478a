"""Read-only measures of whether a network can still learn: layers and a batch in, numbers out."""

from plastic_rl.diagnostics.rank import effective_rank as effective_rank
from plastic_rl.diagnostics.rank import pca_rank as pca_rank
from plastic_rl.diagnostics.rank import singular_values as singular_values
from plastic_rl.diagnostics.rank import srank as srank
from plastic_rl.diagnostics.rank import stable_rank as stable_rank
from plastic_rl.diagnostics.report import activations as activations
from plastic_rl.diagnostics.report import report as report
from plastic_rl.diagnostics.units import dead as dead
from plastic_rl.diagnostics.units import dormancy_score as dormancy_score
from plastic_rl.diagnostics.units import dormant as dormant
from plastic_rl.diagnostics.weights import mean_magnitude as mean_magnitude
