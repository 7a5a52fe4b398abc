import type { CommandContext } from '../command-context.js';
import type { DeadLetterGroups } from '#api/producer.js';
import { printable } from '../terminal/printable.js';

/**
 * Names the error codes of the dead letters, on standard error, if none has the given one: it may be misspelt. Handlers have codes of their
 * own, so that no list of all codes exists.
 * @param errorCode `undefined`: writes nothing
 */
export async function nameExistingCodes(
  { client, terminal }: CommandContext,
  errorCode: string | undefined,
): Promise<void> {
  if (errorCode === undefined) return;
  const { items } = await client.request<DeadLetterGroups>({ method: 'GET', path: '/v1/dead-letters' });
  const codes = items.map((group) => group.errorCode);
  if (codes.length === 0 || codes.includes(errorCode)) return;
  terminal.err.write(
    `No dead letter has the error code ${printable(errorCode)}. There are: ${printable(codes.join(', '))}.\n`,
  );
}
