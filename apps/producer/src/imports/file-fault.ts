import type { FileReason } from '#orders/imports/import-manifest.js';
import type { FileFault } from './row-splitter.js';

type WholeFault = Exclude<FileFault, { rest: unknown }>['code'];
type RestFault = Extract<FileFault, { rest: unknown }>['code'];

const WHOLE: Record<WholeFault, string> = {
  empty: 'it is empty; an empty chunk must be []',
  'byte-order-mark': 'it begins with a byte-order mark; save it as UTF-8 without one',
  'not-json': 'it is not JSON; it must be an array of orders, [{"id": "…", "number": 1}]',
  'not-an-array': 'it does not begin with "["; it must be an array of orders, [{"id": "…", "number": 1}]',
};

const REST: Record<RestFault, string> = {
  'broken-off': 'the file is truncated inside the array; the rows before this point were read',
  'trailing-text': 'there is text after the end of the array; it was not read, the rows before it were',
};

/** Returns why a whole file is rejected. */
export function fileReason(code: WholeFault): FileReason {
  return { code, detail: WHOLE[code] };
}

/** Returns why the rest of a file is rejected. */
export function restReason(code: RestFault): string {
  return REST[code];
}
