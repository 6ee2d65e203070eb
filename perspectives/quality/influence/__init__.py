"""Influence of training annotations on what a trained model loses: exact for heads, EK-FAC for encoders."""
