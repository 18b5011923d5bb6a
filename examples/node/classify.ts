// Classifies pictures with trained weights:
//
//   node classify.ts resnet20-12fca82f.th cat.jpg dog.png

import { createClassifier, loadWeights } from 'table6';

const [weights, ...pictures] = process.argv.slice(2);
if (weights === undefined || pictures.length === 0) {
  console.error('usage: node classify.ts <weights or run folder> <picture> ...');
  process.exit(2);
}
const classifier = await createClassifier(await loadWeights(weights));
for (const [i, [best, next]] of (await classifier.classify(pictures)).entries()) {
  const percent = (share = 0) => `${(100 * share).toFixed(1)} %`;
  console.log(
    `${pictures[i]}: ${best?.name} ${percent(best?.probability)}, else ${next?.name} ${percent(next?.probability)}`,
  );
}
