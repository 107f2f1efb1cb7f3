"""Policies learned from nothing with Stable-Baselines3 as it is: what the VLA is compared with."""
