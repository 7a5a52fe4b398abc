// Jest's global tear-down of the projects `real` and `faults`.
export default async function stopSharedServers() {
  await globalThis.stopSharedServers();
}
