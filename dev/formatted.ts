import { format } from 'oxfmt';
import style from '../.oxfmtrc.json' with { type: 'json' };

/**
 * Returns a generated file's text in the format that `npm run check:format` requires.
 * @throws Error with the first syntax error of the text
 */
export async function formatted(file: string, text: string): Promise<string> {
  const { code, errors } = await format(file, text, style);
  if (errors[0] !== undefined) throw new Error(`${file}: ${errors[0].message}`);
  return code;
}
