// Shell completion as the text of a script, made from the command table: commands, options and the words
// that an option takes. Everything else completes to file names. A script is static: pressing Tab starts
// no process.

import type { CommandEntry } from './command.ts';
import { optionHelp } from './help.ts';
import { flagName, type Option } from './options.ts';

export const SHELLS = ['bash', 'zsh', 'fish'] as const;
export type Shell = (typeof SHELLS)[number];

/** A command as a shell needs it. */
interface Completed {
  readonly name: string;
  readonly summary: string;
  readonly flags: readonly Flag[];
  /** What its first argument may be, where that is known: networks, shells. */
  readonly words: readonly string[];
}

interface Flag {
  /** `--lr` and its other spellings, `-b`. */
  readonly spellings: readonly string[];
  readonly help: string;
  /** Undefined for a switch; empty where any text may follow. */
  readonly values: readonly string[] | undefined;
}

/** @param archs networks that the arguments called ARCH are completed to */
export async function completionScript(
  shell: Shell,
  commands: readonly CommandEntry[],
  archs: readonly string[],
): Promise<string> {
  const completed = await Promise.all(
    commands.map(async ({ name, summary, load }): Promise<Completed> => {
      const command = await load();
      const [argument] = command.arguments;
      const flags = Object.entries<Option<unknown>>(command.options).map(([key, option]) =>
        flagOf(key, option),
      );
      const help = { spellings: ['--help', '-h'], help: 'Show the options', values: undefined };
      const words = argument?.name === 'ARCH' ? archs : choices(argument?.choices);
      return { name, summary, flags: [...flags, help], words };
    }),
  );
  return { bash, zsh, fish }[shell](completed);
}

function choices(words: readonly string[] | undefined): readonly string[] {
  return words ?? [];
}

function flagOf(key: string, option: Option<unknown>): Flag {
  const long = [flagName(key, option), ...(option.aliases ?? [])].map((name) => `--${name}`);
  const spellings = option.short === undefined ? long : [...long, `-${option.short}`];
  const listed = /^<([\w.-]+(?:\|[\w.-]+)+)/.exec(option.placeholder ?? '');
  const values = option.placeholder === undefined ? undefined : (listed?.[1]?.split('|') ?? []);
  return { spellings, help: optionHelp(option), values };
}

/** `slurm` and its second words; `train` without any. */
function firstWords(commands: readonly Completed[]): Map<string, Completed[]> {
  return Map.groupBy(commands, ({ name }) => name.split(' ')[0] ?? name);
}

function isGroup(members: readonly Completed[]): boolean {
  return members.some(({ name }) => name.includes(' '));
}

/** As one word of a shell. */
function quoted(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}

/** Lines of a `case`, for what is to be offered behind an option. */
function valueCases(commands: readonly Completed[], offer: (words: string) => string): string[] {
  return commands.flatMap(({ name, flags }) =>
    flags.flatMap(({ spellings, values }) => {
      if (values === undefined) return [];
      const patterns = spellings.map((spelling) => `"${name} ${spelling}"`).join('|');
      return [`    ${patterns}) ${values.length > 0 ? offer(values.join(' ')) : 'return 1'} ;;`];
    }),
  );
}

/** What both shells of one family have in common: which command is typed, in `$command`. */
function bash(commands: readonly Completed[]): string {
  const first = firstWords(commands);
  const groups = [...first].filter(([, members]) => isGroup(members));
  return `# Completion of table6 for bash: source <(table6 completion bash)
_table6_words() {
  case "$1" in
${commands.map(({ name, flags }) => `    "${name}") echo ${quoted(flags.flatMap(({ spellings }) => spellings.filter((word) => word.startsWith('--'))).join(' '))} ;;`).join('\n')}
  esac
}
_table6_values() {
  case "$1 $2" in
${valueCases(commands, (words) => `echo ${quoted(words)}`).join('\n')}
    *) return 2 ;;
  esac
}
_table6() {
  local cur=\${COMP_WORDS[COMP_CWORD]} prev=\${COMP_WORDS[COMP_CWORD-1]} words status
  # Bash cuts --log=plain into three words.
  if [[ $cur == = ]]; then cur=
  elif [[ $prev == = ]]; then prev=\${COMP_WORDS[COMP_CWORD-2]}
  fi
  local command=\${COMP_WORDS[1]}
  COMPREPLY=()
  if (( COMP_CWORD == 1 )); then
    words=${quoted([...first.keys()].join(' '))}
  else
    case "$command" in
${groups.map(([name, members]) => `      ${name}) if (( COMP_CWORD == 2 )); then words=${quoted(members.map((each) => each.name.slice(name.length + 1)).join(' '))}; else command="${name} \${COMP_WORDS[2]}"; fi ;;`).join('\n')}
    esac
    if [[ -z $words ]]; then
      words=$(_table6_values "$command" "$prev"); status=$?
      (( status == 1 )) && return
      if (( status == 2 )); then
        if [[ $cur == -* ]]; then words=$(_table6_words "$command")
        else case "$command" in
${commands
  .filter(({ words }) => words.length > 0)
  .map(({ name, words }) => `          "${name}") words=${quoted(words.join(' '))} ;;`)
  .join('\n')}
        esac; fi
      fi
    fi
  fi
  COMPREPLY=($(compgen -W "$words" -- "$cur"))
}
complete -o default -F _table6 table6
`;
}

