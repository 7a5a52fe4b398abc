import { z } from 'zod';
import type { DockerCli } from './docker-cli.js';
import type { StackFile } from './stack-file.js';

const ServiceSchema = z.object({
  Spec: z.object({ TaskTemplate: z.unknown() }),
  PreviousSpec: z.object({ TaskTemplate: z.unknown() }).optional(),
});

/** Removes secrets and configs of former contents. Those that a rollback would need stay until the next time. */
export async function removeUnused(docker: DockerCli, stack: string, { files }: StackFile): Promise<void> {
  const label = `label=com.docker.stack.namespace=${stack}`;
  const names = await docker.list(['service', 'ls', '--quiet', '--filter', label]);
  const services = (await docker.inspect('service', names)).map((service) => ServiceSchema.parse(service));
  const used = JSON.stringify(services);
  const present = new Set(files.map(({ name }) => name));
  for (const kind of ['secret', 'config'] as const) {
    const existing = await docker.list([kind, 'ls', '--filter', label, '--format', '{{.Name}}']);
    const unused = existing.filter((name) => !present.has(name) && !used.includes(JSON.stringify(name)));
    if (unused.length > 0) await docker.run([kind, 'rm', ...unused]);
  }
}
