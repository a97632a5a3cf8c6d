"""The salt pipeline: the folders `components/` and `pipelines/` of the repository, under one import name."""
