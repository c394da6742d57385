import assert from 'node:assert/strict';
import { Auth } from '@auth/core';
import { emulator } from './emulator.mjs';
import { party } from './party.mjs';
import { Visitor } from './visitor.mjs';

const feature = party('@auth/core');
const { issuer } = await emulator();
const origin = 'https://rp.example';

// application is an app that has Auth.js in it, and the cookies of a browser that
// uses it. seen are the account and the profile of the last sign-in.
function application(more = {}) {
  const cookies = new Map();
  const seen = {};
  const errors = [];
  const config = {
    secret: 'of the app', trustHost: true, basePath: '/auth',
    logger: { error: (error) => errors.push(error), warn() {}, debug() {} },
    providers: [{
      id: 'mockduktor', name: 'mockduktor', type: 'oidc', issuer, clientId: 'web', clientSecret: 'web secret+/%',
      authorization: { params: { scope: 'openid profile email groups' } }, checks: ['pkce', 'state', 'nonce'], ...more,
    }],
    callbacks: {
      jwt({ token, account, profile }) {
        if (account) Object.assign(seen, { account, profile });
        return token;
      },
    },
  };
  const go = async (address, init = {}) => {
    const cookie = [...cookies].map(([name, value]) => `${name}=${value}`).join('; ');
    const response = await Auth(new Request(new URL(address, origin), { ...init, headers: { ...init.headers, cookie } }), config);
    for (const set of response.headers.getSetCookie()) {
      const [, name, value] = set.match(/^([^=]+)=([^;]*)/);
      if (value) cookies.set(name, value);
      else cookies.delete(name);
    }
    return response;
  };
  const press = async (action) => {
    const { csrfToken } = await (await go('/auth/csrf')).json();
    return go(action, { method: 'POST', body: new URLSearchParams({ csrfToken, callbackUrl: `${origin}/home` }) });
  };
  return { go, press, seen, errors, session: async () => (await go('/auth/session')).json() };
}

async function signIn(app, visitor = new Visitor()) {
  const asked = (await app.press('/auth/signin/mockduktor')).headers.get('location');
  const back = await app.go(await visitor.signIn(asked, 'ada'));
  assert.equal(back.headers.get('location'), `${origin}/home`, app.errors.map((error) => error.cause?.err?.stack ?? error.stack).join('\n'));
  return new URL(asked);
}

const app = application();

feature('discovery', async () => {
  const asked = new URL((await app.press('/auth/signin/mockduktor')).headers.get('location'));
  assert.equal(asked.origin + asked.pathname, `${issuer}/authorize`);
});

feature('sign-in', async () => {
  await signIn(app);
  assert.deepEqual((await app.session()).user, { name: 'Ada Lovelace', email: 'ada@rp.example' });
});

feature('PKCE', async () => {
  const asked = await signIn(application());
  assert.equal(asked.searchParams.get('code_challenge_method'), 'S256');
  assert.match(asked.searchParams.get('code_challenge'), /^[\w-]{43}$/);
});

feature('ID token', () => {
  assert.deepEqual(app.seen.profile.groups, ['engineers', 'ops']);
  assert.equal(app.seen.account.providerAccountId, app.seen.profile.sub);
});

feature('userinfo', async () => {
  const own = application({ idToken: false });
  await signIn(own);
  assert.equal(own.seen.profile.email_verified, true);
});
