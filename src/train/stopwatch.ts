// Times of an epoch's steps, in seconds. They are for people and never decide anything that is
// trained. Time that readers of the events take (writing a checkpoint, drawing) is not counted.

/** Share of the newest step in the smoothed speed: about the last ten steps count. */
const NEWEST = 0.1;

export interface StepTimes {
  readonly imagesPerSecond: number;
  /**
   * Time to gather the batch, and the epoch's average of it. All but the first of an epoch are
   * gathered while an earlier step runs.
   */
  readonly dataTime: number;
  readonly dataTimeAverage: number;
  /**
   * Time from the end of the step before to the end of this one, and the epoch's average of it. Where
   * several steps are in flight, single times say little: their ends can be told in bursts.
   */
  readonly batchTime: number;
  readonly batchTimeAverage: number;
}

export class Stopwatch {
  private readonly now: () => number;
  private lastTime: number;
  private dataSum = 0;
  private batchSum = 0;
  private steps = 0;
  private images = 0;
  /** Of the newest steps. */
  private smoothed = { images: 0, seconds: 0 };

  /** @param now milliseconds */
  constructor(now: () => number = () => performance.now()) {
    this.now = now;
    this.lastTime = now();
  }

  /**
   * Ends a step of `count` images.
   * @param dataTime seconds it took to gather them
   */
  step(count: number, dataTime: number): StepTimes {
    const now = this.now();
    // A clock without resolution (some browsers round to 1 ms) must not make a speed infinite.
    const batchTime = Math.max((now - this.lastTime) / 1000, 1e-6);
    this.lastTime = now;
    this.steps++;
    this.images += count;
    this.dataSum += dataTime;
    this.batchSum += batchTime;
    // Steps that are in flight together can end at one moment: only sums of several make a speed.
    const share = this.steps === 1 ? 1 : NEWEST;
    this.smoothed.images += share * (count - this.smoothed.images);
    this.smoothed.seconds += share * (batchTime - this.smoothed.seconds);
    return {
      dataTime,
      dataTimeAverage: this.dataSum / this.steps,
      batchTime,
      batchTimeAverage: this.batchSum / this.steps,
      imagesPerSecond: this.smoothed.images / this.smoothed.seconds,
    };
  }

  /** Forgets the time since the last step. */
  skipPause(): void {
    this.lastTime = this.now();
  }

  /** Of the steps so far. */
  total(): { seconds: number; imagesPerSecond: number } {
    const imagesPerSecond = this.batchSum > 0 ? this.images / this.batchSum : 0;
    return { seconds: this.batchSum, imagesPerSecond };
  }
}