function zsh(commands: readonly Completed[]): string {
  const first = firstWords(commands);
  const described = (word: string, help: string) =>
    quoted(`${word.replaceAll(':', '\\:')}:${help}`);
  const groups = [...first].filter(([, members]) => isGroup(members));
  const top = [...first].map(([name, members]) =>
    described(
      name,
      isGroup(members) ? members.map((each) => each.name).join(', ') : members[0]!.summary,
    ),
  );
  return `#compdef table6
# Completion of table6 for zsh: source <(table6 completion zsh), after compinit
_table6() {
  local -a offered
  local command=$words[2] prev=$words[CURRENT-1]
  if (( CURRENT == 2 )); then
    offered=(${top.join(' ')})
    _describe command offered
    return
  fi
  case $command in
${groups
  .map(
    ([name, members]) => `    ${name})
      if (( CURRENT == 3 )); then
        offered=(${members.map((each) => described(each.name.slice(name.length + 1), each.summary)).join(' ')})
        _describe command offered
        return
      fi
      command="${name} $words[3]" ;;`,
  )
  .join('\n')}
  esac
  # --log=plain is one word here.
  if [[ $PREFIX == --*=* ]]; then
    prev=\${PREFIX%%=*}
    compset -P '*='
  fi
  case "$command $prev" in
${valueCases(commands, (words) => `compadd -- ${words}; return`)
  .map((line) => line.replace('return 1', '_files; return'))
  .join('\n')}
  esac
  if [[ $PREFIX == -* ]]; then
    case $command in
${commands
  .map(
    ({ name, flags }) =>
      `      "${name}") offered=(${flags.flatMap(({ spellings, help }) => spellings.map((word) => described(word, help))).join(' ')}) ;;`,
  )
  .join('\n')}
    esac
    _describe -o option offered
    return
  fi
  case $command in
${commands
  .filter(({ words }) => words.length > 0)
  .map(({ name, words }) => `    "${name}") compadd -- ${words.join(' ')} ;;`)
  .join('\n')}
  esac
  _files
}
compdef _table6 table6
`;
}

function fish(commands: readonly Completed[]): string {
  const first = firstWords(commands);
  const lines = [...first].map(([name, members]) => {
    const about = isGroup(members)
      ? members.map((each) => each.name).join(', ')
      : members[0]!.summary;
    return `complete -c table6 -n __fish_use_subcommand -f -a ${name} -d ${quotedFish(about)}`;
  });
  for (const { name, summary, flags, words } of commands) {
    const [one = '', two] = name.split(' ');
    const seen = `__fish_seen_subcommand_from ${one}`;
    const condition = two === undefined ? seen : `${seen}; and __fish_seen_subcommand_from ${two}`;
    if (two !== undefined) {
      const siblings = first.get(one)!.map((each) => each.name.slice(one.length + 1));
      const before = `${seen}; and not __fish_seen_subcommand_from ${siblings.join(' ')}`;
      lines.push(
        `complete -c table6 -n ${quotedFish(before)} -f -a ${two} -d ${quotedFish(summary)}`,
      );
    }
    const start = `complete -c table6 -n ${quotedFish(condition)}`;
    if (words.length > 0) lines.push(`${start} -a ${quotedFish(words.join(' '))}`);
    for (const { spellings, help, values } of flags) {
      const names = spellings.map((word) =>
        word.startsWith('--') ? `-l ${word.slice(2)}` : `-s ${word.slice(1)}`,
      );
      const listed = values && values.length > 0 ? ` -x -a ${quotedFish(values.join(' '))}` : '';
      const taken = values === undefined ? '' : listed || ' -r';
      lines.push(`${start} ${names.join(' ')}${taken} -d ${quotedFish(help)}`);
    }
  }
  return `# Completion of table6 for fish: table6 completion fish | source\n${lines.join('\n')}\n`;
}

/** Inside single quotes fish knows two escapes. */
function quotedFish(text: string): string {
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
}
