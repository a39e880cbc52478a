"""The state of a network, beside fresh ones: ``python -m plastic_rl.doctor model.zip``, or :func:`examine`."""

from plastic_rl.doctor.complaints import Complaint, LayerExamination, Symptom
from plastic_rl.doctor.examination import Examination, examine
from plastic_rl.doctor.figures import Figures
from plastic_rl.doctor.saved import examine_saved

__all__ = [
    "Complaint",
    "Examination",
    "Figures",
    "LayerExamination",
    "Symptom",
    "examine",
    "examine_saved",
]
