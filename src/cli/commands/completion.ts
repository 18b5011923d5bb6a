// `table6 completion`: a script that lets a shell complete commands, options and their words.

import { TABLE6_DEPTHS } from '../../nn/network.ts';
import { type CommandEntry, defineCommand } from '../command.ts';
import { completionScript, SHELLS } from '../completion.ts';
import { print, printJson } from '../console/print.ts';
import { usageError } from '../options.ts';
import { jsonOption } from '../session/common-options.ts';

/** Plain nets as deep as the paper's Figure 6 has them. */
const PLAIN_DEPTHS = [20, 32, 44, 56];

/** @param commands what is to be completed, this one included */
export function completionOf(commands: readonly CommandEntry[]) {
  return defineCommand({
    description:
      'Prints the script. Put the line of your shell below into its startup file (~/.bashrc, ~/.zshrc, ~/.config/fish/config.fish). It completes the command table6, so table6 has to be on the path: npm link in a clone, or an alias.',
    arguments: [{ name: 'SHELL', help: SHELLS.join(', '), required: true, choices: SHELLS }],
    options: { json: jsonOption },
    examples: [
      { command: 'completion bash', help: 'In ~/.bashrc: source <(table6 completion bash)' },
      { command: 'completion zsh', help: 'In ~/.zshrc: source <(table6 completion zsh)' },
      { command: 'completion fish', help: 'In config.fish: table6 completion fish | source' },
    ],
    async run({ values, positionals }) {
      const shell = SHELLS.find((each) => each === positionals[0]);
      if (shell === undefined) {
        throw usageError(
          'completion',
          `there is completion for ${SHELLS.join(', ')}, not for "${positionals[0]}"`,
        );
      }
      const archs = [
        ...TABLE6_DEPTHS.map((depth) => `resnet${depth}`),
        ...PLAIN_DEPTHS.map((depth) => `plain${depth}`),
      ];
      const script = await completionScript(shell, commands, archs);
      if (values.json) printJson({ shell, script });
      else print(script.trimEnd());
      return 0;
    },
  });
}
