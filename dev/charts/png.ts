import { createRequire } from 'node:module';
import { Resvg } from '@resvg/resvg-js';

/** Shipped with it, since a machine may have no font at all, and each another one: the same chart is the same picture everywhere. */
const FONT = 'Inter';
const require = createRequire(import.meta.url);
const FONT_FILES = [
  require.resolve('@expo-google-fonts/inter/400Regular/Inter_400Regular.ttf'),
  require.resolve('@expo-google-fonts/inter/600SemiBold/Inter_600SemiBold.ttf'),
];
/** Pixels for one of the SVG's, for screens that have so many. */
const SCALE = 2;

/** Draws an SVG as PNG, in twice its size. */
export function pngOf(svg: string): Buffer {
  const resvg = new Resvg(svg, {
    fitTo: { mode: 'zoom', value: SCALE },
    font: {
      loadSystemFonts: false,
      fontFiles: FONT_FILES,
      defaultFontFamily: FONT,
      sansSerifFamily: FONT,
    },
  });
  return resvg.render().asPng();
}
