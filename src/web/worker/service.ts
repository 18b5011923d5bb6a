// What the worker does for each request. Everything that computes or waits is behind here; the page
// only asks.

import { runCost, wallSeconds } from '../../experiment/cost.ts';
import { measureSpeed } from '../../experiment/measure.ts';
import { readPicture } from '../../library/picture.browser.ts';
import { DataSets } from './data/data-sets.ts';
import { computingFacts, Devices, deviceFacts } from './devices.ts';
import { Models } from './models.ts';
import { toWorkerError } from './problems.ts';
import type { Answer, Ask, CommandName, Estimate, Message, Progress, Request } from './protocol.ts';
import { Runs } from './runs.ts';
import { Storage } from './storage.ts';
import { Training } from './training.ts';

type Tell = (progress: Progress) => void;
type Handlers = {
  readonly [K in CommandName]: (ask: Ask<K>, tell: Tell) => Answer<K> | Promise<Answer<K>>;
};

/** How long a speed is measured. */
const MEASURE_SECONDS = 2;

/**
 * Opens what the worker keeps.
 * @param post sends a message to the page
 * @returns the handler of its requests
 */
export async function createService(
  post: (message: Message) => void,
): Promise<(request: Request) => Promise<void>> {
  const storage = await Storage.open();
  const devices = new Devices();
  const data = new DataSets(storage);
  const training = new Training((event) => post({ kind: 'event', event }));
  const runs = new Runs(storage, data, devices, training);
  const models = new Models(storage, data, devices, training);

  const estimate = async ({ run, data: source }: Ask<'estimate'>): Promise<Estimate> => {
    const { config, dataset } = await runs.configOf(run, source);
    const backend = await devices.backend();
    const speed = await measureSpeed({ config, dataset, backend, seconds: MEASURE_SECONDS });
    const evaluatedImages = dataset.test.count + (dataset.validation?.count ?? 0);
    const cost = runCost(config, { trainImages: dataset.train.count, evaluatedImages });
    const freeBytes = await storage.freeBytes();
    return {
      device: deviceFacts(backend),
      imagesPerSecond: speed.imagesPerSecond,
      seconds: wallSeconds([cost.multiplyAdds], 1, speed.multiplyAddsPerSecond),
      iterations: cost.iterations,
      memoryBytes: speed.memoryBytes,
      diskBytes: cost.diskBytes,
      ...(freeBytes !== undefined && { freeBytes }),
    };
  };

  const handlers: Handlers = {
    tab: async () => ({ ...(await computingFacts()), storage: storage.facts }),
    device: (choice) => devices.choose(choice),

    loadData: ({ source }, tell) => data.load(source, tell),
    keptData: () => data.kept(),
    forgetData: ({ data: source }) => done(data.forget(source)),
    images: (ask) => data.images(ask),
    readPicture: async ({ picture }) => ({ pixels: await readPicture(picture) }),

    // Between two steps, so that nothing else is measured with it.
    estimate: (ask) => training.between(() => estimate(ask)),
    start: ({ runs: requests, data: source, paused = false }) =>
      training.between(async () => {
        const opened = await runs.create(requests, source);
        await training.begin(opened, paused);
        return { runs: opened.map(({ run }) => run.dir) };
      }),
    goOn: ({ runs: names, paused = false, ...asked }) =>
      training.between(async () => {
        await training.begin(await runs.open(names, asked), paused);
        return { runs: names };
      }),
    states: ({ run }) => runs.states(run),
    pause: () => done(training.pause()),
    step: () => done(training.step()),
    resume: () => done(training.resume()),
    stop: () => done(training.stop()),
    save: () => done(training.save()),
    setRateFactor: ({ run, factor }) => done(training.setRateFactor(run, factor)),

    runs: () => runs.list(),
    readRun: ({ run }) => runs.read(run),
    removeRun: ({ run }) => done(runs.remove(run)),
    // Between two steps, so that metrics and checkpoint are of one moment.
    exportRun: ({ run }) => training.between(() => runs.pack(run)),
    importRun: ({ file, name }) => runs.unpack(file, name),

    loadModel: ({ source }) => models.load(source),
    exportModel: (ask) => models.export(ask),
    evaluate: (ask, tell) => models.evaluate(ask, tell),
    classify: ({ model, image }) => models.classify(model, image),
    blocks: ({ model }) => models.blocks(model),
    maps: (ask) => models.maps(ask),
    pixel: (ask) => models.pixel(ask),
    filters: ({ model }) => models.filters(model),
    responses: ({ model }) => models.responses(model),
  };

  return async ({ id, kind, ask }) => {
    const tell: Tell = (progress) => post({ kind: 'progress', id, progress });
    try {
      // The compiler cannot see that a request's `kind` and `ask` belong together.
      const handle = handlers[kind] as (ask: unknown, tell: Tell) => Promise<Answer<CommandName>>;
      post({ kind: 'answer', id, answer: await handle(ask, tell) });
    } catch (error) {
      post({ kind: 'error', id, error: toWorkerError(error) });
    }
  };
}

async function done(work: Promise<unknown>): Promise<undefined> {
  await work;
}
