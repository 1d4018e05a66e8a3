"""Linear layers for this CPU, in each precision.

selection    which kernels are right on this CPU, and the fastest of them for a model
floating     float32, bfloat16 and float16 layers
int8         int8 layers: exact products, split outliers, layers computed twice
calibration  which columns are outliers, and which layers lose so much that they are computed twice
siblings     layers that read the same input, computed by one call
norm         RMS normalization in one call
"""
