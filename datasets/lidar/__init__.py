"""Lidar: points, cuboids and cameras, and the pictures made from points."""
