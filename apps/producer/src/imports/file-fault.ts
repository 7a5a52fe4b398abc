import type { FileReason } from '#orders/import-manifest.js';
import type { FileFault } from './row-splitter.js';

type WholeFault = Exclude<FileFault, { rest: unknown }>['code'];
type RestFault = Extract<FileFault, { rest: unknown }>['code'];

const WHOLE: Record<WholeFault, string> = {
  empty: 'it has nothing in it; an empty chunk is []',
  'byte-order-mark': 'it begins with a byte-order mark; save it as UTF-8 without one',
  'not-json': 'it is no JSON; it must be an array of orders, [{"id": "…", "number": 1}]',
  'not-an-array': 'it does not begin with "["; it must be an array of orders, [{"id": "…", "number": 1}]',
};

const REST: Record<RestFault, string> = {
  'broken-off': 'the array breaks off here: the rows before are taken, what was to follow is not in the file',
  'trailing-text': 'something stands behind the end of the array: the rows before are taken, nothing from here on is',
};

/** Why a file as a whole is refused. */
export function fileReason(code: WholeFault): FileReason {
  return { code, detail: WHOLE[code] };
}

/** Why the rest of a file is set aside. */
export function restReason(code: RestFault): string {
  return REST[code];
}
