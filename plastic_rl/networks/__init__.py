"""The networks of the published experiments."""

from plastic_rl.networks.convnet import ConvNet as ConvNet
from plastic_rl.networks.resnet import ResNet18 as ResNet18
