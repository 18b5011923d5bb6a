// Makes the page cross-origin isolated, which threads need (they share memory). A server that sends the
// two headers has done it already. On hosts where headers cannot be set, a service worker adds them to
// what it passes on, from the next load of the page on; so the page is loaded once more, at most once
// in a tab's session, and never under a reader who has begun to do something.

const RELOADED = 'table6-reloaded-for-isolation';

/** @returns whether the page is isolated now; while it is being reloaded the answer does not matter */
export async function isolate(): Promise<boolean> {
  if (crossOriginIsolated) return true;
  if (!isSecureContext || !('serviceWorker' in navigator) || import.meta.env.DEV) return false;
  let touched = false;
  const touch = () => {
    touched = true;
  };
  addEventListener('pointerdown', touch, { once: true });
  addEventListener('keydown', touch, { once: true });
  try {
    const script = new URL('isolation-worker.js', document.baseURI);
    await navigator.serviceWorker.register(script);
    await navigator.serviceWorker.ready;
    if (touched || sessionStorage.getItem(RELOADED) !== null) return false;
    sessionStorage.setItem(RELOADED, '1');
    location.reload();
  } catch {
    // No service worker, or a browser that stores nothing: one thread computes the same, slower.
  }
  return false;
}
