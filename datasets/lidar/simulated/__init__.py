"""Generated streets as a lidar and cameras see them."""
