import { describe, expect, it } from '@jest/globals';
import { renderPng } from './png.js';
import { svgDocument, text } from './svg-elements.js';

function picture(...elements: string[]): Buffer {
  return renderPng(svgDocument({ width: 120, height: 40, title: '', subtitle: '' }, elements));
}

describe('a PNG', () => {
  it('is a valid image of twice the size of the SVG', () => {
    const png = picture();
    expect(png.subarray(1, 4).toString()).toBe('PNG');
    expect([png.readUInt32BE(16), png.readUInt32BE(20)]).toEqual([240, 80]);
  });

  it('contains its texts even on a machine without fonts', () => {
    const pictures = [picture(), picture(text(5, 20, 'one')), picture(text(5, 20, 'two'))];
    const bold = picture(text(5, 20, 'two', 'font-weight="600"'));
    expect(new Set([...pictures, bold].map((png) => png.toString('base64'))).size).toBe(4);
  });
});
