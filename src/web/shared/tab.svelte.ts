// What the page has in this tab, shared by all chapters and kept while the reader moves between them:
// one training worker, the data sets, the runs with their curves, the loaded model. All properties are
// Svelte state: a component that reads one is kept up to date.
//
//   import { tab } from '../../shared/tab.svelte.ts';
//
//   await tab.open()             starts the worker where there is none, and fills in what follows
//   tab.facts                    cores, isolated, storage, gpu; undefined until it is open
//   tab.device                   what computes (`chooseDevice`); undefined until somebody asked
//   tab.dataSets  tab.data       data sets that can be used now, and the chosen one
//   await tab.loadData(source, onProgress)   loads and chooses     tab.choose(facts)   chooses
//   await tab.needData()         the chosen one, else small synthetic images
//   tab.runs                     TabRun of each run: facts, state, step, epochs, curves, log
//   tab.active                   those in memory, training or paused
//   await tab.begin(requests)    begins runs on the chosen data    tab.goOn(runs)   goes on with some
//   await tab.read(run)          has a run's curves read from its folder, once
//   tab.model                    the model that chapters 5 and 6 look at
//   await tab.loadModel(source)  loads it; tab.modelSource is what it was loaded from
//   tab.ask(kind, ask, onProgress)   any other request of worker/protocol.ts; opens the worker
//   tab.ended                    the worker died: say so, and offer `tab.open()`; runs are saved
//
// Everything that asks rejects with a RequestError of worker/client.ts: its message is a sentence for
// people, its code and facts say what can be offered. Runs that are in memory are saved when the page
// is hidden.

import { TrainingClient } from '../worker/client.ts';
import type {
  Answer,
  Ask,
  CommandName,
  DataFacts,
  DataSource,
  DeviceChoice,
  DeviceFacts,
  ModelFacts,
  ModelSource,
  Progress,
  RunRequest,
  TabFacts,
  WorkerError,
} from '../worker/protocol.ts';
import { FIRST_DATA, isSynthetic, rememberData, rememberedData } from './chosen-data.ts';
import { RunList } from './run-list.svelte.ts';
import type { TabRun } from './tab-run.svelte.ts';

type OnProgress = (progress: Progress) => void;

class Tab {
  facts: TabFacts | undefined = $state.raw();
  device: DeviceFacts | undefined = $state.raw();
  dataSets: readonly DataFacts[] = $state.raw([]);
  data: DataFacts | undefined = $state.raw();
  model: ModelFacts | undefined = $state.raw();
  modelSource: ModelSource | undefined = $state.raw();
  ended: WorkerError | undefined = $state.raw();
  private client: TrainingClient | undefined;
  private opening: Promise<void> | undefined;
  private readonly list = new RunList(() => this.client!.ask('runs'));

  get runs(): readonly TabRun[] {
    return this.list.runs;
  }

  get active(): readonly TabRun[] {
    return this.list.active;
  }

  find(run: string): TabRun | undefined {
    return this.list.find(run);
  }

  open(): Promise<void> {
    this.opening ??= this.start().catch((error) => {
      this.opening = undefined;
      throw error;
    });
    return this.opening;
  }

  async ask<K extends CommandName>(
    kind: K,
    ...rest: unknown extends Ask<K>
      ? [ask?: undefined, onProgress?: OnProgress]
      : [ask: Ask<K>, onProgress?: OnProgress]
  ): Promise<Answer<K>> {
    await this.open();
    return await this.client!.ask(kind, ...rest);
  }

  async chooseDevice(device: DeviceChoice, threads?: number): Promise<DeviceFacts> {
    this.device = await this.ask('device', { device, ...(threads !== undefined && { threads }) });
    return this.device;
  }

  async loadData(source: DataSource, onProgress?: OnProgress): Promise<DataFacts> {
    const facts = await this.ask('loadData', { source }, onProgress);
    this.dataSets = [...this.dataSets.filter(({ data }) => data !== facts.data), facts];
    this.choose(facts);
    return facts;
  }

  choose(facts: DataFacts): void {
    this.data = facts;
    rememberData(facts.data);
  }

  async needData(): Promise<DataFacts> {
    await this.open();
    return this.data ?? (await this.loadData(FIRST_DATA));
  }

  async forgetData({ data }: DataFacts): Promise<void> {
    await this.ask('forgetData', { data });
    this.dataSets = this.dataSets.filter((each) => each.data !== data);
    if (this.data?.data === data) this.data = undefined;
  }

  async begin(runs: readonly RunRequest[], paused = false): Promise<readonly TabRun[]> {
    const { data } = await this.needData();
    const begun = await this.ask('start', { runs, data, paused });
    return await this.found(begun.runs);
  }

  async goOn(
    runs: readonly string[],
    asked: Omit<Ask<'goOn'>, 'runs'> = {},
  ): Promise<readonly TabRun[]> {
    for (const run of runs) await this.read(run);
    await this.ask('goOn', { runs, ...asked });
    return await this.found(runs);
  }

  async read(run: string): Promise<TabRun> {
    const known = this.find(run) ?? (await this.found([run]))[0]!;
    if (!known.isRead) known.take(await this.ask('readRun', { run }));
    return known;
  }

  /** Asks for the list of runs again; what is known of them stays. */
  async listRuns(): Promise<void> {
    await this.open();
    await this.list.refresh();
  }

  async removeRun(run: string): Promise<void> {
    await this.ask('removeRun', { run });
    this.list.forget(run);
    await this.list.refresh();
  }

  async loadModel(source: ModelSource): Promise<ModelFacts> {
    this.model = await this.ask('loadModel', { source });
    this.modelSource = source;
    return this.model;
  }

  private async found(names: readonly string[]): Promise<readonly TabRun[]> {
    await this.listRuns();
    return names.map((name) => this.find(name)!);
  }

  private async start(): Promise<void> {
    if (this.client) this.client.start();
    else this.client = this.connect();
    const { client } = this;
    this.ended = undefined;
    this.facts = await client.ask('tab');
    await this.list.refresh();
    const kept = await client.ask('keptData');
    // Synthetic images are made again when they are named; others were only in the worker that died.
    const made = this.dataSets.filter(({ data }) => isSynthetic(data));
    const chosen = this.data?.data ?? rememberedData();
    if (isSynthetic(chosen) && !made.some(({ data }) => data === chosen)) {
      made.push(await client.ask('loadData', { source: { from: 'storage', data: chosen } }));
    }
    this.dataSets = [...kept, ...made];
    this.data = this.dataSets.find(({ data }) => data === chosen);
  }

  private connect(): TrainingClient {
    const client = new TrainingClient({ onEnd: (error) => this.lose(error) });
    client.listen((event) => this.list.hear(event));
    document.addEventListener('visibilitychange', () => {
      if (document.visibilityState === 'hidden' && this.active.length > 0) {
        client.ask('save').catch(() => {}); // a worker that died is told of by `ended`
      }
    });
    return client;
  }

  private lose(error: WorkerError): void {
    this.ended = error;
    this.opening = undefined;
    this.model = undefined;
    this.device = undefined;
    for (const run of this.active) run.changed('stopped', error);
  }
}

export const tab = new Tab();
