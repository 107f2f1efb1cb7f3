"""The same policy on a robot: an environment over ROS, behind limits that nothing gets around."""
