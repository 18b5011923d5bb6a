// Classifies pictures that are chosen on the page; nothing leaves it.

import { createClassifier, loadWeights } from 'table6';

const weights = document.querySelector<HTMLInputElement>('#weights')!;
const pictures = document.querySelector<HTMLInputElement>('#pictures')!;
const output = document.querySelector<HTMLPreElement>('#output')!;

async function classify(): Promise<void> {
  const file = weights.files?.[0];
  const chosen = [...(pictures.files ?? [])];
  if (!file || chosen.length === 0) return;
  const classifier = await createClassifier(await loadWeights(file));
  const lines = (await classifier.classify(chosen)).map((predictions, i) => {
    const likeliest = predictions.slice(0, 2);
    const shares = likeliest.map(
      ({ name, probability }) => `${name} ${(100 * probability).toFixed(1)} %`,
    );
    return `${chosen[i]?.name}: ${shares.join(', else ')}`;
  });
  output.textContent = [...lines, `(${classifier.arch}; ${classifier.description})`].join('\n');
  await classifier.dispose();
}

for (const input of [weights, pictures]) {
  input.addEventListener('change', () => {
    classify().catch((error: unknown) => {
      output.textContent = error instanceof Error ? error.message : String(error);
    });
  });
}
