"""How the bot is, for those who watch it from outside.

- `health`: whether each part is well
- `metrics`: figures for Prometheus
- `http`: serves both, as /healthz and /metrics
- `systemd`: tells systemd that the bot is online, well, or ending
- `loop_lag`: measures event-loop lag
- `json_logs`: the log as JSON
"""
