"""Calibration of the VMAF step of one JND on subjective labels (docs/vmaf_steps.md)."""
