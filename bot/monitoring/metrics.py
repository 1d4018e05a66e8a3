"""What the bot does, in figures for Prometheus. No label names a person, a channel or a server."""

import math
from collections.abc import Iterator

from prometheus_client import CollectorRegistry, Counter, Histogram, ProcessCollector
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from bot.conversation.conversations import Conversations
from bot.engine import Engine
from bot.gateway.status import GatewayStatus
from bot.monitoring.loop_lag import LoopLagMonitor
from bot.observer import Observer

_ANSWERS = (0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 40, 60, 120, 300, 600)  # seconds; a CPU takes its time
_OPERATIONS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)  # seconds


class Metrics(Observer):
    """Counts what it is told of; collects the rest from the parts whenever the `registry` is scraped."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        self._requests = Counter("parley_requests", "Questions asked, also those refused", registry=self.registry)
        self._first = Histogram(
            "parley_time_to_first_text_seconds",
            "From a question to the first text of its answer",
            buckets=_ANSWERS,
            registry=self.registry,
        )
        self._whole = Histogram(
            "parley_answer_seconds",
            "From a question until all of its answer was shown",
            buckets=_ANSWERS,
            registry=self.registry,
        )
        self._errors = Counter("parley_errors", "Errors that people were told of", ["kind"], registry=self.registry)
        self._operations = Histogram(
            "parley_history_operation_seconds",
            "Uses of the database, with the wait for others",
            ["kind"],
            buckets=_OPERATIONS,
            registry=self.registry,
        )

    def asked(self) -> None:
        """See Observer."""
        self._requests.inc()

    def answered(self, first: float, whole: float) -> None:
        """See Observer."""
        self._first.observe(first)
        self._whole.observe(whole)

    def failed(self, error: BaseException) -> None:
        """See Observer."""
        self._errors.labels(type(error).__name__).inc()

    def used_database(self, kind: str, seconds: float) -> None:
        """See Observer."""
        self._operations.labels(kind).observe(seconds)

    def collect_from(
        self, *, conversations: Conversations, engine: Engine, gateway: GatewayStatus, loop_lag: LoopLagMonitor
    ) -> None:
        """From now on, collect what these parts know."""
        self.registry.register(_Parts(conversations, engine, gateway, loop_lag))


class _Parts(Collector):
    """Collects what the parts know, at each scrape."""

    def __init__(
        self, conversations: Conversations, engine: Engine, gateway: GatewayStatus, loop_lag: LoopLagMonitor
    ) -> None:
        self._conversations = conversations
        self._engine = engine
        self._gateway = gateway
        self._loop_lag = loop_lag

    def collect(self) -> Iterator[Metric]:
        """The figures of this moment."""
        yield GaugeMetricFamily(
            "parley_requests_running", "Answers that are being written", self._conversations.running
        )
        yield GaugeMetricFamily(
            "parley_requests_waiting", "Questions whose answers have not begun", self._conversations.waiting
        )
        yield from self._of_engine()
        yield GaugeMetricFamily(
            "parley_event_loop_stall_seconds", "The longest stall of the last minute", self._loop_lag.longest
        )
        yield from self._of_gateway()

    def _of_engine(self) -> Iterator[Metric]:
        status = self._engine.status()
        yield CounterMetricFamily("parley_tokens", "Tokens generated", status.tokens)
        speed = GaugeMetricFamily("parley_tokens_per_second", "Tokens generated per second, over the last passes")
        if status.speed is not None:
            speed.add_metric([], status.speed)
        yield speed
        prompts = CounterMetricFamily(
            "parley_prompt_tokens", "Tokens of prompts: found in the KV cache, or read", labels=["source"]
        )
        for source, tokens in (("cache", status.prompt_tokens_cached), ("read", status.prompt_tokens_read)):
            if tokens is not None:
                prompts.add_metric([source], tokens)
        yield prompts

    def _of_gateway(self) -> Iterator[Metric]:
        yield CounterMetricFamily("parley_edits", "Edits of messages sent to Discord", self._gateway.edits)
        yield CounterMetricFamily(
            "parley_rate_limited", "Requests that Discord refused as too many", self._gateway.rate_limited
        )
        latency = GaugeMetricFamily(
            "parley_gateway_latency_seconds", "From a heartbeat to its acknowledgement", labels=["shard"]
        )
        for shard, seconds in self._gateway.latencies():
            if math.isfinite(seconds):
                latency.add_metric([str(shard)], seconds)
        yield latency
        reconnects = CounterMetricFamily(
            "parley_gateway_reconnects", "Connections to Discord that came back", labels=["shard"]
        )
        for shard, times in self._gateway.reconnects.items():
            reconnects.add_metric([str(shard)], times)
        yield reconnects
