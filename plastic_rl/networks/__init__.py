"""The networks of the published experiments."""

from plastic_rl.networks.choice import network_for as network_for
from plastic_rl.networks.convnet import ConvNet as ConvNet
from plastic_rl.networks.lenet import LeNet as LeNet
from plastic_rl.networks.local_mlp import LocalMLP as LocalMLP
from plastic_rl.networks.mlp import MLP as MLP
from plastic_rl.networks.residual_conv import ResidualConv as ResidualConv
from plastic_rl.networks.resnet import ResNet18 as ResNet18
