import { get, post } from '../live/api';
import { byId, el } from '../markup';
import { refusal, t } from '../words';

/** Resolves once the browser has an operator's session; asks for the password where it has none. */
export async function operatorSession(): Promise<void> {
  const session = await get<{ authenticated: boolean }>('/api/session');
  if (!session.authenticated) await askPassword();
}

let asking: Promise<void> | null = null;

function askPassword(): Promise<void> {
  asking ??= askedPassword().finally(() => (asking = null));
  return asking;
}

function askedPassword(): Promise<void> {
  const gate = byId('gate');
  return new Promise((resolve) => {
    const password = el('input', { type: 'password', name: 'password', required: true, autocomplete: 'current-password' });
    const trouble = el('p', { class: 'trouble', role: 'alert', hidden: true });
    const submit = async (event: Event): Promise<void> => {
      event.preventDefault();
      try {
        await post('/api/login', { password: password.value });
        gate.hidden = true;
        gate.replaceChildren();
        resolve();
      } catch (error) {
        trouble.hidden = false;
        trouble.textContent = refusal(error, 'login');
        password.select();
      }
    };
    gate.replaceChildren(
      el(
        'form',
        { onsubmit: (event: Event) => void submit(event) },
        el('h1', {}, 'trassa'),
        el('p', {}, t('login.title')),
        el('input', { type: 'text', name: 'user', value: 'operator', autocomplete: 'username', hidden: true }),
        el('label', {}, t('login.password'), password),
        trouble,
        el('button', { class: 'main', type: 'submit' }, t('login.enter')),
        el('p', { class: 'hint' }, t('login.hint')),
      ),
    );
    gate.hidden = false;
    password.focus();
  });
}
