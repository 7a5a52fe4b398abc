import type { Command } from 'commander';
import type { CommandContext, RunCommand } from '../command-context.js';
import { EXIT_CODE, type ExitCode } from '../exit-code.js';
import { pagesOf } from '../producer/pages.js';
import type { ImportFile, ImportReject } from '#api/producer.js';
import { JsonList } from '../terminal/json-list.js';
import { printable } from '../terminal/printable.js';
import { operationId } from './option-values.js';

/** `rejects ID`: lists the rejected files and rows of an import, with the reasons: first files, then rows. */
export function addRejectsCommand(program: Command, run: RunCommand): void {
  program
    .command('rejects')
    .description('list the rejected files and rows of an import, with the reasons')
    .argument('<id>', 'id of the import', operationId)
    .option('--json', 'print them as a JSON array, with full texts')
    .action(async (id: string, { json }: { json?: true }, command: Command) =>
      run(command, async (context) => listRejects(context, id, json)),
    );
}

/** Lists page by page. It prints no table, because the column widths would require all rejects, possibly millions, at once. */
async function listRejects({ client, terminal }: CommandContext, id: string, json?: true): Promise<ExitCode> {
  const list = new JsonList(terminal.out);
  let listed = 0;
  for await (const page of pagesOf<ImportFile>(client, `/v1/imports/${id}/files`)) {
    for (const { name, reason } of page.filter(({ state }) => state === 'refused')) {
      listed += 1;
      if (json) list.add({ fileName: name, row: null, ...reason });
      else terminal.out.write(`${printable(`${name} ${reason?.code}: ${reason?.detail}`)}\n`);
    }
  }
  for await (const page of pagesOf<ImportReject>(client, `/v1/imports/${id}/rejects`)) {
    listed += page.length;
    for (const reject of page) {
      if (json) list.add(reject);
      else terminal.out.write(`${lineOf(reject)}\n`);
    }
  }
  if (json) list.end();
  else if (listed === 0) terminal.err.write('No files or rows were rejected.\n');
  return EXIT_CODE.ok;
}

const TEXT_SHOWN = 120;

/** Formats a reject such as `orders-7.json row 12 (byte 1834) bad-amount: must be a decimal: {"amount":…`. */
function lineOf({ fileName, row, byteOffset, code, detail, text }: ImportReject): string {
  const where = `${fileName} row ${row} (byte ${byteOffset})`;
  const shown = text.length > TEXT_SHOWN ? `${text.slice(0, TEXT_SHOWN).toWellFormed()}…` : text;
  return printable(`${where} ${code}: ${detail}${shown === '' ? '' : `: ${shown}`}`);
}
