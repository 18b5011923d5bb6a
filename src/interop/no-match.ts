// Why tensors are not the network that they were compared with, as the end of a sentence.

import { UserError } from '../util/errors.ts';

export class NoMatch extends UserError {}
