/** An answer of the API that says no: what is wrong and what to do next. */
export class Refused extends Error {
  constructor(
    readonly status: number,
    message: string,
    readonly next: string,
  ) {
    super(message);
  }
}

async function answer<T>(path: string, request: RequestInit): Promise<T> {
  const response = await fetch(path, { credentials: 'same-origin', ...request });
  const said: unknown = await response.json().catch(() => ({}));
  if (response.ok) return said as T;
  const { error = response.statusText, next = '' } = said as { error?: string; next?: string };
  throw new Refused(response.status, error, next);
}

/** `GET` a JSON answer of our own server. */
export function get<T>(path: string): Promise<T> {
  return answer<T>(path, {});
}

/** `POST` a JSON body to our own server. */
export function post<T>(path: string, body: unknown = {}): Promise<T> {
  const headers = { 'content-type': 'application/json' };
  return answer<T>(path, { method: 'POST', headers, body: JSON.stringify(body) });
}
