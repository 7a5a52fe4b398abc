const TIMEOUT_MS = 3_000;

/** Whether a service reports that it is ready. */
export async function isReady(url: string): Promise<boolean> {
  try {
    const response = await fetch(`${url}/health/ready`, { signal: AbortSignal.timeout(TIMEOUT_MS) });
    await response.arrayBuffer();
    return response.ok;
  } catch {
    // The service is starting, hangs or has ended.
    return false;
  }
}
