"""The words that settings choose from: enumerations, importable without torch, so that command lines can list them."""

from __future__ import annotations

from enum import StrEnum


class Utility(StrEnum):
    """The quantity that ranks the units of a layer; the lowest are replaced (:mod:`plastic_rl.optim.watched_layer`)."""

    contribution = "contribution"  # |h| Σ|w_out|                    Dohare et al. 2024, Eq. 1
    mean_corrected = "mean_corrected"  # |h - f| Σ|w_out|            Dohare et al. 2021
    adaptable_contribution = "adaptable_contribution"  # |h - f| Σ|w_out| / Σ|w_in|   the same, their supervised runs
    weight = "weight"  # Σ|w_out|
    adaptation = "adaptation"  # 1 / Σ|w_in|
    propagated = "propagated"  # along all paths to the outputs (:mod:`plastic_rl.optim.propagation`)
    random = "random"  # the control

    @property
    def is_centred(self) -> bool:
        """True if activations are taken relative to their running mean."""
        return self in (Utility.mean_corrected, Utility.adaptable_contribution)

    @property
    def is_active(self) -> bool:
        """True if activations enter at all."""
        return self in (Utility.contribution, Utility.propagated) or self.is_centred

    @property
    def is_adaptive(self) -> bool:
        """True if incoming weights enter."""
        return self in (Utility.adaptable_contribution, Utility.adaptation)


class Mode(StrEnum):
    """The moment at which the running average of a utility is taken, and of what."""

    exact = "exact"  # of the whole product, every step: Eq. 1
    lazy = "lazy"  # of the activation alone; weights are read when a unit falls due
    instant = "instant"  # none: the minibatch at which a unit falls due decides (the paper's cheaper variant)


class Rounding(StrEnum):
    """The fate of a fraction of a unit."""

    accumulate = "accumulate"  # carried over: the long-run number is right for any rate (Algorithm 1)
    bernoulli = "bernoulli"  # one unit with that probability, as in the authors' PPO; above 1 the fraction is dropped


class Activity(StrEnum):
    """The activity by which a unit is told idle (:class:`plastic_rl.optim.ReDo`)."""

    magnitude = "magnitude"  # E|h|
    deviation = "deviation"  # E|h - E h|: a saturated unit is idle, too


class GradientOf(StrEnum):
    """The thing that the loss is differentiated by, to tell which units learn (:class:`plastic_rl.optim.ReGraMa`)."""

    weights = "weights"  # their incoming weights: the released code
    activations = "activations"  # what their readers take in: the equation as it is printed


class WeightUtility(StrEnum):
    """The utility of a single weight w with gradient g (:class:`plastic_rl.optim.SelectiveWeightReinitialization`)."""

    gradient = "gradient"  # |w g|: how much the loss would change without it, to first order
    magnitude = "magnitude"  # |w|


class Pruning(StrEnum):
    """Which weights of a tensor are drawn afresh."""

    threshold = "threshold"  # those of a utility of at most so many times the tensor's mean
    proportional = "proportional"  # a share of all: those of least utility


class Blocks(StrEnum):
    """Which weights share a step size that is learned (:class:`plastic_rl.optim.MetaOptimize`)."""

    tensors = "tensors"  # those of a tensor
    one = "one"  # all


class StreamingUpdate(StrEnum):
    """The way in which streaming control finds the length of a step (:class:`plastic_rl.sb3.StreamAC`)."""

    auto = "auto"  # intentional for continuous actions, as published; ObGD for discrete ones, where that overshoots
    intentional = "intentional"  # that which takes away the share of an error that is meant (Sharifnassab et al. 2026)
    obgd = "obgd"  # a fixed one, shortened where it might overshoot (Elsayed et al. 2024)


class Answers(StrEnum):
    """The way in which two answers of a network are compared (:class:`plastic_rl.optim.ChurnReduction`)."""

    auto = "auto"  # as a policy's action distribution says; as numbers where there is none
    categorical = "categorical"  # logits of classes, by cross-entropy
    numbers = "numbers"  # by mean squares


class Redraw(StrEnum):
    """The value that a weight is given afresh."""

    resample = "resample"  # a draw from where it started
    mean = "mean"  # the mean of where it started


class Renewal(StrEnum):
    """The part of a network that is drawn afresh when a new task begins."""

    nothing = "nothing"
    head = "head"  # the last layer
    network = "network"  # everything, the optimiser's state included: the control that keeps nothing


class Precision(StrEnum):
    """The numbers in which a network computes; its weights are of 32 bits in any case."""

    float32 = "float32"
    bfloat16 = "bfloat16"  # autocast


class Network(StrEnum):
    """The networks that a learner of streams can have (:func:`plastic_rl.networks.network_for`)."""

    mlp = "mlp"
    layer_norm_mlp = "layer_norm_mlp"
    batch_norm_mlp = "batch_norm_mlp"
    convnet = "convnet"
    resnet18 = "resnet18"
    lenet = "lenet"
    large_lenet = "large_lenet"
    residual_conv = "residual_conv"
    linear = "linear"

    @property
    def normalizes_minibatches(self) -> bool:
        """True if it needs minibatches of two or more."""
        return self in (Network.batch_norm_mlp, Network.residual_conv)


