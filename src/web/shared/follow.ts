// An effect that asks the worker: only the answer to its latest question counts.

/**
 * Takes an answer, unless something else has been asked for meanwhile.
 *
 *     $effect(() => follow(tab.ask('images', ask), (found) => { images = found; }, (why) => { problem = why; }));
 *
 * @param refuse is given a sentence where the request failed
 * @returns what the effect ends with
 */
export function follow<T>(
  asked: Promise<T>,
  take: (answer: T) => void,
  refuse: (sentence: string) => void,
): () => void {
  let isWanted = true;
  asked.then(
    (answer) => {
      if (isWanted) take(answer);
    },
    (error: Error) => {
      if (isWanted) refuse(error.message);
    },
  );
  return () => {
    isWanted = false;
  };
}
