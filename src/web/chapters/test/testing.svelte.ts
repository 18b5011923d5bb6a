// The model that is being loaded and the evaluation that is going on or done, kept while the reader looks
// at other chapters.

import { tab } from '../../shared/tab.svelte.ts';
import type { RequestError } from '../../worker/client.ts';
import type {
  DataFacts,
  Evaluation,
  ModelFacts,
  ModelSource,
  SplitName,
} from '../../worker/protocol.ts';

/** Mistakes that are shown. */
const WORST = 24;

export interface Tested {
  readonly model: ModelFacts;
  readonly data: DataFacts;
  readonly split: SplitName;
  readonly evaluation: Evaluation;
}

class Testing {
  isLoading = $state(false);
  /** Why the weights could not be loaded, and which weights. */
  problem: RequestError | undefined = $state.raw();
  asked: ModelSource | undefined = $state.raw();
  /** In the file, where it holds several. */
  networks: readonly string[] = $state.raw([]);
  isEvaluating = $state(false);
  /** From 0 to 1. */
  progress = $state(0);
  /** Why it could not be evaluated. */
  refusal = $state('');
  latest: Tested | undefined = $state.raw();

  async load(source: ModelSource | Promise<ModelSource>): Promise<void> {
    this.isLoading = true;
    this.problem = undefined;
    try {
      this.asked = await source;
      // Of a file in which somebody chose a network, they are known already.
      if (!('key' in this.asked)) this.networks = [];
      const { notices } = await tab.loadModel(this.asked);
      this.networks = notices.find(({ about }) => about === 'key')?.choices ?? this.networks;
    } catch (error) {
      const problem = error as RequestError;
      this.problem = problem;
      if (problem.code === 'several-networks') this.networks = problem.facts.places as string[];
    } finally {
      this.isLoading = false;
    }
  }

  async evaluate(model: ModelFacts, data: DataFacts, split: SplitName): Promise<void> {
    this.isEvaluating = true;
    this.refusal = '';
    this.progress = 0;
    try {
      const ask = { model: model.model, data: data.data, split, worst: WORST };
      const evaluation = await tab.ask('evaluate', ask, ({ done, total = 1 }) => {
        this.progress = done / total;
      });
      this.latest = { model, data, split, evaluation };
    } catch (error) {
      this.refusal = (error as Error).message;
    } finally {
      this.isEvaluating = false;
    }
  }
}

export const testing = new Testing();
