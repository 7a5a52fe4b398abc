import type { FreshProject } from './fresh-project.js';

/**
 * Runs the commands of a README's shell block in a folder, one after another. Skips `npm ci`: without it, this code could not run.
 * @param temporary a folder that stands in for the README's `/tmp`
 */
export async function runCommands(code: string, project: FreshProject, temporary: string): Promise<void> {
  const commands = code.trim().replaceAll('/tmp', temporary).split('\n');
  for (const command of commands) if (command !== 'npm ci') await project.shell(command);
}
