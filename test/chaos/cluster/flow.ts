import type { Socket } from 'node:net';
import type { LinkState } from './link-state.js';

/** Bytes, the end of what is sent, or the end of the socket. */
type Piece = { readonly dueAt: number } & (
  { readonly kind: 'bytes'; readonly bytes: Buffer } | { readonly kind: 'end' | 'close' }
);

export interface FlowOptions {
  /** Of its link, now. */
  readonly state: () => LinkState;
  /** Of a flow of answers: called instead of passing one on while the link is `unanswered`. */
  readonly onAnswer?: () => void;
  /** Called of each piece that comes while the link is slow or silent. */
  readonly onHeld?: () => void;
}

/** Pieces that are held before the sender is made to wait. */
const MOST_HELD = 1_000;

/** One direction of a connection: what one socket gives goes to the other, in its order, at the link's pace. */
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

  /** Passes on what may pass now. To be called when the link's state has changed. */
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
    // A piece that comes after the link was slow must not overtake those that came while it was.
    this.lastDue = Math.max(this.lastDue, performance.now() + delayMs);
    this.held.push({ ...piece, dueAt: this.lastDue });
    if (this.held.length > MOST_HELD) this.from.pause();
    this.pump();
  }

  /** @returns whether the other side takes more now */
  private pass(piece: Piece): boolean {
    if (this.to.destroyed) return true;
    switch (piece.kind) {
      case 'bytes':
        if (this.options.onAnswer !== undefined && this.options.state().kind === 'unanswered') {
          this.options.onAnswer();
          return false;
        }
        return this.to.write(piece.bytes);
      case 'end':
        this.to.end();
        return true;
      case 'close':
        // Of a socket that was reset there is no end before.
        this.to.destroySoon();
        return true;
    }
  }
}
