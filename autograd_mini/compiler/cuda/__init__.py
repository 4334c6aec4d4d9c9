"""CUDA: a tape as kernels for NVIDIA's GPUs. `kernel` plans and writes them, `launch` runs them."""
