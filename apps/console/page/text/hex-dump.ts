const WIDTH = 16;

/** Formats bytes as offset, hexadecimal and text, 16 bytes per line. */
export function hexDump(base64: string, maxBytes = 1_024): string {
  const bytes = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0)).subarray(0, maxBytes);
  const lines: string[] = [];
  for (let at = 0; at < bytes.length; at += WIDTH) {
    const row = [...bytes.subarray(at, at + WIDTH)];
    const hex = row.map((byte) => byte.toString(16).padStart(2, '0')).join(' ');
    const text = row.map((byte) => (byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : '.')).join('');
    lines.push(`${at.toString(16).padStart(4, '0')}  ${hex.padEnd(WIDTH * 3)} ${text}`);
  }
  return lines.join('\n');
}
