"""Studies: one file per published figure, with its runs as data and its picture as code."""
