"""Linear layers for this CPU, in each precision.

linear  float32, bfloat16 and int8 layers, packed for oneDNN, and which precision this CPU is made for
"""
