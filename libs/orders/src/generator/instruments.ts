import type { Money } from '../order/money.js';

/** An instrument of the generated orders. The symbols are invented, so that no price can be mistaken for a real quote. */
export interface Instrument {
  readonly symbol: string;
  readonly currency: string;
  /** The middle of the price range that is drawn from. */
  readonly basePrice: Money;
}

/** The generator's golden values depend on this list: append to it only with a new generator version. */
export const INSTRUMENTS: readonly Instrument[] = [
  { symbol: 'ACME', currency: 'USD', basePrice: 1_873_500n },
  { symbol: 'BOLT', currency: 'USD', basePrice: 427_300n },
  { symbol: 'CRUX', currency: 'USD', basePrice: 98_450n },
  { symbol: 'DYNE', currency: 'USD', basePrice: 5_120_000n },
  { symbol: 'EVEN', currency: 'EUR', basePrice: 764_200n },
  { symbol: 'FLUX', currency: 'EUR', basePrice: 231_000n },
  { symbol: 'GALE', currency: 'EUR', basePrice: 1_402_500n },
  { symbol: 'HALO', currency: 'GBP', basePrice: 318_700n },
  { symbol: 'IRIS', currency: 'GBP', basePrice: 88_900n },
  { symbol: 'JADE', currency: 'CHF', basePrice: 2_945_000n },
  { symbol: 'KITE', currency: 'CHF', basePrice: 612_800n },
  { symbol: 'LUMA', currency: 'JPY', basePrice: 32_450_000n },
  { symbol: 'MESA', currency: 'JPY', basePrice: 8_760_000n },
  { symbol: 'NOVA', currency: 'CAD', basePrice: 543_600n },
  { symbol: 'ONYX', currency: 'AUD', basePrice: 276_100n },
  { symbol: 'PIKE', currency: 'SEK', basePrice: 1_187_000n },
];
