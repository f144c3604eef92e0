"""Teach a small net to find faces, masked or bare: lessons -> scenes -> net -> one ONNX file."""
