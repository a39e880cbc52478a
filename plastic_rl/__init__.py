"""plastic_rl keeps learning agents plastic: methods, measures and the changing problems to show both."""

__version__ = "0.1.0"
