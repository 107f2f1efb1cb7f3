"""Evaluation that can be believed: a fixed plan of episodes, their record, statistics, comparisons and pages."""
