import type { Socket } from 'node:net';
import type { LinkState } from './link-state.js';

/** Bytes, the end of the stream, or the close of the socket. */
type Piece = { readonly dueAt: number } & (
  | { readonly kind: 'bytes'; readonly bytes: Buffer }
  | { readonly kind: 'end' | 'close' }
);

export interface FlowOptions {
  /** Returns the current state of the link. */
  readonly state: () => LinkState;
  /** For a flow of responses: called instead of forwarding one while the link is `unanswered`. */
  readonly onResponse?: () => void;
  /** For a flow of responses: called for each piece that is dropped while the link is `withheld`. */
  readonly onDropped?: () => void;
  /** Called for each piece that arrives while the link is slow or silent. */
  readonly onHeld?: () => void;
}

/** Number of held pieces at which the sender is paused. */
const MAX_HELD = 1_000;

/** One direction of a connection: forwards data from one socket to the other, in order, as the state of the link allows. */
export class Flow {
  private readonly held: Piece[] = [];
  private lastDue = 0;
  private timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly from: Socket,
    private readonly to: Socket,
    private readonly options: FlowOptions,
  ) {
    from.on('data', (bytes: Buffer) => this.take({ kind: 'bytes', bytes }));
    from.once('end', () => this.take({ kind: 'end' }));
    from.once('close', () => this.take({ kind: 'close' }));
    to.on('drain', () => this.pump());
  }

  /** Forwards the pieces that may pass now. The link calls it after a change of its state. */
  pump(): void {
    clearTimeout(this.timer);
    for (let [piece] = this.held; piece !== undefined; [piece] = this.held) {
      if (this.options.state().kind === 'silent') return;
      const waitMs = piece.dueAt - performance.now();
      if (waitMs > 0) {
        this.timer = setTimeout(() => this.pump(), waitMs);
        return;
      }
      this.held.shift();
      if (!this.pass(piece)) return;
    }
    this.from.resume();
  }

  private take(piece: { kind: 'bytes'; bytes: Buffer } | { kind: 'end' | 'close' }): void {
    const state = this.options.state();
    const delayMs = state.kind === 'slow' ? state.delayMs : 0;
    if (state.kind === 'slow' || state.kind === 'silent') this.options.onHeld?.();
    // A piece that arrives after the link was slow must not overtake the delayed ones.
    this.lastDue = Math.max(this.lastDue, performance.now() + delayMs);
    this.held.push({ ...piece, dueAt: this.lastDue });
    if (this.held.length > MAX_HELD) this.from.pause();
    this.pump();
  }

  /** @returns whether the other side accepts more now */
  private pass(piece: Piece): boolean {
    if (this.to.destroyed) return true;
    switch (piece.kind) {
      case 'bytes':
        if (this.options.onResponse !== undefined && this.options.state().kind === 'unanswered') {
          this.options.onResponse();
          return false;
        }
        if (this.options.onDropped !== undefined && this.options.state().kind === 'withheld') {
          this.options.onDropped();
          return true;
        }
        return this.to.write(piece.bytes);
      case 'end':
        this.to.end();
        return true;
      case 'close':
        // A socket that was reset has no `end` event before its close.
        this.to.destroySoon();
        return true;
    }
  }
}
