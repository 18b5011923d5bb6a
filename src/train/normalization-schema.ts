// What a configuration or a checkpoint may have for the kind of its normalisation: a name, or numbers.

import * as z from 'zod/mini';
import {
  NORMALIZATION_KINDS,
  type NormalizationKind,
  parseNormalization,
} from '../data/normalization.ts';

function isNumbers(value: unknown): boolean {
  try {
    return typeof value === 'string' && value.includes('/') && parseNormalization(value) === value;
  } catch {
    return false;
  }
}

export const normalizationKindSchema = z.union([
  z.enum(NORMALIZATION_KINDS),
  z.custom<`${string}/${string}`>(isNumbers, 'numbers must be mean,mean,mean/deviation,...'),
]) as z.ZodMiniType<NormalizationKind>;
