/** How people name a server: its host, and its port where that is not the usual one. */
export function hostOf(server: string): string {
  try {
    const host = new URL(server).host;
    return host === "" ? server : host;
  } catch {
    return server;
  }
}
