import { createRequire } from 'node:module';
import { Resvg } from '@resvg/resvg-js';

/** Bundled, since a machine may have no font or another one: the same chart must be the same image everywhere. */
const FONT = 'Inter';
const require = createRequire(import.meta.url);
const FONT_FILES = [
  require.resolve('@expo-google-fonts/inter/400Regular/Inter_400Regular.ttf'),
  require.resolve('@expo-google-fonts/inter/600SemiBold/Inter_600SemiBold.ttf'),
];
/** Pixels per SVG pixel, for high-resolution screens. */
const SCALE = 2;

/** Renders an SVG as PNG, at twice its size. */
export function renderPng(svg: string): Buffer {
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
