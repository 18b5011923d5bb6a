// Numbers that belong to the meaning of an operation rather than to a program: a backend that used
// others would compute something else. (The border of the random crop is data/batches.ts'.)

/** Batch normalisation, PyTorch's default: added to the variance. */
export const NORM_EPSILON = 1e-5;
/** Batch normalisation, PyTorch's default: share of the batch in the running statistics. */
export const NORM_MOMENTUM = 0.1;
/** The label counts as found when fewer classes than this are likelier (ties: the lower class). */
export const TOP_K = 5;
