// Jest's global tear-down of the `real` project.
export default async function stopSharedServers() {
  await globalThis.stopSharedServers();
}
