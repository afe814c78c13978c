"""Layer-wise pre-training: a stack of denoising autoencoders, unrolled into one network."""
