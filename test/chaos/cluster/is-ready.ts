const PATIENCE_MS = 3_000;

/** Whether a service says that it can do its work. */
export async function isReady(url: string): Promise<boolean> {
  try {
    const response = await fetch(`${url}/health/ready`, { signal: AbortSignal.timeout(PATIENCE_MS) });
    await response.arrayBuffer();
    return response.ok;
  } catch {
    // It is starting, or hangs, or is gone: not ready, whatever it is.
    return false;
  }
}
