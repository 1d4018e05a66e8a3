"""`python -m bot bench`: how fast a model is on this machine, in each precision, beside transformers' own loop.

runner   runs measure in a process for each precision, and shows progress
measure  measures one precision: prefill, decode, memory, and fidelity to float32
shapes   random weights of a known shape, for measuring without a download
table    the figures as a table, and which precision to choose
"""

from typing import Any

Figures = dict[str, Any]
"""What `measure` has found in one precision, by name."""
