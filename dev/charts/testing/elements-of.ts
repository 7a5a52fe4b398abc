/** Returns the element names of a well-formed XML text. @throws Error if it is not well-formed */
export function parseElementNames(xml: string): string[] {
  const open: string[] = [];
  const names: string[] = [];
  const rest = xml.replace(
    /<(\/?)([a-z]+)((?: [\w:-]+="[^"<&]*")*)(\/?)>/g,
    (tag: string, closes: string, name: string, _attributes: string, isEmpty: string) => {
      if (closes === '') names.push(name);
      else if (open.pop() !== name) throw new Error(`${tag} closes another element`);
      if (closes === '' && isEmpty === '') open.push(name);
      return '';
    },
  );
  if (open.length > 0) throw new Error(`unclosed elements: ${open.join(', ')}`);
  if (/[<>&]/.test(rest.replace(/&(amp|lt|gt|quot);/g, ''))) throw new Error(`unescaped <, > or & in: ${rest}`);
  return names;
}
