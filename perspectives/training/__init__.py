"""Configuration in, run out: a training, its callbacks and loggers, and few-shot adaptation to new annotators."""
