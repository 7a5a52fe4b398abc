import { describe, expect, it } from '@jest/globals';
import { pngOf } from './png.js';
import { svgDocument, text } from './svg-elements.js';

function picture(...elements: string[]): Buffer {
  return pngOf(svgDocument({ width: 120, height: 40, title: '', subtitle: '' }, elements));
}

describe('a PNG', () => {
  it('is one, in twice the size of the SVG', () => {
    const png = picture();
    expect(png.subarray(1, 4).toString()).toBe('PNG');
    expect([png.readUInt32BE(16), png.readUInt32BE(20)]).toEqual([240, 80]);
  });

  it('has its texts, each as it is written, on a machine without any font too', () => {
    const pictures = [picture(), picture(text(5, 20, 'one')), picture(text(5, 20, 'two'))];
    const bold = picture(text(5, 20, 'two', 'font-weight="600"'));
    expect(new Set([...pictures, bold].map((png) => png.toString('base64'))).size).toBe(4);
  });
});
