"""Detectors of the ultralytics package (AGPL-3.0), behind the extra of that name."""
