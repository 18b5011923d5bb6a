// `table6 analyze responses`: how strongly each layer responds, Figure 7 of the paper, for runs and
// weights files side by side.

import { COLORS } from '../../experiment/report/chart.ts';
import { responseCharts } from '../../experiment/report/figures.ts';
import { type LayerResponse, layerResponses } from '../../experiment/responses.ts';
import { writeAtomically } from '../../runs/file-system.ts';
import { nodeHost } from '../../runs/runs.node.ts';
import { alignColumns } from '../../util/columns.ts';
import { mean } from '../../util/statistics.ts';
import { defineCommand } from '../command.ts';
import { print, printJson } from '../console/print.ts';
import { usageError } from '../options.ts';
import { checkpointOption, jsonOption } from '../session/common-options.ts';
import { openModel } from '../session/model.ts';
import { text } from '../values.ts';

interface Analyzed {
  readonly title: string;
  readonly arch: string;
  readonly responses: readonly LayerResponse[];
}

export const analyze = defineCommand({
  description:
    'responses: the standard deviation of the outputs of each 3×3 layer after batch normalisation and before the nonlinearity, computed from the weights and the running statistics of batch normalisation; no images are needed. Residual networks respond less than plain ones, deeper ones less than shallow ones (section 4.2 of the paper).',
  arguments: [
    { name: 'responses', help: 'what to analyze', required: true },
    {
      name: 'RUN|WEIGHTS',
      help: 'run folders, .safetensors, .th or .pth files',
      required: true,
      repeated: true,
    },
  ],
  options: {
    checkpoint: checkpointOption,
    svg: text({
      help: 'Draw both panels of Figure 7: <name>.svg, and <name>-sorted.svg by magnitude',
      placeholder: '<name.svg>',
    }),
    json: jsonOption,
  },
  examples: [
    { command: 'analyze responses runs/resnet20-seed1', help: 'Layer by layer' },
    {
      command: 'analyze responses runs/plain56-seed1 runs/resnet56-seed1 --svg responses.svg',
      help: 'Plain against residual, as in the figure',
    },
    { command: 'analyze responses resnet110.th --json', help: 'Published weights, for a program' },
  ],
  async run({ values, positionals }) {
    const [what, ...paths] = positionals;
    if (what !== 'responses') {
      throw usageError('analyze', `it can analyze responses, not "${what}"`);
    }
    const analyzed: Analyzed[] = [];
    for (const path of paths) {
      const { title, network, weights } = await openModel(path, { checkpoint: values.checkpoint });
      const responses = layerResponses(network, weights);
      analyzed.push({ title, arch: network.arch, responses });
    }
    if (values.svg !== undefined) await drawFigures(values.svg, analyzed);
    if (values.json) printJson(analyzed);
    else print(responsesText(analyzed));
    return 0;
  },
});

function responsesText(analyzed: readonly Analyzed[]): string {
  const longest = analyzed.reduce((a, b) => (b.responses.length > a.responses.length ? b : a));
  const rows = longest.responses.map(({ index }, i) => [
    String(index),
    ...analyzed.flatMap(({ responses }) => {
      const response = responses[i];
      return response ? [response.name, response.deviation.toFixed(4)] : ['', ''];
    }),
  ]);
  const means = analyzed.map(({ responses }) =>
    mean(responses.map(({ deviation }) => deviation)).toFixed(4),
  );
  return [
    'Standard deviation of the responses of each 3×3 layer, after batch normalisation and before',
    'the nonlinearity, from the running statistics',
    '',
    ...analyzed.map(({ title, arch }, i) => `${i + 1}: ${title} (${arch})`),
    '',
    alignColumns(
      [
        ['layer', ...analyzed.flatMap((_, i) => [`${i + 1}: convolution`, `${i + 1}: deviation`])],
        ...rows,
        ['mean', ...means.flatMap((value) => ['', value])],
      ],
      (column) => column > 0,
    ),
  ].join('\n');
}

async function drawFigures(path: string, analyzed: readonly Analyzed[]): Promise<void> {
  const lines = analyzed.map(({ title, arch, responses }, i) => ({
    label: analyzed.filter((other) => other.arch === arch).length > 1 ? title : arch,
    deviations: responses.map(({ deviation }) => deviation),
    color: COLORS[i % COLORS.length]!,
    dashed: arch.startsWith('plain'),
  }));
  const [inOrder, sorted] = responseCharts(lines, analyzed.map(({ title }) => title).join(', '));
  const name = path.replace(/\.svg$/i, '');
  await writeAtomically(nodeHost.files, `${name}.svg`, inOrder!.svg);
  await writeAtomically(nodeHost.files, `${name}-sorted.svg`, sorted!.svg);
}
