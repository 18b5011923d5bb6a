// What can update the filters of convolutions; SGD always updates everything else.

export const OPTIMIZERS = ['sgd', 'muon'] as const;
export type Optimizer = (typeof OPTIMIZERS)[number];
