"""Detectors in an ONNX file."""
