// PyTorch's defaults for batch normalisation (the meaning is in reference/norm.ts).

/** Added to the variance. */
export const NORM_EPSILON = 1e-5;
/** Share of the batch in the running statistics. */
export const NORM_MOMENTUM = 0.1;
