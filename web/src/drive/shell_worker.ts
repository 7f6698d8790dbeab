/// <reference lib="webworker" />
export {};

declare const self: ServiceWorkerGlobalScope;

/** Filled in by the build: a version and the files of the on-board page's shell. Live data are never cached. */
const SHELL = JSON.parse('__SHELL_FILES__') as { version: string; files: string[] };
const CACHE = `trassa-shell-${SHELL.version}`;

self.addEventListener('install', (event) => {
  event.waitUntil(
    caches
      .open(CACHE)
      .then((cache) => cache.addAll(SHELL.files))
      .then(() => self.skipWaiting()),
  );
});

self.addEventListener('activate', (event) => {
  const sweep = async (): Promise<void> => {
    const old = (await caches.keys()).filter((name) => name.startsWith('trassa-shell-') && name !== CACHE);
    await Promise.all(old.map((name) => caches.delete(name)));
    await self.clients.claim();
  };
  event.waitUntil(sweep());
});

self.addEventListener('fetch', (event) => {
  const url = new URL(event.request.url);
  if (event.request.method !== 'GET' || url.origin !== self.location.origin || !SHELL.files.includes(url.pathname)) return;
  event.respondWith(fromNetworkFirst(event.request, url.pathname));
});

/** The page itself comes from the network while there is one; files with a hash in their name come from the cache. */
async function fromNetworkFirst(request: Request, path: string): Promise<Response> {
  const cache = await caches.open(CACHE);
  const kept = await cache.match(path);
  if (kept && path.startsWith('/assets/')) return kept;
  try {
    return await fetch(request);
  } catch (error) {
    if (kept) return kept;
    throw error;
  }
}
