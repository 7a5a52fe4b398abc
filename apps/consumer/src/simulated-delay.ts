/**
 * The slow I/O that every save stands for: a wait evenly drawn between two bounds. It holds a place in flight and nothing
 * else, as a call to a slow bank would.
 */
export class SimulatedDelay {
  constructor(
    private readonly bounds: { readonly minimum: number; readonly maximum: number },
    private readonly random: () => number,
  ) {}

  async wait(): Promise<void> {
    const { minimum, maximum } = this.bounds;
    if (maximum === 0) return;
    const milliseconds = minimum + this.random() * (maximum - minimum);
    await new Promise<void>((resolve) => void setTimeout(resolve, milliseconds));
  }
}
