"""Problems: one file per name that may follow `env=` on the command line (a hyphen for each underscore)."""

from envs.ant import Ant
from envs.bit_flipping import BitFlipping
from envs.cifar10 import CIFAR10
from envs.classic_chain import ClassicChain
from envs.coarse_cifar100 import CoarseCIFAR100
from envs.continual_imagenet import ContinualImageNet
from envs.damaged_ant import DamagedAnt
from envs.digits import Digits
from envs.fashion_mnist import FashionMNIST
from envs.geoff import GEOFF
from envs.gravity_ant import GravityAnt
from envs.heavy_ant import HeavyAnt
from envs.incremental_cifar100 import IncrementalCIFAR100
from envs.label_permuted_digits import LabelPermutedDigits
from envs.label_permuted_mnist import LabelPermutedMNIST
from envs.minatar_chain import MinAtarChain
from envs.mnist import MNIST
from envs.noisy_acrobot import NoisyAcrobot
from envs.noisy_cartpole import NoisyCartPole
from envs.noisy_lunarlander import NoisyLunarLander
from envs.noisy_mountaincar import NoisyMountainCar
from envs.omniglot_rotation import OmniglotRotation
from envs.own import JOINT, OWN, own_world
from envs.permuted_ant import PermutedAnt
from envs.permuted_cartpole import PermutedCartPole
from envs.permuted_digits import PermutedDigits
from envs.permuted_mnist import PermutedMNIST
from envs.permuted_pendulum import PermutedPendulum
from envs.pixel_permuted_catch import PixelPermutedCatch
from envs.prototypes import Prototypes
from envs.random_label_digits import RandomLabelDigits
from envs.random_label_mnist import RandomLabelMNIST
from envs.recipe import Problem
from envs.recurring_ant import RecurringAnt
from envs.shifting_cartpole import ShiftingCartPole
from envs.slippery_ant import SlipperyAnt
from envs.slippery_halfcheetah import SlipperyHalfCheetah
from envs.slippery_hopper import SlipperyHopper
from envs.slippery_walker2d import SlipperyWalker2d
from envs.split_cifar100 import SplitCIFAR100
from envs.split_digits import SplitDigits
from envs.superclass_cifar100 import SuperclassCIFAR100
from envs.switching_geoff import SwitchingGEOFF
from envs.tiny_continual_imagenet import TinyContinualImageNet
from envs.tracking import Tracking
from envs.warm_start import WarmStart

ENVS: dict[str, type[Problem]] = {
    "slippery-ant": SlipperyAnt,
    "ant": Ant,
    "permuted-cartpole": PermutedCartPole,
    "slippery-hopper": SlipperyHopper,
    "slippery-walker2d": SlipperyWalker2d,
    "slippery-halfcheetah": SlipperyHalfCheetah,
    "gravity-ant": GravityAnt,
    "heavy-ant": HeavyAnt,
    "damaged-ant": DamagedAnt,
    "recurring-ant": RecurringAnt,
    "permuted-ant": PermutedAnt,
    "permuted-pendulum": PermutedPendulum,
    "noisy-cartpole": NoisyCartPole,
    "noisy-acrobot": NoisyAcrobot,
    "noisy-lunarlander": NoisyLunarLander,
    "noisy-mountaincar": NoisyMountainCar,
    "shifting-cartpole": ShiftingCartPole,
    "pixel-permuted-catch": PixelPermutedCatch,
    "classic-chain": ClassicChain,
    "minatar-chain": MinAtarChain,
    "permuted-mnist": PermutedMNIST,
    "permuted-digits": PermutedDigits,
    "label-permuted-mnist": LabelPermutedMNIST,
    "label-permuted-digits": LabelPermutedDigits,
    "random-label-mnist": RandomLabelMNIST,
    "random-label-digits": RandomLabelDigits,
    "bit-flipping": BitFlipping,
    "tracking": Tracking,
    "geoff": GEOFF,
    "switching-geoff": SwitchingGEOFF,
    "prototypes": Prototypes,
    "continual-imagenet": ContinualImageNet,
    "tiny-continual-imagenet": TinyContinualImageNet,
    "incremental-cifar100": IncrementalCIFAR100,
    "split-cifar100": SplitCIFAR100,
    "superclass-cifar100": SuperclassCIFAR100,
    "omniglot-rotation": OmniglotRotation,
    "split-digits": SplitDigits,
    "warm-start": WarmStart,
    "mnist": MNIST,
    "fashion-mnist": FashionMNIST,
    "cifar10": CIFAR10,
    "coarse-cifar100": CoarseCIFAR100,
    "digits": Digits,
}


def env_named(name: str) -> type[Problem]:
    """Return the problem of a name: one of `ENVS`, or `own`, with changes as in `own+friction+gravity`.

    Raises:
        KeyError: There is no such problem.
        UserError: There is, but not such a change.
    """
    return own_world(name) if name.partition(JOINT)[0] == OWN else ENVS[name]
