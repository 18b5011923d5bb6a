// Times of an epoch's steps, in seconds. They are for people and never decide anything that is
// trained. Time that readers of the events take (writing a checkpoint, drawing) is not counted.

/** Share of the newest step in the smoothed speed: about the last ten steps count. */
const NEWEST = 0.1;

export interface StepTimes {
  readonly dataTime: number;
  readonly dataTimeAverage: number;
  readonly batchTime: number;
  readonly batchTimeAverage: number;
  readonly imagesPerSecond: number;
}

export class Stopwatch {
  private lastTime = performance.now();
  private dataTime = 0;
  private dataSum = 0;
  private batchSum = 0;
  private steps = 0;
  private images = 0;
  private smoothed = 0;

  /** Times the gathering of a batch. */
  data(gather: () => void): void {
    const begin = performance.now();
    gather();
    this.dataTime = (performance.now() - begin) / 1000;
    this.dataSum += this.dataTime;
  }

  /** Ends a step of `count` images. */
  step(count: number): StepTimes {
    const now = performance.now();
    // A clock without resolution (some browsers round to 1 ms) must not make a speed infinite.
    const batchTime = Math.max((now - this.lastTime) / 1000, 1e-6);
    this.lastTime = now;
    this.steps++;
    this.images += count;
    this.batchSum += batchTime;
    const speed = count / batchTime;
    this.smoothed = this.steps === 1 ? speed : this.smoothed + NEWEST * (speed - this.smoothed);
    return {
      dataTime: this.dataTime,
      dataTimeAverage: this.dataSum / this.steps,
      batchTime,
      batchTimeAverage: this.batchSum / this.steps,
      imagesPerSecond: this.smoothed,
    };
  }

  /** Forgets the time since the last step. */
  skipPause(): void {
    this.lastTime = performance.now();
  }

  /** Of the steps so far. */
  total(): { seconds: number; imagesPerSecond: number } {
    const imagesPerSecond = this.batchSum > 0 ? this.images / this.batchSum : 0;
    return { seconds: this.batchSum, imagesPerSecond };
  }
}
