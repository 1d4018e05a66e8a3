"""Linear layers for this CPU, in each precision.

selection  which kernels are right on this CPU, and the fastest of them for a model
floating   float32, bfloat16 and float16 layers
int8       int8 layers: exact products of rotated inputs and weights
siblings   layers that read the same input, computed by one call
norm       RMS normalization in four calls
"""
