// How the reader can call this program: in a clone, and wherever npx started it, through npx.

export function commandName(environment: NodeJS.ProcessEnv = process.env): string {
  return environment.npm_command === undefined ? 'table6' : 'npx table6';
}