class LocalNetwork(StrEnum):
    """The networks that can be trained block by block."""

    mlp = "mlp"
    residual_conv = "residual_conv"


class Normalization(StrEnum):
    """The statistics by which hidden layers are normalised before their non-linearity."""

    batch = "batch"
    layer = "layer"


class Activation(StrEnum):
    """The non-linearity after a hidden layer (:func:`plastic_rl.networks.nonlinearity`)."""

    relu = "relu"
    leaky_relu = "leaky_relu"
    smooth_leaky_relu = "smooth_leaky_relu"
    prelu = "prelu"
    crelu = "crelu"
    fourier = "fourier"
    aid = "aid"
    rational = "rational"

    @property
    def doubles(self) -> bool:
        """True if it gives two numbers for each unit."""
        return self in (Activation.crelu, Activation.fourier)


class Estimator(StrEnum):
    """The loss of a locally trained block (:mod:`plastic_rl.nn.local.choices`)."""

    ridge = "ridge"
    normalized_hsic = "normalized_hsic"
    hsic = "hsic"
    linear_hsic = "linear_hsic"
    random_fourier_hsic = "random_fourier_hsic"
    plausible_hsic = "plausible_hsic"
    prediction = "prediction"
    similarity = "similarity"
    prediction_similarity = "prediction_similarity"


class ReadoutKind(StrEnum):
    """The readout on locally trained blocks (:mod:`plastic_rl.nn.local.choices`)."""

    ridge = "ridge"
    assignment = "assignment"
    class_means = "class_means"
    softmax = "softmax"

    @property
    def is_unformatted(self) -> bool:
        """True if it reads the units of a last block that has one for each class."""
        return self in (ReadoutKind.assignment, ReadoutKind.class_means)


class Form(StrEnum):
    """The objective of additive parameter decomposition (Yoon et al. 2020), by the fate of old tasks when σ moves."""

    hierarchical = "hierarchical"  # APD(2), Equation 3: as the next, and groups of tasks share a further part
    retroactive = "retroactive"  # APD(1), Equation 2: their τ make up for it
    fixed = "fixed"  # APD-Fixed, Equation 1: their τ stay, so that their weights move with σ


class Centre(StrEnum):
    """The value that the members of a group of parts share (Yoon et al. 2020)."""

    midrange = "midrange"  # the released code's (max + min) / 2: no member is off by more than half the spread
    mean = "mean"  # the paper's μ_g


class SeedsIn(StrEnum):
    """The way in which several seeds of an agent that acts are trained (:mod:`plastic_rl.sb3.seeds`)."""

    auto = "auto"  # batch where that was measured to be quicker, else turn
    batch = "batch"  # side by side, as one batched network
    turn = "turn"  # one after another


class Lean(StrEnum):
    """The loop in which PPO collects and learns (:mod:`plastic_rl.sb3.lean`)."""

    quick = "quick"  # without distribution objects and graphs; the numbers of SB3's loop to rounding
    exact = "exact"  # the same, bit for bit
    off = "off"  # SB3's own


class Actions(StrEnum):
    """The kind of actions that a world takes, and that an agent chooses among."""

    discrete = "discrete"  # one of a few
    continuous = "continuous"  # numbers between bounds


class Reset(StrEnum):
    """The part of a saved model that a run does not begin with, but draws afresh (:mod:`plastic_rl.sb3.starting`)."""

    nothing = "nothing"  # weights and optimisers are the saved ones
    head = "head"  # the last layers of all networks, and the exploration that is learned
    critic = "critic"  # all that the critic alone uses
    optimizer = "optimizer"  # weights are the saved ones, optimisers know nothing of them


class DynamicNonlinearity(StrEnum):
    """The non-linearity of a dynamic network's units (:mod:`plastic_rl.nn.dynamic`)."""

    tanh = "tanh"
    relu = "relu"
    sigmoid = "sigmoid"
    threshold = "threshold"  # 1 above 0: nothing to learn by gradients, only to be searched for


class NewUnits(StrEnum):
    """The origin of the incoming weights of a dynamic network's new units."""

    random = "random"  # drawn
    imprint = "imprint"  # tuned to the present input
    mutation = "mutation"  # a useful unit's, with noise


class Trigger(StrEnum):
    """The occasion on which a unit is imprinted."""

    periodic = "periodic"  # at the rate at which other units are born
    novelty = "novelty"  # no unit is on
    error = "error"  # the error is larger than its running mean
    novelty_and_error = "novelty_and_error"  # both


class Adoption(StrEnum):
    """The outgoing weight with which a unit joins the backbone of a dynamic network."""

    shadow = "shadow"  # what its shadow weight has learnt
    silent = "silent"  # 0: no output changes
