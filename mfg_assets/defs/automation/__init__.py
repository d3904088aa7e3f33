"""What starts runs: schedules, sensors, automation."""
