import { Readable } from 'node:stream';
import { ZipFile } from 'yazl';

/**
 * Streams a zip archive. Each file is generated only after the previous one has been read, so at most one file is in memory.
 * @param files the contents of the files
 * @param nameOf returns the name of the nth file, from 1
 */
export function zipOf(files: AsyncGenerator<string>, nameOf: (n: number) => string): Readable {
  const zip = new ZipFile();
  const output = zip.outputStream as Readable;
  let added = 0;
  const addNext = async (): Promise<void> => {
    const { done, value } = await files.next();
    if (done) return zip.end();
    added += 1;
    const file = Readable.from([Buffer.from(value)]);
    file.once('end', () => void addNext().catch((error: Error) => output.destroy(error)));
    zip.addReadStream(file, nameOf(added));
  };
  output.once('close', () => void files.return(undefined));
  addNext().catch((error: Error) => output.destroy(error));
  return output;
}
