"""Baselines: policies and tools that use Gen3D. They import the core; the core never imports them."""
