// A provider as the probes see it, whichever it is: requests in, short texts of
// what came back out. What is only worded differently is the same text.
import { createHash, randomBytes, randomUUID, webcrypto } from 'node:crypto';
import { Visitor } from './visitor.mjs';

export const callback = 'https://rp.example/callback';
export const bye = 'https://rp.example/bye';
export const secrets = { web: 'web-secret', other: 'other-secret', job: 'job-secret', pushes: 'pushes-secret', proves: 'proves-secret' };
export const verifier = 'a'.repeat(43);
export const challenge = createHash('sha256').update(verifier).digest('base64url');

export const basic = (id, secret = secrets[id]) => ({ authorization: `Basic ${btoa(`${id}:${secret}`)}` });
export const part = (jwt, n = 1) => JSON.parse(Buffer.from(jwt.split('.')[n], 'base64url'));
const form = (fields) => new URLSearchParams(Array.isArray(fields) ? fields : Object.entries(fields).filter(([, value]) => value !== undefined));

// Challenge of a WWW-Authenticate header: scheme, and error where it names one.
function challengeOf(header) {
  if (!header) return '';
  const error = header.match(/error="(\w+)"/)?.[1];
  return `, ${header.split(' ')[0]} challenge${error ? ` ${error}` : ''}`;
}

export class Target {
  // key makes DPoP proofs.
  constructor(issuer, metadata, key) {
    Object.assign(this, { issuer, metadata, key });
  }

  static async discover(issuer) {
    const response = await fetch(`${issuer}/.well-known/openid-configuration`);
    const key = await webcrypto.subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-256' }, true, ['sign', 'verify']);
    return new Target(issuer, await response.json(), key);
  }

  // asked are the parameters of a good authorization request of a client, with
  // changes; undefined takes one away.
  asked(changes = {}, client = 'web') {
    return form({
      client_id: client, redirect_uri: callback, response_type: 'code', scope: 'openid profile email', state: 's', nonce: 'n',
      ...(['public', 'native'].includes(client) && { code_challenge: challenge, code_challenge_method: 'S256' }), ...changes,
    });
  }

  url(query) {
    return `${this.metadata.authorization_endpoint}?${query}`;
  }

  // answered says in a word or two what the browser shows or where it was led.
  answered(page) {
    if (page.location) {
      const { location } = page;
      const [where, parameters] = location.hash ? ['fragment', location.hash.slice(1)] : ['query', location.search];
      return this.#response(where === 'query' ? 'redirect' : 'redirect with fragment', new URLSearchParams(parameters));
    }
    const [sent] = page.forms.filter(({ action }) => action?.startsWith('https://rp.example/'));
    if (sent) return this.#response('form post', form(sent.fields.filter(({ name }) => name).map(({ name, value }) => [name, value])));
    if (page.forms.some(({ fields }) => fields.some(({ name }) => name === 'login'))) return 'sign-in page';
    if (page.status === 200) return page.forms.length > 0 ? 'page that asks' : 'page';
    return `error page ${page.status}`;
  }

  #response(how, parameters) {
    const rest = [...parameters.keys()].filter((name) => !['error', 'error_description', 'code'].includes(name)).sort();
    return [how, parameters.get('error') ?? (parameters.has('code') ? 'code' : 'no code'), ...rest].join(', ').replace(', ', ': ');
  }

  // authorize sends an authorization request and says how it was answered.
  async authorize(changes, { client, visitor = new Visitor(), query = this.asked(changes, client), init } = {}) {
    const address = init?.body ? this.metadata.authorization_endpoint : this.url(query);
    return this.answered(await visitor.open(address, init));
  }

  // signIn gives the authorization response after a sign-in.
  async signIn(changes, { client, visitor = new Visitor(), login = 'ada', query = this.asked(changes, client) } = {}) {
    let page = await visitor.open(this.url(query));
    if (!page.location) {
      const asks = page.forms.find(({ fields }) => fields.some(({ name }) => name === 'login'));
      if (!asks) throw new Error(`no sign-in at ${this.issuer} (${page.status}):\n${page.html}`);
      page = await visitor.submit(page, asks, { login, password: `${login}-password` });
      // The other one asks for consent on a page of its own.
      if (page.forms?.[0]?.fields.some(({ value }) => value === 'consent')) page = await visitor.submit(page, page.forms[0]);
    }
    const parameters = page.location && new URLSearchParams(page.location.hash ? page.location.hash.slice(1) : page.location.search);
    return { page, code: parameters?.get('code'), parameters, visitor };
  }

  async send(endpoint, fields, { headers = {}, method = 'POST', body = form(fields) } = {}) {
    const response = await fetch(this.metadata[endpoint] ?? endpoint, { method, headers, redirect: 'manual', ...(method !== 'GET' && { body }) });
    const text = await response.text();
    let object = null;
    if (/json/.test(response.headers.get('content-type') ?? '')) object = JSON.parse(text);
    return { status: response.status, headers: response.headers, body: object, text };
  }

  // told says what a program was answered.
  told({ status, headers, body }) {
    if (status < 300) return `${status}: ${body ? Object.keys(body).sort().join(' ') : 'no body'}`;
    return `${status}${body?.error ? ` ${body.error}` : ''}${challengeOf(headers.get('www-authenticate'))}`;
  }

  // token asks the token endpoint for a client that authenticates by Basic.
  token(fields, client = 'web', headers = {}) {
    if (!secrets[client]) return this.send('token_endpoint', { client_id: client, ...fields }, { headers });
    return this.send('token_endpoint', fields, { headers: { ...basic(client), ...headers } });
  }

  redeem(code, changes = {}, client = 'web', headers = {}) {
    if (code === null) throw new Error('there is no code to redeem');
    return this.token({ grant_type: 'authorization_code', code, redirect_uri: callback, ...(!secrets[client] && { code_verifier: verifier }), ...changes }, client, headers);
  }

  refresh(token, changes = {}, client = 'web', headers = {}) {
    return this.token({ grant_type: 'refresh_token', refresh_token: token, ...changes }, client, headers);
  }

  // tokens of a fresh sign-in.
  async tokens(changes, client = 'web', visitor = new Visitor()) {
    const { code } = await this.signIn(changes, { client, visitor });
    const { body } = await this.redeem(code, {}, client);
    return body;
  }

  async userInfo(token, { scheme = 'Bearer', headers = {}, ...init } = {}) {
    return this.send('userinfo_endpoint', {}, { method: 'GET', ...init, headers: { ...(token && { authorization: `${scheme} ${token}` }), ...headers } });
  }

  // proof is a DPoP proof, with changes to header and claims; key: another key.
  async proof(method, endpoint, claims = {}, header = {}, key = this.key) {
    const { kty, crv, x, y } = await webcrypto.subtle.exportKey('jwk', key.publicKey);
    const encode = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');
    const signed = `${encode({ typ: 'dpop+jwt', alg: 'ES256', jwk: { kty, crv, x, y }, ...header })}.${encode({
      jti: randomUUID(), htm: method, htu: this.metadata[endpoint], iat: Math.floor(Date.now() / 1000), ...claims,
    })}`;
    const signature = await webcrypto.subtle.sign({ name: 'ECDSA', hash: 'SHA-256' }, key.privateKey, Buffer.from(signed));
    return `${signed}.${Buffer.from(signature).toString('base64url')}`;
  }

  otherKey() {
    return webcrypto.subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-256' }, true, ['sign', 'verify']);
  }
}

export const ath = (token) => createHash('sha256').update(token).digest('base64url');
export const unheardOf = () => randomBytes(32).toString('base64url');
