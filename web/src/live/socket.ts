const FIRST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 8000;
const NO_SESSION = 4401;

export interface Listeners {
  text?: (said: unknown) => void;
  binary?: (buffer: ArrayBuffer) => void;
  /** Told whenever the connection comes or goes. */
  connected: (there: boolean) => void;
  /** The server wants a session first; the socket stays closed until `open` is called again. */
  refused: () => void;
  /** The server has not let the socket open. A browser does not tell why; the socket keeps trying. */
  shut?: () => void;
}

/** A WebSocket to our own server that comes back by itself, a little later at every failure. */
export class LiveSocket {
  private socket: WebSocket | undefined;
  private wait_ms = FIRST_WAIT_MS;
  private timer = 0;

  constructor(
    private readonly path: string,
    private readonly listeners: Listeners,
  ) {}

  open(): void {
    window.clearTimeout(this.timer);
    const scheme = location.protocol === 'https:' ? 'wss' : 'ws';
    const socket = new WebSocket(`${scheme}://${location.host}${this.path}`);
    socket.binaryType = 'arraybuffer';
    let opened = false;
    socket.onopen = () => {
      opened = true;
      this.wait_ms = FIRST_WAIT_MS;
      this.listeners.connected(true);
    };
    socket.onmessage = (message: MessageEvent<string | ArrayBuffer>) => this.hear(message.data);
    socket.onclose = (closed) => this.lost(closed.code, opened);
    this.socket = socket;
  }

  send(body: unknown): void {
    if (this.socket?.readyState === WebSocket.OPEN) this.socket.send(JSON.stringify(body));
  }

  private hear(data: string | ArrayBuffer): void {
    if (typeof data !== 'string') {
      this.listeners.binary?.(data);
      return;
    }
    this.listeners.text?.(JSON.parse(data));
  }

  private lost(code: number, opened: boolean): void {
    this.listeners.connected(false);
    if (code === NO_SESSION) {
      this.listeners.refused();
      return;
    }
    if (!opened) this.listeners.shut?.();
    this.timer = window.setTimeout(() => this.open(), this.wait_ms);
    this.wait_ms = Math.min(this.wait_ms * 2, LONGEST_WAIT_MS);
  }
}
