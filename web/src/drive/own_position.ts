export type Locating = 'off' | 'on' | 'denied';

/** The position of this device, if its owner allows it; sent to our own server only. */
export class OwnPosition {
  state: Locating = 'off';
  private watch = 0;

  constructor(
    private readonly send: (fix: { latitude_deg: number; longitude_deg: number }) => void,
    private readonly changed: () => void,
  ) {}

  get possible(): boolean {
    return 'geolocation' in navigator;
  }

  /** Go on where the owner has allowed it before, without asking again. */
  async resume(): Promise<void> {
    const permission = await navigator.permissions?.query({ name: 'geolocation' }).catch(() => null);
    if (permission?.state === 'granted') this.begin();
  }

  begin(): void {
    navigator.geolocation.clearWatch(this.watch);
    this.watch = navigator.geolocation.watchPosition(
      ({ coords }) => {
        this.put('on');
        this.send({ latitude_deg: coords.latitude, longitude_deg: coords.longitude });
      },
      (error) => this.put(error.code === error.PERMISSION_DENIED ? 'denied' : this.state),
      { enableHighAccuracy: true, maximumAge: 1000 },
    );
  }

  private put(state: Locating): void {
    if (state === this.state) return;
    this.state = state;
    this.changed();
  }
}
