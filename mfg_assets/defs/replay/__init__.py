"""Replays as a job."""
