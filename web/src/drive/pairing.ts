import { post } from '../live/api';
import { refusal } from '../words';

/** Use up the one-time code of the link, if the page was opened by one, and take it out of the address. */
export async function pair(): Promise<string> {
  const address = new URL(location.href);
  const code = address.searchParams.get('pair');
  if (code === null) return '';
  address.searchParams.delete('pair');
  history.replaceState(null, '', address);
  try {
    await post('/api/drive/pair', { code });
    return '';
  } catch (error) {
    return refusal(error, 'pair');
  }
}
