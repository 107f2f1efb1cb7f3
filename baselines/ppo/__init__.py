"""PPOFlow and plain baselines on Stable-Baselines3, in many environments of different scenes at once."""
